# SPDX-License-Identifier: Apache-2.0
"""What a step costs by counting, not by time: scaling.py BUILD_FOLDER [RANKS,…]

Trains 6 steps of the default model in both modes on 1, 2, 4, 8, 16, 32, 64 ranks of this machine, however few cores it has, and
prints per rank and step: bytes given to sums, slots of the busiest and the least busy rank, and the largest peak memory. The
parameters of all reproducible runs must agree. Writes tests/bench/results/scaling.json.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

STEPS = 6


def main():
    program = pathlib.Path(sys.argv[1]).resolve() / "hepar"
    counts = [int(n) for n in (sys.argv[2] if len(sys.argv) > 2 else "1,2,4,8,16,32,64").split(",")]
    os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    rows, hashes = [], set()
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(scratch)

        def run(ranks, *words):
            command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), program, *map(str, words), "--quiet"]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")

        run(1, "synth", "--out", root / "cohort", "--patients", 600, "--centres", 3)
        run(1, "shard", "--cohort", root / "cohort" / "cohort.yaml", "--out", root / "store")
        for mode in ("native", "reproducible"):
            for ranks in counts:
                out = root / f"{mode}-{ranks}"
                run(ranks, "train", "--store", root / "store", "--out", out, "--mode", mode, "--set", f"train.steps={STEPS}", "--set", "train.slots_per_step=64", "--set", "resources.slots_at_once=1",
                    "--set", "resources.overlap=off")
                record = json.loads((out / "run.json").read_text())
                by_rank = record["by_rank"]
                if mode == "reproducible":
                    hashes.add(record["parameters_sha256"])
                rows.append({"mode": mode, "ranks": ranks, "parameters": record["parameters"], "bytes_per_rank_and_step": max(rank["reduce_bytes"] for rank in by_rank) / STEPS,
                             "most_slots": max(rank["slots"] for rank in by_rank), "fewest_slots": min(rank["slots"] for rank in by_rank), "peak_memory_bytes": max(rank["peak_memory_bytes"] for rank in by_rank)})
                print("{mode:13s} {ranks:3d} ranks: {bytes_per_rank_and_step:12.0f} bytes a rank and step, slots {fewest_slots} to {most_slots}, {mb:.0f} MB".format(**rows[-1], mb=rows[-1]["peak_memory_bytes"] / 1e6), flush=True)
    if len(hashes) != 1:
        sys.exit("the rank counts did not end with the same parameters")
    target = pathlib.Path(__file__).parent / "results" / "scaling.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
