# SPDX-License-Identifier: Apache-2.0
"""A hospital that has patients and no follow-up yet: its store is inspected and predicted by a model from elsewhere, and nobody
can train or validate on it."""
import csv
import json
import pathlib
import shutil
import sys
import tempfile

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests" / "store"))
import made_cohort  # noqa: E402

SMALL = ["train.steps=3", "model.embedding=8", "model.fusion.width=8", "model.bag.width=8", "model.sequence.width=8", "model.sequence.heads=2", "model.sequence.hidden=8", "model.vector.hidden=8",
         "model.volume.channels=4"]
SETTINGS = [word for setting in SMALL for word in ("--set", setting)]


def run(*words, **options):
    return made_cohort.run(PROGRAM, *words, **options)


def without_follow_up(cohort, folder):
    """The same patients before anything has happened: no follow-up, no treatments, no endpoints."""
    shutil.copytree(cohort.parent, folder)
    for table in ("follow_up", "treatments"):
        (folder / f"{table}.csv").unlink()
    lines = (folder / "cohort.yaml").read_text().splitlines(keepends=True)
    cut = [next(i for i, line in enumerate(lines) if line.startswith(key)) for key in ("endpoints:", "strategies:")]
    kept = [line for i, line in enumerate(lines) if not cut[0] <= i < cut[1] and not line.startswith(("follow_up:", "treatments:"))]
    (folder / "cohort.yaml").write_text("".join(kept))
    return folder / "cohort.yaml"


def refused(work, store):
    before = made_cohort.content(store)
    for command in ("train", "validate"):
        out = work / f"no-{command}"
        done = run(command, "--store", store, "--out", out, *SETTINGS, check=False)
        errors = [line for line in done.stderr.splitlines() if line.startswith("hepar: error:")]
        assert done.returncode == 3 and len(errors) == 1, (command, done.returncode, done.stderr)
        assert "has no endpoints" in errors[0] and "add follow_up and endpoints to the cohort" in errors[0], errors
        assert not (out / "run.json").exists() and not (out / "validation.json").exists()
    assert made_cohort.content(store) == before


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def main():
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        cohort = made_cohort.make(work / "cohort", n=60)
        run("shard", "--cohort", cohort, "--out", work / "store")
        run("train", "--store", work / "store", "--out", work / "run", *SETTINGS)
        later = without_follow_up(cohort, work / "later")
        checked = json.loads(run("cohort", "check", "--cohort", later, "--out", work / "check", "--json").stdout)
        assert sum(checked["patients"].values()) == 60
        run("shard", "--cohort", later, "--out", work / "predict-only", ranks=2)
        features = [sorted((work / store / "features").iterdir()) for store in ("store", "predict-only")]
        assert [file.read_bytes() for file in features[0]] == [file.read_bytes() for file in features[1]], "features do not depend on follow-up"
        seen = json.loads(run("inspect", work / "predict-only", "--verify", "--json").stdout)[0]
        assert seen["predict_only"] and seen["usable"] and seen["endpoints"] == [] and seen["patients"] == 60, seen
        assert not json.loads(run("inspect", work / "store", "--json").stdout)[0]["predict_only"]

        for store in ("store", "predict-only"):
            run("predict", "--run", work / "run", "--store", work / store, "--out", work / f"{store}.csv")
        known, blind = rows(work / "store.csv"), rows(work / "predict-only.csv")
        keys = ("patient_id", "centre", "endpoint", "strategy", "risk", "survival_12", "survival_36")
        assert [[row[key] for key in keys] for row in known] == [[row[key] for key in keys] for row in blind], "a prediction does not depend on what happened"
        assert {row["strategy_observed"] for row in blind} == {"unknown"}, {row["strategy_observed"] for row in blind}
        assert {row["strategy"] for row in blind} == {"surgery", "tace", "tace_systemic", "systemic", "natural"}
        enrolled = [row["patient_id"] for row in rows(cohort.parent / "patients.csv") if 18 <= float(row["age"]) <= 75]
        assert sorted({row["patient_id"] for row in blind}) == enrolled
        refused(work, work / "predict-only")
    print("a store without follow-up is predicted and nothing else")


main()
