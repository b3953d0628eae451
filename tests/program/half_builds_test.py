# SPDX-License-Identifier: Apache-2.0
"""Half of the program is a program: without the trainer (a hospital's server) it makes a store, without the readers (a cluster
of GPUs) it trains on one, and neither loads a library of the other half. Built by `tools/check --long` alone."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(sys.argv[2])
TRAINER = {"train", "validate", "predict", "report", "stats", "bench"}
INGEST = {"cohort check", "synth", "shard", "radiomics"}

if os.environ.get("HEPAR_LONG", "0") != "1":
    print("skipped: tools/check --long builds both halves")
    sys.exit(77)


def build(folder, off):
    subprocess.run(["cmake", "-S", SOURCE, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DHEPAR_BUILD_TESTS=OFF", f"-DHEPAR_BUILD_{off}=OFF"],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder], check=True, stdout=subprocess.DEVNULL)
    return folder / "hepar"


def run(*words, code=0):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def commands(program):
    return set(re.findall(r"^## hepar (.+)$", run(program, "reference"), re.M))


def libraries(program):
    return run("ldd", program)


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    hospital, cluster = build(folder / "hospital", "TRAINER"), build(folder / "cluster", "INGEST")
    both = commands(sys.argv[1])
    assert both - commands(hospital) == TRAINER, both ^ commands(hospital)
    assert both - commands(cluster) == INGEST, both ^ commands(cluster)
    assert "libtorch" not in libraries(hospital), "the half without the trainer loads LibTorch"
    assert "openslide" not in libraries(cluster) and "dcmdata" not in libraries(cluster), "the half without readers loads them"
    assert "unknown command 'train'" in run(hospital, "train", code=2) and "unknown command 'shard'" in run(cluster, "shard", code=2)
    run(hospital, "synth", "--out", folder / "cohort", "--patients", 60, "--centres", 2, "--seed", 3)
    run(hospital, "shard", "--cohort", folder / "cohort" / "cohort.yaml", "--out", folder / "store")
    run(cluster, "train", "--store", folder / "store", "--out", folder / "run", "--set", "train.steps=2")
    run(cluster, "predict", "--run", folder / "run", "--store", folder / "store", "--out", folder / "predictions.csv")
    run(hospital, "inspect", folder / "store", "--verify")
    print("a store made by one half is learned by the other")
