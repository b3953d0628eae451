# SPDX-License-Identifier: Apache-2.0
"""The page of a validation and of a run: every section, nothing from elsewhere, no number that is none."""
import html
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from html.parser import HTMLParser

program = sys.argv[1]
SMALL = ["--set", "train.steps=4", "--set", "model.embedding=8", "--set", "model.fusion.width=8", "--set", "model.vector.hidden=8", "--set", "validation.min_events=3"]
SECTIONS = ["headline", "reading", "flow", "strategies", "centres", "survival", "calibration", "accuracy", "example", "training", "cost", "audit", "provenance"]


def hepar(*words):
    done = subprocess.run([program, *map(str, words)], env=dict(os.environ), capture_output=True, text=True)
    assert done.returncode == 0, (words, done.stderr)


class Balance(HTMLParser):
    """Every element that is opened is closed, in order."""

    VOID = {"meta", "br"}  # what HTML never closes; in SVG an element closes itself with "/>"

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()


def check(page, sections):
    for section in sections:
        assert f'id="{section}"' in page, f"no section {section}"
    assert not re.search(r"""(src|href)\s*=\s*["'](?!#)|https?://|@import|url\(""", page), "the page asks for something from elsewhere"
    text = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    assert not re.search(r"(?<![A-Za-z])-?(nan|inf|null)(?![A-Za-z])", re.sub(r"<code>.*?</code>", "", text)), "a number that is none"
    balance = Balance()
    balance.feed(page)
    assert not balance.open, balance.open
    assert "<script" not in page and "research use only" in page


def cells_of(page, section, row):
    """The texts of a table's row that begins with `row`."""
    part = re.search(rf'<section id="{section}">.*?</section>', page, re.S).group(0)
    found = re.search(rf'<tr><th scope="row">{re.escape(row)}</th>.*?</tr>', part, re.S)
    assert found, (section, row)
    return [html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<t[hd].*?</t[hd]>", found.group(0), re.S)]


def said(estimate):
    if "not_estimable" in estimate:
        return "not estimable: " + estimate["not_estimable"]
    pool = f"; k = {estimate['k']}" if "k" in estimate else ""
    if estimate.get("normal_low", 1) < estimate["low"]:
        pool += f", normal interval {estimate['normal_low']:.3f} to {estimate['normal_high']:.3f}"
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f}{pool})"


def figures_are_those_of(page, result, flow):
    """What the page says is what validation.json and flow.json hold."""
    for title, endpoint in (("recurrence-free survival (rfs)", "rfs"), ("recurrence", "recurrence"), ("overall survival (os)", "os")):
        pooled, cox, name = result["pooled"], result["baselines"]["clinical_cox"], f"{endpoint}.harrell_c"
        told = cells_of(page, "headline", title)
        assert told[1:5] == [said(pooled[name]), said(pooled[name + "_prediction"]), said(cox["pooled"][name]), said(cox["difference"][name])], (told, said(pooled[name]), said(pooled[name + "_prediction"]), said(cox["pooled"][name]), said(cox["difference"][name]))
        groups = result["figures"][endpoint]["risk_groups"]["groups"]
        chart = re.search(rf'<svg[^>]*aria-label="{re.escape(title)} by predicted risk">.*?</svg>', page, re.S).group(0)
        rows = [[re.sub(r"<[^>]+>", "", text) for text in re.findall(r"<text.*?</text>", row)] for row in re.findall(r'<g class="counts">(.*?)</g>', chart, re.S)]
        assert rows == [[group["name"], *map(str, group["at_risk"])] for group in groups], rows
        # Each number stands under the tick of its month, and both axes have theirs.
        ticks = {text: x for x, text in re.findall(r'<text class="tick" x="([\d.]+)" y="329.0" text-anchor="middle">(\d+)</text>', chart)}
        assert list(ticks) == [str(month) for month in range(0, int(result["figures"][endpoint]["horizon"]) + 1, 12)], ticks
        for row in re.findall(r'<g class="counts">(.*?)</g>', chart, re.S):
            assert re.findall(r'<text class="tick" x="([\d.]+)"', row) == list(ticks.values()), row
        assert all(f">{share} %</text>" in chart for share in (0, 20, 40, 60, 80, 100)), "the share's axis has no numbers"
    assert "Intervals over fewer than 5 folds (k) are hardly informative." in page
    words = re.search(r'<ul class="sentences">.*?</ul>', page, re.S).group(0)
    assert "too few centres for a verdict" in words and not re.search("more than|less than|no clear difference", words), words
    for baseline in result["baselines"].values():
        assert f"What it is compared with: {html.escape(baseline['title'])}</dt><dd>{html.escape(baseline['method'])}" in page
        assert cells_of(page, "accuracy", f"rfs, minus {baseline['title']}")
    centres = list(flow["patients"])
    assert cells_of(page, "flow", "eligible") == ["eligible", str(sum(flow["eligible"].values())), *(str(flow["eligible"].get(c, 0)) for c in centres)]
    for fold in result["folds"]:
        received = [str(strategy["patients"]) + (" not estimable" if "not_estimable" in strategy else "") for strategy in fold["strategies"]]
        assert cells_of(page, "strategies", fold["name"]) == [fold["name"], str(fold["patients"]), *received]
    for entry in result["not_estimable"]:
        assert html.escape(f"{entry['fold']}: {entry['why'].removeprefix('baseline: ')}") in page, entry  # the difference has the baseline's own reason
    for fold in result["folds"]:
        assert cells_of(page, "provenance", f"fold {fold['name']}")[1] == fold["parameters_sha256"]


with tempfile.TemporaryDirectory() as folder:
    work = pathlib.Path(folder)
    hepar("synth", "--level", "tables", "--patients", 90, "--centres", 3, "--out", work / "c")
    hepar("shard", "--cohort", work / "c" / "cohort.yaml", "--out", work / "s")
    hepar("validate", "--store", work / "s", "--out", work / "v", *SMALL)
    hepar("report", work / "v", "--store", work / "s", "--out", work / "v.html")
    page = (work / "v.html").read_text(encoding="utf-8")
    check(page, SECTIONS)
    assert "Passed:" in page and "C02" in page and "prefers-color-scheme" in page and "@media print" in page
    figures_are_those_of(page, json.loads((work / "v" / "validation.json").read_text()), json.loads((work / "s" / "flow.json").read_text()))
    hepar("report", work / "v", "--out", work / "no-store.html")
    check((work / "no-store.html").read_text(encoding="utf-8"), SECTIONS)
    hepar("train", "--store", work / "s", "--out", work / "r", *SMALL)
    hepar("report", work / "r", "--store", work / "s", "--out", work / "r.html")
    check((work / "r.html").read_text(encoding="utf-8"), ["flow", "training", "cost", "provenance"])
print("3 passed, 0 failed")
