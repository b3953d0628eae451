# SPDX-License-Identifier: Apache-2.0
"""The scorer of report sentences: its intervals against published ones, its counts on a set whose score is known, its
halves and groups, and what it refuses."""
import pathlib
import sys
import tempfile

program, source = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(source / "tests/reports"))
import score  # noqa: E402


def check(holds, *what):
    if not holds:
        sys.exit(f"failed: {what}")


# Newcombe, Statistics in Medicine 1998, table I: method 3.
for successes, trials, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]:
    got = score.wilson(successes, trials)
    check(abs(got[0] - low) < 5e-5 and abs(got[1] - high) < 5e-5, successes, trials, got)
check(score.wilson(0, 0) == (0.0, 1.0), "without trials")
check(score.wilson(20, 20)[1] == 1.0, "all right")

HEADER = "text\tlanguage\tattribute\texpected\n"
with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "small.tsv"

    def rows(text):
        file.write_text(HEADER + text, encoding="utf-8")
        return score.read_rows([folder])

    # A reader that is known: right, wrong, missed, invented, and something that '*' forbids.
    made = rows("# a comment\n\na\\nb\ten\tmvi\tM1\nc\ten\tmvi\tM0\nd\ten\tmvi\tM2\ne\ten\tmvi\tnot_stated\ne\ten\t*\tnot_stated\nf\tzh\tsize_mm\t40\n")
    check(made[0].text == "a\nb", "escapes")
    given = {"a\nb": {"mvi": "M1"}, "c": {"mvi": "M2"}, "d": {}, "e": {"mvi": "M0", "nerve": "absent"}, "f": {"size_mm": "40.0"}}
    counts, errors = score.score(made, given)
    check(counts["mvi", "en"] == score.Count(right=1, wrong=1, invented=1, missed=1), counts)
    check(counts["mvi", "en"].precision() == (1, 3) and counts["mvi", "en"].recall() == (1, 3), counts)
    check(counts["nerve", "en"] == score.Count(invented=1) and counts["size_mm", "zh"] == score.Count(right=1), counts)
    check(len(errors) == 4, errors)
    lines = score.table(counts).splitlines()
    check(lines[-3].split()[:3] == ["all", "both", "2/5"] and lines[1].split()[:3] == ["mvi", "en", "1/3"], lines)

    # Groups are files, halves are fixed by the text: each row counts once in the whole and once in its half.
    groups = score.by_group(made, {row.text: {"mvi": "M1"} for row in made})
    check(groups["small", "whole"] == groups["all", "whole"] == (score.Count(right=1, wrong=2, invented=1, missed=1), 5), groups)
    halves = [groups[key] for key in groups if key[0] == "small" and key[1] != "whole"]
    check(sum(texts for _, texts in halves) == 5 and sum(count.wrong + count.invented for count, _ in halves) == 3, groups)
    halves = {text: score.Row(text, "en", "mvi", "M1", "").half() for text in ("abc", "message digest")}
    check(halves == {"abc": "development", "message digest": "held-out"}, halves)  # SHA-256 ba7816bf… and f7846f55…

    for bad, why in [("a\tfr\tmvi\tM1\n", "language"), ("a\ten\tmvi\n", "3 fields"), ("a\ten\tmvo\tM1\n", "no attribute"),
                     ("a\ten\tmvi\tm1\n", "no value"), ("a\ten\tsize_mm\tbig\n", "no value"),
                     ("a\ten\t*\tM1\n", "not_stated only"), ("a\ten\tmvi\tM1\na\ten\tmvi\tM2\n", "the same text"), ("", "no sentence")]:
        try:
            rows(bad)
            sys.exit(f"taken: {bad!r}")
        except score.Refused as refused:
            check(why in str(refused), bad, refused)

    # Through the program, every text as it stands.
    made = rows("未见微血管侵犯。\tzh\tmvi\tM0\n未见微血管侵犯。\tzh\t*\tnot_stated\n"
                "Clinical history: cirrhosis.\ten\tcirrhosis\tnot_stated\n"
                "肿瘤大小4×3cm。\\n切缘阴性。\tzh\tsize_mm\t40\n")
    found = score.attributes_of(program, [row.text for row in made])
    check(found["未见微血管侵犯。"] == {"mvi": "M0"}, found)
    counts, errors = score.score(made, found)
    check(not errors and counts["mvi", "zh"].right == 1 and counts["size_mm", "zh"].right == 1, counts, errors)
    check(score.main([program, folder]) == 0 and score.main([program, str(file.parent / "absent")]) == 3, "the command")
