# SPDX-License-Identifier: Apache-2.0
"""Law 4: whoever and whatever is left out, from the tables to the validation, is counted with its reason; the counts add up."""
import csv
import json
import pathlib
import sys
import tempfile

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import training_run as t  # noqa: E402

PATIENTS = 60
WAYS = ("excluded", "unknown_excluded", "queried", "pending")


def gaps(cohort):
    """Two patients without an age, one too young, four without any follow-up."""
    rows = list(csv.reader(open(cohort / "patients.csv")))
    rows[3][2] = rows[5][2] = ""
    rows[7][2] = "12"
    t.made_cohort.write_csv(cohort / "patients.csv", rows)
    rows = list(csv.reader(open(cohort / "follow_up.csv")))
    t.made_cohort.write_csv(cohort / "follow_up.csv", rows[:11] + rows[15:])


def total(counts):
    return sum(counts.values())


def everyone_is_somewhere(store):
    flow = json.loads((store / "flow.json").read_text())
    left = total(flow["patients"])
    assert left == PATIENTS
    for step in flow["steps"]:
        assert total(step["entered"]) == left, step
        left -= sum(total(step[way]) for way in WAYS)
    assert total(flow["eligible"]) == left, "the steps do not lead to the eligible"
    age = next(step for step in flow["steps"] if step["id"] == "age")
    assert total(age["unknown_excluded"]) == 2 and total(age["excluded"]) == sum(40 + i % 45 > 75 for i in range(PATIENTS)) + 1, age
    assert sum(total(counts) for counts in flow["strategies"].values()) == left, flow["strategies"]
    return left


def every_modality_is_somewhere(store):
    summary = json.loads((store / "summary.json").read_text())
    rows = list(csv.DictReader(open(store / "failures.csv")))
    for name, modality in summary["modalities"].items():
        reasons = modality["patients_by_reason"]
        assert total(reasons) == PATIENTS and reasons["present"] == modality["present"], modality
        for reason, patients in reasons.items():
            listed = {row["patient_id"] for row in rows if row["modality"] == name and row["reason"] == reason}
            assert reason in ("present", "not_recorded") or len(listed) == patients, f"{name}: {patients} patients are {reason}, {len(listed)} of them are listed"
    assert summary["failures"] == len(rows) > 0


def every_training_and_test_adds_up(store, folder, eligible):
    with h5py.File(store / "tables.h5") as tables:
        keys, out_of_it = tables["patient/key"][:], tables["rules/excluded_by"][:] >= 0
    followed = {row["patient_id"] for row in csv.DictReader(open(folder / "cohort" / "follow_up.csv"))}
    without = sum(key.decode() not in followed for key, left_out in zip(keys, out_of_it) if not left_out)
    record = t.trained(store, folder / "run")
    assert 0 < without == record["patients_without_outcome"] and record["patients"] + without == eligible, record
    small = t.words(store, folder / "validation", "--set", "validation.min_events=3")
    t.made_cohort.run(t.PROGRAM, "validate", *small[1:])
    result = json.loads((folder / "validation" / "validation.json").read_text())
    assert result["patients"] == {"in_store": PATIENTS, "eligible": eligible, "without_outcome": without, "held_out": eligible - without, "predicted": eligible - without}, result["patients"]
    predicted = {row["patient_id"] for row in csv.DictReader(open(folder / "validation" / "predictions.csv"))}
    assert len(predicted) == eligible - without
    for fold in result["folds"]:
        for name, estimate in fold["metrics"].items():
            assert ("value" in estimate) != bool(estimate.get("not_estimable")), f"{fold['name']} {name} has neither a value nor a reason"
    listed = {(entry["fold"], entry.get("baseline"), entry["name"]): entry["why"] for entry in result["not_estimable"]}
    assert result["baselines"]
    for baseline, over in result["baselines"].items():
        assert "at least 10 events per coefficient" in over["method"] and over["title"]
        for fold in over["folds"]:
            for group, before in (("metrics", ""), ("difference", "difference.")):
                assert fold[group], (fold["name"], group)
                for name, estimate in fold[group].items():
                    if "not_estimable" in estimate:
                        whole = listed.get((fold["name"], baseline, before + name.split(".")[0]))
                        assert listed.get((fold["name"], baseline, before + name), whole) == estimate["not_estimable"], f"{fold['name']} {baseline} {before}{name} is not listed with its reason"
    for entry in result["not_estimable"]:
        assert entry["why"], entry


def a_baseline_without_columns_is_named(store, folder):
    """A model of slides alone: the default baseline has no clinical column to be fitted on."""
    small = t.words(store, folder / "slides", "--set", "validation.min_events=3", "--set", "modalities=[slide]")
    told = t.made_cohort.run(t.PROGRAM, "validate", *small[1:]).stdout
    result = json.loads((folder / "slides" / "validation.json").read_text())
    why = "the model sees no clinical column to fit it on"
    cox = result["baselines"]["clinical_cox"]
    assert [fold["name"] for fold in cox["folds"]] == [fold["name"] for fold in result["folds"]]
    for group in (cox["pooled"], cox["difference"]):
        assert group and all(estimate["not_estimable"] == f"no fold is estimable: {why}" for estimate in group.values()), group
    for fold in result["folds"]:
        for name in ("rfs", "os", "difference.rfs", "difference.os"):
            assert {"fold": fold["name"], "baseline": "clinical_cox", "name": name, "why": why} in result["not_estimable"], (fold["name"], name)
    t.made_cohort.run(t.PROGRAM, "report", folder / "slides", "--out", folder / "slides.html")
    page = (folder / "slides.html").read_text(encoding="utf-8")
    assert f"difference from the clinical Cox model <span class=\"why\">not estimable: no fold is estimable: {why}" in page and why in told, told


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    store = t.make_store(folder, patients=PATIENTS, change=gaps)
    eligible = everyone_is_somewhere(store)
    every_modality_is_somewhere(store)
    every_training_and_test_adds_up(store, folder, eligible)
    a_baseline_without_columns_is_named(store, folder)
print("everybody and everything is counted")
