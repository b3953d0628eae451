# SPDX-License-Identifier: Apache-2.0
"""Scores the report rules: score.py PROGRAM FOLDER_OR_FILE... [--errors]

Reads tables of sentences (scored/README.md), lets `hepar inspect` read every text, and prints precision and recall with
Wilson 95 % intervals for each attribute and language, and for each group of the whole set and of its two halves.
"""
import argparse
import collections
import dataclasses
import hashlib
import json
import math
import pathlib
import subprocess
import sys
import tempfile

HEADER = ["text", "language", "attribute", "expected"]
MARKERS = "HepPar-1 Arginase-1 GPC3 AFP CD34 CK7 CK8 CK18 CK19 p53 GS HSP70 CD10 EpCAM beta-catenin PD-L1 CD8".split()
DOUBT = ["uncertain", "conflict"]
THERE = ["present", "absent"]
VALUES = {
    "diagnosis": ["HCC", "ICC", "cHCC-CCA", "other"],
    "mvi": ["M0", "M1", "M2", "positive"],
    "edmondson": ["I", "I-II", "II", "II-III", "III", "III-IV", "IV"],
    "differentiation": ["well", "well-moderate", "moderate", "moderate-poor", "poor", "undifferentiated"],
    "capsule": ["complete", "incomplete", *THERE],
    "margin": ["negative", "positive"],
    "lymph_node": ["positive", "negative", "not_submitted"],
    **{name: THERE for name in ("satellite", "cirrhosis", "macrovascular", "bile_duct_thrombus", "nerve")},
    **{f"ihc.{name}": ["positive", "negative", "focal", "weak"] for name in MARKERS},
}
NUMBERS = ["size_mm", "number", "margin_mm", "nodes_positive", "nodes_examined", "necrosis_pct", "ihc.Ki-67_pct"]


class Refused(Exception):
    pass


@dataclasses.dataclass(frozen=True)
class Row:
    text: str
    language: str
    attribute: str
    expected: str
    place: str
    group: str = ""

    def half(self):
        """Fixed by the text alone. Failures of the held-out half are counted, never shown."""
        return "held-out" if hashlib.sha256(self.text.encode()).digest()[0] % 2 else "development"


@dataclasses.dataclass
class Count:
    right: int = 0     # given, and as expected
    wrong: int = 0     # given and stated, but another value
    invented: int = 0  # given, not stated
    missed: int = 0    # stated, not given

    def __iadd__(self, other):
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
        return self

    def precision(self):
        return self.right, self.right + self.wrong + self.invented

    def recall(self):
        return self.right, self.right + self.wrong + self.missed


def wilson(successes, trials, z=1.959963984540054):
    """The score interval (Wilson 1927): (low, high); (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    share, square = successes / trials, z * z
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = z / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    return max(0.0, centre - half), min(1.0, centre + half)


def unescaped(text):
    signs = {"n": "\n", "t": "\t", "\\": "\\"}
    out, at = [], 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1:at + 2] in signs:
            out.append(signs[text[at + 1]])
            at += 2
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def is_number(text):
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def problem_of(fields):
    if len(fields) != 4:
        return f"{len(fields)} fields, expected 4 separated by tabs"
    text, language, attribute, expected = fields
    if not text.strip():
        return "no text"
    if language not in ("zh", "en"):
        return f"language '{language}', expected zh or en"
    if attribute == "*":
        return None if expected == "not_stated" else "'*' goes with not_stated only"
    if attribute not in VALUES and attribute not in NUMBERS:
        return f"no attribute '{attribute}'"
    known = expected == "not_stated" or expected in VALUES.get(attribute, []) + (DOUBT if attribute in VALUES else [])
    if known or (attribute == "number" and expected in ["multiple", *DOUBT]) or (attribute in NUMBERS and is_number(expected)):
        return None
    return f"'{expected}' is no value of {attribute}"


def read_rows(paths):
    rows, seen = [], {}
    files = [file for path in map(pathlib.Path, paths) for file in (sorted(path.glob("*.tsv")) if path.is_dir() else [path])]
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"{file}: {error}") from error
        if lines[0].rstrip("\r").split("\t") != HEADER:
            raise Refused(f"{file}:1: the first line is not {' '.join(HEADER)}")
        for number, line in enumerate(lines[1:], start=2):
            line = line.rstrip("\r")
            if not line.strip() or line.startswith("#"):
                continue
            fields = line.split("\t")
            problem = problem_of(fields)
            if problem is None and (fields[0], fields[2]) in seen:
                problem = f"the same text and attribute as {seen[fields[0], fields[2]]}"
            if problem:
                raise Refused(f"{file}:{number}: {problem}")
            seen[fields[0], fields[2]] = f"{file.name}:{number}"
            rows.append(Row(unescaped(fields[0]), *fields[1:], f"{file.name}:{number}", file.stem))
    if not rows:
        raise Refused("no sentence in " + ", ".join(map(str, paths)))
    return rows


def attributes_of(program, texts):
    """{text: {attribute: value}}, by the program itself."""
    texts, found = sorted(set(texts)), {}
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / f"{i}.txt" for i in range(len(texts))]
        for file, text in zip(files, texts):
            file.write_text(text, encoding="utf-8", newline="")
        for start in range(0, len(files), 500):
            command = [program, "inspect", *map(str, files[start:start + 500]), "--json"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if not done.stdout.startswith("["):
                raise Refused(f"{program} inspect: {done.stderr.strip()}")
            for text, report in zip(texts[start:start + 500], json.loads(done.stdout)):
                found[text] = {name: one["value"] for name, one in report.get("attributes", {}).items()}
    return found


def same(given, expected):
    return given == expected or (is_number(given) and is_number(expected) and float(given) == float(expected))


def score(rows, found):
    """({(attribute, language): Count}, [what was wrong])"""
    counts, errors, listed = collections.defaultdict(Count), [], collections.defaultdict(set)
    for row in rows:
        listed[row.text].add(row.attribute)

    def judge(row, attribute, expected):
        given, count = found[row.text].get(attribute), counts[attribute, row.language]
        stated = expected != "not_stated"
        if given is None and not stated:
            return
        if given is not None and stated and same(given, expected):
            count.right += 1
            return
        kind = "missed" if given is None else "wrong" if stated else "invented"
        setattr(count, kind, getattr(count, kind) + 1)
        errors.append(f"{row.place}\t{kind}\t{attribute}\t{expected}\t{given}\t{row.text!r}")

    for row in rows:
        if row.attribute != "*":
            counts[row.attribute, row.language]  # shown even when nothing was given or stated
            judge(row, row.attribute, row.expected)
            continue
        for attribute in found[row.text]:
            if attribute not in listed[row.text]:
                judge(row, attribute, "not_stated")
    return counts, errors


def cell(pair):
    right, of = pair
    low, high = wilson(right, of)
    return f"{right}/{of}".rjust(9) + (f" {right / of:.3f} [{low:.3f}, {high:.3f}]" if of else "     - [    -,     -]")


def table(counts):
    total = collections.defaultdict(Count)
    for (_, language), count in counts.items():
        for key in (language, "both"):
            total[key] += count
    lines = [f"{'attribute':<22}{'language':<10}{'precision (Wilson 95 %)':<34}recall (Wilson 95 %)"]
    keys = [(name, language, counts[name, language]) for name, language in sorted(counts)]
    keys += [("all", language, total[language]) for language in sorted(total)]
    for name, language, count in keys:
        lines.append(f"{name:<22}{language:<10}{cell(count.precision()):<34}{cell(count.recall())}")
    return "\n".join(lines)


def by_group(rows, found):
    """{(group, half): (Count, texts)}; a group is a file, a half is "whole", "development" or "held-out"; "all" is every group."""
    parts = collections.defaultdict(list)
    for row in rows:
        for group in (row.group, "all"):
            for half in ("whole", row.half()):
                parts[group, half].append(row)
    result = {}
    for key, part in parts.items():
        total = Count()
        for count in score(part, found)[0].values():
            total += count
        result[key] = total, len({row.text for row in part})
    return result


def group_table(groups):
    lines = [f"{'group':<12}{'half':<12}{'texts':>6} {'precision (Wilson 95 %)':<34}recall (Wilson 95 %)"]
    for (group, half), (count, texts) in sorted(groups.items(), key=lambda item: (item[0][0] == "all", item[0])):
        lines.append(f"{group:<12}{half:<12}{texts:>6} {cell(count.precision()):<34}{cell(count.recall())}")
    return "\n".join(lines)


def main(arguments):
    parser = argparse.ArgumentParser(description="precision and recall of the report rules")
    parser.add_argument("program")
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--errors", action="store_true", help="also list the errors of the development half")
    options = parser.parse_args(arguments)
    try:
        rows = read_rows(options.paths)
        found = attributes_of(options.program, [row.text for row in rows])
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 3
    print(table(score(rows, found)[0]), group_table(by_group(rows, found)), sep="\n\n")
    if options.errors:
        errors = score([row for row in rows if row.half() == "development"], found)[1]
        print("\n".join(["", "place\tkind\tattribute\texpected\tgiven\ttext", *errors]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
