# SPDX-License-Identifier: Apache-2.0
"""Real tables from file to validated result through the shipped configurations, with few steps: leave one site out, k folds by
patient, one split. What is held here is the way, not the figure. Data: $HEPAR_REAL_DATA, or ../shared/real; none: skipped."""
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

program, source = sys.argv[1], pathlib.Path(sys.argv[2])
data = pathlib.Path(os.environ.get("HEPAR_REAL_DATA", source / ".." / "shared" / "real"))
environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")


def run(*words, ranks=1):
    launch = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
    done = subprocess.run(launch + [str(word) for word in words], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (words, done.returncode, done.stderr)


def validated(folder, name, out, *more):
    run(program, "validate", "--config", source / "configs" / "experiment" / f"{name}.yaml", "--store", folder / name, "--out", out, "--set", "train.steps=6", *more, ranks=2)
    result = json.loads((out / "validation.json").read_text())
    assert result["audit"]["passed"], result["audit"]
    with open(out / "predictions.csv", encoding="utf-8") as file:
        predicted = {row["patient_id"] for row in csv.DictReader(file)}
    assert len(predicted) == result["patients"]["predicted"] == result["patients"]["held_out"], result["patients"]
    return result, predicted


def prepared(folder, name):
    run(source / "tools" / "real-cohort", name, "--data", data, "--out", folder / f"{name}.cohort")
    run(program, "shard", "--cohort", folder / f"{name}.cohort" / "cohort.yaml", "--out", folder / name, ranks=2)


if not (data / "clinical").is_dir():
    print(f"nothing to check: no real data at {data} (set HEPAR_REAL_DATA)")
    sys.exit(77)
with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    prepared(folder, "tcga_lihc")
    result, predicted = validated(folder, "tcga_lihc", folder / "sites")
    patients = result["patients"]
    assert patients["eligible"] == 229 and patients["held_out"] + patients["without_outcome"] == 229, patients
    held_out = [centre for fold in result["folds"] for centre in fold["held_out"]]
    assert len(held_out) == len(set(held_out)) > len(result["folds"]) > 1, "small sites are held out together, each once"
    for fold in result["folds"]:
        c = fold["metrics"]["os.harrell_c"]
        assert ("value" in c) == (fold["events"]["os"] >= 10), (fold["name"], fold["events"], c)
    assert result["baselines"]["clinical_cox"]["difference"]["os.harrell_c"]["n"] > 0

    prepared(folder, "hcc_resection")
    folds, everyone = validated(folder, "hcc_resection", folder / "folds")
    assert [len(fold["held_out"]) for fold in folds["folds"]] == [0] * 5 and folds["patients"]["eligible"] == 1153, folds["patients"]
    assert len(everyone) == sum(fold["patients"] for fold in folds["folds"])
    for endpoint in ("rfs", "recurrence", "os"):
        assert "value" in folds["pooled"][f"{endpoint}.harrell_c"], endpoint
    split, some = validated(folder, "hcc_resection", folder / "split", "--set", "validation.scheme=split")
    assert len(split["folds"]) == 1 and some < everyone
print("three schemes on two real cohorts")
