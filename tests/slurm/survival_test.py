# SPDX-License-Identifier: Apache-2.0
"""HEPAR_LONG=1: every way in which a cluster ends a job, and the undisturbed run's parameters after each. Prints, for the README,
the time from the blow to the next start at work and the steps that were computed twice."""
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cluster as c  # noqa: E402

STEPS = 3000
only = sys.argv[3:]
measured = []


def begun(slurm, out):
    slurm.wait_for(f"a checkpoint of {out}", lambda: slurm.checkpoint_is_there(out))


class Blow:
    """From the blow to the first step of the next start. `skipped`: what the test does not wait for, a site would."""

    def __init__(self, slurm, name, out):
        self.slurm, self.name, self.out = slurm, name, out
        self.start, self.step, self.generation = time.monotonic(), slurm.step_of(out), slurm.status(out)["generation"]

    def over(self, skipped=121):
        self.slurm.wait_for(f"{self.out} works again", lambda: self.slurm.status(self.out)["generation"] > self.generation, 300)
        resumed = self.slurm.status(self.out)["step"]
        self.slurm.wait_for("a step", lambda: self.slurm.step_of(self.out) > resumed or self.slurm.status(self.out)["state"] == "finished", 120)
        seconds = time.monotonic() - self.start
        measured.append(f"{self.name}: {seconds:.0f} s to the next start at work (a site adds {skipped} s of Slurm's own), {max(0, self.step - resumed)} steps twice")
        print(measured[-1], flush=True)


def finished(slurm, out, job_id, seconds=400):
    slurm.wait_until_ended(job_id, seconds=seconds)
    assert slurm.parameters(out) == slurm.parameters("undisturbed"), f"{out} ended with other parameters\n{slurm.log_of(out)[-3000:]}"


def train(slurm, out, site="srun.yaml", *options):
    (job_id,) = slurm.submit(*c.long_train(out, STEPS), *options, site=site)
    begun(slurm, out)
    return job_id


def a_signal(slurm, site):
    out = "signal-" + site.split(".")[0]
    job_id = train(slurm, out, site)
    blow = Blow(slurm, f"stop by USR2 under {site.split('.')[0]}", out)
    slurm.on("scancel", "-b", "-s", "USR2", job_id)
    slurm.run_again_now(job_id)
    blow.over()
    finished(slurm, out, job_id)


def preemption(slurm, grace):
    out = f"preempted-{grace}"
    slurm.on("scontrol", "update", "partitionname=low", f"gracetime={grace}")
    job_id = train(slurm, out)
    blow = Blow(slurm, f"preemption with {grace} s of grace", out)
    high = slurm.sbatch("high.sh", "#SBATCH -p high -N3 -n3 --exclusive -o high.log\nsleep 3\n")
    slurm.wait_until_ended(high)
    slurm.run_again_now(job_id)
    blow.over()
    finished(slurm, out, job_id)


def power_cut(slurm, node, out, while_writing):
    job_id = train(slurm, out, "srun.yaml", *(["--set", "train.checkpoint_every=1steps"] if while_writing else []))
    checkpoints = slurm.work / out / "checkpoints"
    if while_writing:
        slurm.wait_for("a checkpoint that is being written", lambda: list(checkpoints.glob("*.tmp.*")), 60, 0.001)
    blow = Blow(slurm, f"power cut of {'the first' if node == 'n1' else 'another'} node{', checkpoint each step' if while_writing else ''}", out)
    slurm.control("node-kill", node)
    slurm.run_again_now(job_id)
    blow.over(skipped=121 + 290)
    slurm.control("node-start", node)
    finished(slurm, out, job_id)


def a_cut_network(slurm):
    """Two generations at once: the cut-off node's ranks live on. Whoever was overtaken writes nothing more."""
    out = "partition"
    job_id = train(slurm, out)
    blow = Blow(slurm, "network cut of a node", out)
    slurm.control("partition", "n1")  # the batch host: rank 0, which writes, lives on there
    slurm.run_again_now(job_id)
    blow.over(skipped=121 + 290)
    slurm.control("heal", "n1")
    finished(slurm, out, job_id)
    slurm.wait_for("n1 is back", lambda: "n1 idle" in slurm.on("sinfo", "-h", "-N", "-o", "%n %T").stdout, 180)


def a_controller_that_goes(slurm):
    out = "controller"
    job_id = train(slurm, out)
    time.sleep(10)  # its state is saved with a delay
    slurm.control("ctld", "kill")
    time.sleep(5)
    slurm.control("ctld", "start")
    slurm.on("scancel", "-b", "-s", "USR2", job_id)
    slurm.control("ctld", "restart")
    slurm.run_again_now(job_id)
    finished(slurm, out, job_id)


def a_full_disk(slurm):
    """Says so and is not tried again; with room it goes on, from the last whole checkpoint."""
    out = "small/run"
    big = slurm.work / "small" / "ballast"
    (job_id,) = slurm.submit(*c.long_train(out, STEPS))
    begun(slurm, out)
    with big.open("wb") as ballast:
        try:
            while True:
                ballast.write(b"\0" * 65536)
                ballast.flush()
        except OSError:
            pass
    slurm.wait_until_ended(job_id, "FAILED")
    assert slurm.job(job_id)["ExitCode"].startswith("74:"), slurm.job(job_id)
    big.unlink()
    (job_id,) = slurm.submit(*c.long_train(out, STEPS))
    finished(slurm, out, job_id)


SWEEP = """schema: hepar-sweep/1
model: {embedding: 8, fusion: {width: 8}}
train: {steps: 90, slots_per_step: 4, checkpoint_every: 5steps}
validation: {min_events: 3}
resources: {slots_at_once: 1}
hold_out: [C03]
search: {trials: 24, halving: synchronous, rungs: 3, reduction: 3, inner_share: 0.3, lease: 30}
space:
  train.learning_rate: {log: [1.0e-4, 1.0e-2]}
  model.vector.hidden: {int: [4, 16], step: 4}
"""


def trials_of(slurm, out):
    return {t["trial"]: (t["settings"], t["state"], [(r["step"], r["value"], r["parameters_sha256"]) for r in t["rungs"]]) for t in json.loads((slurm.work / out / "sweep.json").read_text())["trials"]}


def a_sweep_on_six_tasks(slurm):
    (slurm.work / "sweep.yaml").write_text(SWEEP)
    words = ["sweep", "--config", "sweep.yaml", "--store", "store"]
    slurm.run(c.program, *words, "--out", "sweep-alone")
    (job_id,) = slurm.submit(*words, "--out", "sweep", "--tasks", "6", site="one.yaml")
    slurm.wait_for("trials", lambda: len(list((slurm.work / "sweep").glob("trials/*/rung-0.json"))) > 4)
    status = slurm.run(c.program, "status", "sweep").stdout
    assert "of 24 trials begun" in status and "worker" in status, status
    slurm.control("node-kill", "n3")
    slurm.wait_for("the lost tasks are back in the queue", lambda: any(one["JobState"] == "PENDING" for one in slurm.jobs(job_id)), 120)
    slurm.control("node-start", "n3")
    slurm.wait_for("the sweep is done", lambda: (slurm.work / "sweep" / "sweep.json").exists(), 400)
    slurm.on("scontrol", "update", f"jobid={job_id}", "starttime=now", ok=False)
    slurm.wait_until_ended(job_id, seconds=400)
    assert trials_of(slurm, "sweep") == trials_of(slurm, "sweep-alone")


def folds_as_one_job_and_as_an_array(slurm):
    words = ["validate", "--store", "store", *c.SMALL, "--set", "train.steps=30", "--set", "validation.min_events=3"]
    (one,) = slurm.submit(*words, "--out", "v-one")
    array = slurm.submit(*words, "--out", "v-array", "--array")
    slurm.wait_until_ended(one)
    slurm.wait_until_ended(array[-1])

    def answer(out):
        results = json.loads((slurm.work / out / "validation.json").read_text())
        return {key: value for key, value in results.items() if key not in ("provenance", "parts", "content_sha256")}

    assert answer("v-one") == answer("v-array")


def a_gather_names_what_is_missing(slurm):
    words = ["validate", "--store", "store", *c.SMALL, "--set", "train.steps=30", "--set", "validation.min_events=3"]
    ids = slurm.submit(*words, "--out", "v-missing", "--array", "--after", slurm.sbatch("first.sh", "#SBATCH -o first.log\nsleep 1\n"))
    slurm.on("scancel", ids[0] + "_1")
    slurm.wait_until_ended(ids[1], "FAILED")
    assert slurm.job(ids[1])["ExitCode"].startswith("6:") and slurm.job(ids[1])["Restarts"] == "0"
    assert "folds are missing: C02" in slurm.log_of("v-missing"), slurm.log_of("v-missing")


def three_starts_without_progress_end_it(slurm):
    """A launcher that dies at once, each time on another node: the nodes are kept away from as long as others are left."""
    (slurm.work / "broken.yaml").write_text((slurm.work / "one.yaml").read_text() + f"program: {slurm.work / 'dies'}\n")
    (slurm.work / "dies").write_text("#!/bin/sh\nkill -9 $$\n")
    (slurm.work / "dies").chmod(0o755)
    (job_id,) = slurm.submit(*c.long_train("broken"), site="broken.yaml")
    nodes = []
    for start in range(4):
        slurm.wait_for("a start", lambda: slurm.log_of("broken").count(f" start {start} on ") == 1, 120)
        nodes.append(slurm.log_of("broken").split(f" start {start} on ")[1].split(":")[0] if start < 3 else "")
        if start < 3:
            slurm.run_again_now(job_id)
        if start == 2:
            break
    slurm.wait_until_ended(job_id, "FAILED")
    assert slurm.job(job_id)["ExitCode"].startswith("6:"), slurm.job(job_id)
    assert "three starts without progress" in slurm.log_of("broken")
    assert len(set(nodes[:2])) == 2, nodes


CASES = [("signal-srun", lambda s: a_signal(s, "srun.yaml")), ("signal-mpirun", lambda s: a_signal(s, "mpirun.yaml")),
         ("preemption-0", lambda s: preemption(s, 0)), ("preemption-10", lambda s: preemption(s, 10)),
         ("power-training", lambda s: power_cut(s, "n2", "power-training", False)), ("power-checkpoint", lambda s: power_cut(s, "n1", "power-checkpoint", True)),
         ("partition", a_cut_network), ("controller", a_controller_that_goes), ("disk", a_full_disk), ("sweep", a_sweep_on_six_tasks),
         ("folds", folds_as_one_job_and_as_an_array), ("missing", a_gather_names_what_is_missing), ("broken", three_starts_without_progress_end_it)]

if os.environ.get("HEPAR_LONG") != "1":
    c.skip("set HEPAR_LONG=1")
with c.cluster(small_disk=True) as slurm:
    slurm.run("cp", "-r", "alone", "store")
    slurm.run(c.program, *c.long_train("undisturbed", STEPS))
    for name, case in CASES:
        if only and name not in only:
            continue
        start = time.monotonic()
        case(slurm)
        print(f"{name}: passed in {time.monotonic() - start:.0f} s", flush=True)
    print("\n".join(measured))
    print(f"{len(only) or len(CASES)} passed, 0 failed")
