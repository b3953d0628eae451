# SPDX-License-Identifier: Apache-2.0
"""Leaks that are planted in a cohort or in the records of folds are refused, with the patients named."""
import csv
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

program = sys.argv[1]
SMALL = ["--set", "train.steps=2", "--set", "model.embedding=8", "--set", "model.fusion.width=8", "--set", "model.bag.width=8", "--set", "model.sequence.width=8",
         "--set", "model.sequence.heads=2", "--set", "model.sequence.hidden=8", "--set", "model.vector.hidden=8", "--set", "model.volume.channels=4", "--set", "validation.min_events=1"]


def hepar(*words, code=0):
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == code, (words, done.returncode, done.stderr)
    return done.stderr


def forged(path, place, text):
    """`text` put behind `place`, and the document's hash made anew: what only the audit can find."""
    compact = "".join(re.findall(r'"(?:[^"\\]|\\.)*"|[^\s"]+', path.read_text()))  # as it was hashed, numbers to the letter
    body = re.sub(r',"content_sha256":"[0-9a-f]+"}$', "}", compact)
    assert body != compact and body.count(place) == 1, (path, body.count(place))
    body = body.replace(place, place + text)
    path.write_text(body[:-1] + f',"content_sha256":"{hashlib.sha256(body.encode()).hexdigest()}"}}')


with tempfile.TemporaryDirectory() as scratch:
    work = pathlib.Path(scratch)
    cohort, store, whole = work / "cohort", work / "store", work / "whole"
    hepar("synth", "--out", cohort, "--patients", 45, "--centres", 3, "--seed", 4)
    hepar("shard", "--cohort", cohort / "cohort.yaml", "--out", store)
    validate = ["validate", *SMALL, "--out"]
    hepar(*validate, whole, "--store", store)
    result = json.loads((whole / "validation.json").read_text())
    assert result["audit"]["passed"] and any("under another id" in check for check in result["audit"]["checks"])
    test = json.loads((whole / "folds" / "C01" / "fold.json").read_text())["test"]

    # A fold's record, the model's own list, its transform: each says that a test patient was seen.
    key = json.dumps(test[0]) + ","
    plants = {"trained": ("fold.json", '"train":[', key, "trained on and tested on"),
              "stepped": ("model.json", '"trained_on":[', key, "network saw the test patient"),
              "scaled": ("model.json", '"fitted_on":[', key, "transform saw the test patient"),
              "mixture": ("fold.json", '"propensity":[', key, "propensity saw the test patient"),
              "late": ("fold.json", '"inputs_known_late":[', '"mvi"', "mvi is not known")}
    for name, (file, place, text, words) in plants.items():
        planted = work / name
        shutil.copytree(whole, planted)
        for made in ("validation.json", "status.json"):
            (planted / made).unlink()
        forged(planted / "folds" / "C01" / file, place, text)
        message = hepar(*validate, planted, "--store", store, "--gather", code=4)
        assert "the leak audit failed" in message, (name, message)
        problems = json.loads((planted / "validation.json").read_text())["audit"]["problems"]
        assert any(words in p for p in problems), (name, message, problems)
        assert json.loads((planted / "status.json").read_text())["state"] == "failed"

    # One person under two ids: the slide of a patient of one centre is given to one of another.
    rows = list(csv.DictReader(open(cohort / "slides.csv")))
    centre = {row["patient_id"]: row["centre"] for row in csv.DictReader(open(cohort / "patients.csv"))}
    inside = {p for fold in result["folds"] for p in json.loads((whole / "folds" / fold["name"] / "fold.json").read_text())["test"]}
    kept = [row for row in rows if row["patient_id"] in inside]
    one = kept[0]
    other = next(row for row in kept if centre[row["patient_id"]] != centre[one["patient_id"]])
    shutil.copy(cohort / one["path"], cohort / other["path"])
    hepar("shard", "--cohort", cohort / "cohort.yaml", "--out", store)
    message = hepar(*validate, work / "twins", "--store", store, code=3)
    assert one["patient_id"] in message and other["patient_id"] in message and "have the same slide" in message, message
    assert not (work / "twins" / "folds").exists(), "it was trained before it was refused"
print("6 planted leaks, 6 refused")
