# SPDX-License-Identifier: Apache-2.0
"""The page of a validation and of a run: every section, nothing from elsewhere, no number that is none."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from html.parser import HTMLParser

program = sys.argv[1]
SMALL = ["--set", "train.steps=4", "--set", "model.embedding=8", "--set", "model.fusion.width=8", "--set", "model.vector.hidden=8", "--set", "validation.min_events=3"]
SECTIONS = ["headline", "flow", "centres", "survival", "calibration", "accuracy", "example", "training", "cost", "audit", "provenance"]


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


with tempfile.TemporaryDirectory() as folder:
    work = pathlib.Path(folder)
    hepar("synth", "--level", "tables", "--patients", 90, "--centres", 3, "--out", work / "c")
    hepar("shard", "--cohort", work / "c" / "cohort.yaml", "--out", work / "s")
    hepar("validate", "--store", work / "s", "--out", work / "v", *SMALL)
    hepar("report", work / "v", "--store", work / "s", "--out", work / "v.html")
    page = (work / "v.html").read_text(encoding="utf-8")
    check(page, SECTIONS)
    assert "Passed:" in page and "C02" in page and "prefers-color-scheme" in page and "@media print" in page
    hepar("report", work / "v", "--out", work / "no-store.html")
    check((work / "no-store.html").read_text(encoding="utf-8"), SECTIONS)
    hepar("train", "--store", work / "s", "--out", work / "r", *SMALL)
    hepar("report", work / "r", "--store", work / "s", "--out", work / "r.html")
    check((work / "r.html").read_text(encoding="utf-8"), ["flow", "training", "cost", "provenance"])
print("3 passed, 0 failed")
