# SPDX-License-Identifier: Apache-2.0
"""What a second rank gives: ranks.py BUILD_FOLDER [PATIENTS] [ROUNDS]

Makes a cohort of PATIENTS (2000), shards it, and trains two epochs of the default model in both modes, on 1 and on 2 ranks
of one thread each, interleaved, ROUNDS (3) times; prints patients a second (median; start-up included, as a user waits for it)
and the ratio of 2 ranks to 1. The parameters of the reproducible runs must agree.
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

EPOCHS = 2


def measured(ranks, *words):
    command = ["mpirun", "--bind-to", "none", "-n", str(ranks), *map(str, words), "--quiet"]
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return time.monotonic() - start


def one_round(program, root, patients):
    rates, hashes = {}, set()
    for ranks in (1, 2):
        cohort, store = root / f"cohort-{ranks}", root / f"store-{ranks}"
        rates["synth", ranks] = patients / measured(ranks, program, "synth", "--out", cohort, "--patients", patients, "--centres", 4)
        rates["shard", ranks] = patients / measured(ranks, program, "shard", "--cohort", cohort / "cohort.yaml", "--out", store)
    for mode in ("native", "reproducible"):
        for ranks in (1, 2):
            run = root / f"{mode}-{ranks}"
            took = measured(ranks, program, "train", "--store", root / "store-1", "--out", run, "--mode", mode,
                            "--set", f"train.epochs={EPOCHS}", "--set", "resources.slots_at_once=1")
            record = json.loads((run / "run.json").read_text())
            rates[f"train, {mode}", ranks] = EPOCHS * record["patients"] / took
            if mode == "reproducible":
                hashes.add(record["parameters_sha256"])
    if len(hashes) != 1:
        sys.exit("1 and 2 ranks did not end with the same parameters")
    return rates


def main():
    program = pathlib.Path(sys.argv[1]).resolve() / "hepar"
    patients = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    seen = []
    for _ in range(rounds):
        root = pathlib.Path(tempfile.mkdtemp(prefix="hepar-ranks-"))
        try:
            seen.append(one_round(program, root, patients))
        finally:
            shutil.rmtree(root)
    print(f"{'patients/s':24s} {'1 rank':>8s} {'2 ranks':>8s} {'ratio':>6s}")
    for name in dict.fromkeys(name for name, _ in seen[0]):
        one, two = (statistics.median(rates[name, ranks] for rates in seen) for ranks in (1, 2))
        ratio = statistics.median(rates[name, 2] / rates[name, 1] for rates in seen)
        print(f"{name:24s} {one:8.0f} {two:8.0f} {ratio:6.2f}")


if __name__ == "__main__":
    main()
