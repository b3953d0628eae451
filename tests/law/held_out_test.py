# SPDX-License-Identifier: Apache-2.0
"""Law 1 and 2 of a validation: every patient predicted exactly once by a model that never saw the centre, the same
numbers on 1, 2 and 3 ranks, as one job, as an array of folds with --gather, and after a kill."""
import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

program = sys.argv[1]
environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
SMALL = ["--set", "train.steps=6", "--set", "model.embedding=16", "--set", "model.bag.width=16", "--set", "model.fusion.width=16", "--set", "model.volume.channels=4",
         "--set", "model.sequence.width=16", "--set", "model.sequence.hidden=16", "--set", "model.vector.hidden=16", "--set", "validation.min_events=3"]


def hepar(*words, ranks=1, code=0):
    launch = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
    done = subprocess.run(launch + [program, *map(str, words)], env=environment, capture_output=True, text=True)
    assert done.returncode == code, (words, done.returncode, done.stderr)
    return done


def hashes(out):
    return {fold["name"]: fold["parameters_sha256"] for fold in json.loads((out / "validation.json").read_text())["folds"]}


def numbers(out):
    result = json.loads((out / "validation.json").read_text())
    for fold in result["folds"]:
        del fold["seconds"]
    return json.dumps([result["folds"], result["pooled"], result["baselines"], result["figures"]])


with tempfile.TemporaryDirectory() as folder:
    work = pathlib.Path(folder)
    cohort, store = work / "cohort", work / "store"
    hepar("synth", "--out", cohort, "--patients", 72, "--centres", 3, "--seed", 5)
    hepar("shard", "--cohort", cohort / "cohort.yaml", "--out", store)
    validate = ["validate", "--store", store, *SMALL]

    one = work / "one"
    hepar(*validate, "--out", one)
    with open(one / "predictions.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(cohort / "patients.csv", encoding="utf-8") as file:
        centre = {row["patient_id"]: row["centre"] for row in csv.DictReader(file)}
    keys = [(r["patient_id"], r["endpoint"], r["strategy"]) for r in rows]
    assert len(keys) == len(set(keys)), "a patient is predicted twice"
    assert all(r["fold"] == centre[r["patient_id"]] for r in rows), "a patient is predicted by the model of another fold"
    result = json.loads((one / "validation.json").read_text())
    predicted = {r["patient_id"] for r in rows}
    assert len(predicted) == sum(fold["patients"] for fold in result["folds"])
    assert result["audit"]["passed"], result["audit"]
    for fold in result["folds"]:
        seen = json.loads((one / "folds" / fold["name"] / "fold.json").read_text())
        assert {centre[p] for p in seen["train"] + seen["inner"]}.isdisjoint(fold["held_out"])
    for key in {(r["patient_id"], r["endpoint"]) for r in rows}:
        assert {s for p, e, s in keys if (p, e) == key} == {"surgery", "tace", "tace_systemic", "systemic", "natural"}

    for ranks in (2, 3):
        many = work / f"ranks-{ranks}"
        hepar(*validate, "--out", many, ranks=ranks)
        assert hashes(many) == hashes(one), f"{ranks} ranks trained other parameters"
        assert (many / "predictions.csv").read_bytes() == (one / "predictions.csv").read_bytes(), f"{ranks} ranks predicted otherwise"
        assert numbers(many) == numbers(one), f"{ranks} ranks computed other statistics"

    array = work / "array"
    hepar(*validate, "--out", array, "--fold", "C02")
    missing = hepar(*validate, "--out", array, "--gather", code=6)
    assert "C01" in missing.stderr and "C03" in missing.stderr and "C02" not in missing.stderr.replace(str(work), ""), missing.stderr
    for name in ("C01", "C03"):
        hepar(*validate, "--out", array, "--fold", name, ranks=2)
    hepar(*validate, "--out", array, "--gather")
    assert numbers(array) == numbers(one) and hashes(array) == hashes(one), "the fold array gives other numbers than one job"

    killed = work / "killed"
    process = subprocess.Popen([program, *map(str, validate), "--out", str(killed)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (killed / "folds" / "C01" / "fold.json").exists() and not (killed / "folds" / "C03" / "run.json").exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    hepar(*validate, "--out", killed, ranks=2)
    assert numbers(killed) == numbers(one) and hashes(killed) == hashes(one), "a killed validation continued to other numbers"

    # Finished: runs again and changes nothing.
    before = {path.name: path.read_bytes() for path in one.glob("*.*")}
    again = hepar(*validate, "--out", one)
    assert {path.name: path.read_bytes() for path in one.glob("*.*")} == before, "a finished validation was changed"
    assert "rfs" in again.stdout, again.stdout
    assert (one / "predictions.csv").read_bytes() == (killed / "predictions.csv").read_bytes()
    other = hepar(*validate, "--out", one, "--set", "seed=2", code=4)
    assert "seed was 1 and is 2" in other.stderr, other.stderr
    fresh = hepar(*validate, "--out", one, "--fold", "C01", "--fresh", code=2)
    assert "--fold" in fresh.stderr and (one / "validation.json").exists(), "one fold moved the whole validation away"

    # Corrected tables: folds of the old ones are not pooled with the new outcomes.
    follow_up = cohort / "follow_up.csv"
    lines = follow_up.read_text().splitlines()
    follow_up.write_text("\n".join(lines[:-1]) + "\n")
    hepar("shard", "--cohort", cohort / "cohort.yaml", "--out", store)
    refused = hepar(*validate, "--out", one, "--gather", code=4)
    assert "tables_sha256 differs" in refused.stderr, refused.stderr
    hepar(*validate, "--out", one, ranks=2, code=4)
    assert json.loads((one / "status.json").read_text())["state"] == "finished", "what is refused must keep its status"

    # What a scheduler reads when the launcher hides the exit code.
    hopeless = work / "hopeless"
    hepar(*validate, "--out", hopeless, "--set", "validation.min_events=100000", code=5)
    status = json.loads((hopeless / "status.json").read_text())
    assert (status["state"], status["exit_code"], status["class"]) == ("failed", 5, "training"), status

print("9 passed, 0 failed")
