# SPDX-License-Identifier: Apache-2.0
"""Training steps of Hepar beside PyTorch DDP + gloo: compare.py BUILD_FOLDER [ROUNDS] [--only NAME]

Two ranks of one thread each, the same LibTorch (Debian's python3-torch), model, weights, patients, optimiser. Both programs are
started once and take turns round by round. DDP first tries its settings (bucket size, gradient views, fused loops, micro-batches)
and keeps the fastest; its BLAS and kernels may use every instruction of the processor, ours are pinned for law 2. Loss curves must
agree to 1e-5 for 20 steps, or the comparison is refused. Writes tests/bench/results/step.json.
"""
import itertools
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
COMMON = ["model.dropout=0", "model.modality_dropout=0", "model.linear_dropout=0", "train.steps=2000", "train.warmup=0", "train.schedule=constant", "resources.slots_at_once=1"]
MLP = ["modalities=clinical", "model.fusion.width=1400"]
CASES = {"multimodal, bags of 500": (500, []), "multimodal, bags of 4000": (4000, []),
         "MLP of 8 M, 32 a rank": (4, MLP + ["train.slots_per_step=16", "train.patients_per_slot=4"]),
         "MLP of 8 M, 256 a rank": (4, MLP + ["train.slots_per_step=16", "train.patients_per_slot=32"])}
SETTINGS = [{"bucket_mb": mb, "view": view, "micro": micro, "foreach": foreach} for mb, view, micro, foreach in itertools.product((25, 4), (True,), (0, 4), (False, True))]
STEPS = 3  # of each kind in a round


class Ddp:
    """Both ranks of ddp.py."""

    def __init__(self, twin, settings):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self.ranks = [subprocess.Popen(["/usr/bin/python3", HERE / "ddp.py", twin, str(rank), "2", str(port), json.dumps(settings)], text=True, env=environment,
                                       stdin=subprocess.PIPE if rank == 0 else subprocess.DEVNULL, stdout=subprocess.PIPE if rank == 0 else subprocess.DEVNULL) for rank in range(2)]
        self.seconds, self.losses = [], []

    def take(self, steps, count=True):
        self.ranks[0].stdin.write(f"{steps}\n")
        self.ranks[0].stdin.flush()
        line = self.ranks[0].stdout.readline()
        if not line:
            raise SystemExit("DDP ended early")
        result = json.loads(line)
        self.losses += result["losses"]
        self.seconds += result["seconds"] if count else []
        return result["seconds"]

    def end(self):
        self.ranks[0].stdin.write("end\n")
        self.ranks[0].stdin.close()
        for rank in self.ranks:
            rank.wait()


def wait_for(stream, pattern):
    for line in stream:
        if re.search(pattern, line):
            return
    raise SystemExit("hepar ended early")


def fastest(twin, small):
    best, seen = None, {}
    for settings in SETTINGS[:2] if small else SETTINGS:
        try_it = Ddp(twin, settings)
        try_it.take(1)
        took = statistics.median(try_it.take(1 if small else 4))
        try_it.end()
        seen[json.dumps(settings)] = took
        if best is None or took < seen[json.dumps(best)]:
            best = settings
    return best, seen


def one_case(program, name, rounds, small, folder):
    tiles, more = CASES[name]
    if small:
        more = more + ["model.fusion.width=16", "train.slots_per_step=4"]
        tiles = 20
    twin = folder / "twin"
    words = [program, "bench", "step", "--json", "--paced", "--steps", STEPS, "--rounds", rounds, "--tiles", tiles, "--twin", twin, *itertools.chain(*(["--set", one] for one in COMMON + more))]
    ours = subprocess.Popen(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", "2", *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (twin / "twin.json").exists():
        if ours.poll() is not None:
            raise SystemExit(ours.stderr.read())
    settings, tried = fastest(twin, small)
    ddp = Ddp(twin, settings)
    for turn in range(rounds + 1):  # the first is for warming up
        ours.stdin.write("go\n")
        ours.stdin.flush()
        wait_for(ours.stderr, "my turn is over")
        ddp.take(STEPS if turn else 12, count=turn > 0)
    if len(ddp.losses) < 20:
        ddp.take(20 - len(ddp.losses), count=False)
    ddp.end()
    out, said = ours.communicate()
    if ours.returncode != 0:
        raise SystemExit(said)
    figures = {figure["name"].split(": ", 1)[-1]: figure for figure in json.loads(out)["figures"]}
    curve = figures["native, loss"]["samples"]
    worst = max(abs(a - b) / abs(a) for a, b in list(zip(curve, ddp.losses))[:20])
    ddp_ms = [1e3 * s for s in ddp.seconds]
    bound = figures["no sums, step"]["samples"]

    def times_bound(samples):
        # Round by round: what slows the machine slows both.
        return statistics.median(a / b for a, b in zip(samples, bound))

    result = {"case": name, "loss_difference": worst, "counts": bool(worst <= 1e-5 and min(len(curve), len(ddp.losses)) >= 20), "ddp_settings": settings, "ddp_tried_seconds": tried,
              "median_ms": {"no sums": statistics.median(bound), "native": figures["native, step"]["median"], "reproducible": figures["reproducible, step"]["median"], "ddp": statistics.median(ddp_ms)},
              "of_bound": {"native": times_bound(figures["native, step"]["samples"]), "reproducible": times_bound(figures["reproducible, step"]["samples"]), "ddp": times_bound(ddp_ms)},
              "reproducible_of_native": figures["reproducible / native, step"]["median"],
              "phases_ms": {key: one["median"] for key, one in figures.items() if key.startswith(("native, ", "reproducible, ")) and one["unit"] == "ms"}}
    print(f"{name}: bound {result['median_ms']['no sums']:.1f} ms; of it native {result['of_bound']['native']:.2f}, reproducible {result['of_bound']['reproducible']:.2f}, DDP {result['of_bound']['ddp']:.2f}; "
          f"losses differ by {worst:.1e}{'' if result['counts'] else ': DOES NOT COUNT'}", flush=True)
    return result


def main():
    words = sys.argv[1:]
    small = "--small" in words
    only = words[words.index("--only") + 1] if "--only" in words else None
    words = [word for word in words if word != "--small"]
    program = pathlib.Path(words[0]).resolve() / "hepar"
    rounds = int(words[1]) if len(words) > 1 and words[1].isdigit() else (2 if small else 15)
    os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    results = []
    for name in CASES:
        if only and only not in name:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            results.append(one_case(program, name, rounds, small, pathlib.Path(scratch)))
    if not small:
        target = HERE / "results" / "step.json"
        target.parent.mkdir(exist_ok=True)
        cpu = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
        target.write_text(json.dumps({"machine": {"cpu": cpu, "cores": os.cpu_count()}, "ranks": 2, "rounds": rounds, "load_average": os.getloadavg()[0], "cases": results}, indent=1) + "\n")
    if not all(result["counts"] for result in results):
        raise SystemExit("a comparison does not count: the loss curves differ")


if __name__ == "__main__":
    main()
