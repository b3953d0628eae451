# SPDX-License-Identifier: Apache-2.0
"""A strategy that nobody of a training fold received is not predicted: rows without numbers, counted reasons, a mark on the page."""
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
SMALL = ["--set", "train.steps=2", "--set", "model.embedding=8", "--set", "model.fusion.width=8", "--set", "model.vector.hidden=8"]


def hepar(*words):
    done = subprocess.run([PROGRAM, *map(str, words)], env=dict(os.environ), capture_output=True, text=True)
    assert done.returncode == 0, (words, done.stderr)
    return done


def rows_of(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def without_numbers(rows):
    """The strategies whose rows hold no number; the others hold all of theirs."""
    empty = set()
    for row in rows:
        numbers = [row["risk"], row["survival_12"], row["survival_24"]]
        assert len({number == "" for number in numbers}) == 1, row
        if row["risk"] == "":
            assert not any(row[key] for key in row if key.startswith("survival_")), row
            empty.add(row["strategy"])
    return empty


with tempfile.TemporaryDirectory() as scratch:
    work = pathlib.Path(scratch)
    hepar("synth", "--level", "tables", "--patients", 120, "--centres", 3, "--out", work / "c")
    treatments = rows_of(work / "c" / "treatments.csv")
    with open(work / "c" / "treatments.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, treatments[0].keys())
        out.writeheader()
        out.writerows(row for row in treatments if row["kind"] != "systemic")
    hepar("shard", "--cohort", work / "c" / "cohort.yaml", "--out", work / "s")

    told = hepar("validate", "--store", work / "s", "--out", work / "v", *SMALL)
    rows, result = rows_of(work / "v" / "predictions.csv"), json.loads((work / "v" / "validation.json").read_text())
    assert without_numbers(rows) == {"systemic", "tace_systemic"}
    patients = {row["patient_id"] for row in rows}
    assert len(rows) == len(patients) * 3 * 5, "a row a (patient, endpoint, strategy), with or without numbers"
    for fold in result["folds"]:
        reasons = {strategy["name"]: strategy.get("not_estimable") for strategy in fold["strategies"]}
        assert reasons["systemic"] == "0 patients of the training fold received it, fewer than 5" and reasons["surgery"] is None and reasons["tace"] is None, reasons
        for name in ("systemic", "tace_systemic"):
            assert {"fold": fold["name"], "name": f"strategy {name}", "why": reasons["systemic"]} in result["not_estimable"]
    assert "strategy systemic is not estimable in 3 of 3 folds" in told.stdout, told.stdout
    curves = {curve["strategy"]: curve for curve in result["example"]["curves"]}
    assert "survival" not in curves["systemic"] and "fewer than 5" in curves["systemic"]["not_estimable"] and curves["tace"]["survival"][0] == 1

    hepar("report", work / "v", "--out", work / "v.html")
    page = (work / "v.html").read_text(encoding="utf-8")
    assert page.count('<span class="bad">not estimable</span>') == 6 and "systemic: not estimable, 0 patients" in page

    trained = hepar("train", "--store", work / "s", "--out", work / "r", *SMALL)
    predicted = hepar("predict", "--run", work / "r", "--store", work / "s", "--out", work / "p.csv")
    assert without_numbers(rows_of(work / "p.csv")) == {"systemic", "tace_systemic"}
    for done in (trained, predicted):
        assert "strategy systemic is not estimable" in done.stderr, done.stderr
print("an unseen strategy is marked everywhere")
