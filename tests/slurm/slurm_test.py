# SPDX-License-Identifier: Apache-2.0
"""Submissions on a real Slurm of three virtual nodes: what was disturbed ends with the undisturbed run's parameters, and a wrong
launch is refused with the line that mends it."""
import json
import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cluster as c  # noqa: E402


def first_run(slurm):
    submitted = slurm.submit("shard", "--cohort", "c/cohort.yaml", "--out", "store")
    slurm.wait_until_ended(submitted[0])
    alone = json.loads((slurm.work / "alone" / "store.json").read_text())
    assert json.loads((slurm.work / "store" / "store.json").read_text())["features_sha256"] == alone["features_sha256"]
    ids = slurm.submit("validate", "--store", "store", "--out", "v", *c.SMALL, "--set", "train.steps=10", "--set", "validation.min_events=3", "--array", site="mpirun.yaml")
    assert len(ids) == 2
    slurm.wait_until_ended(ids[1])
    assert len(json.loads((slurm.work / "v" / "validation.json").read_text())["folds"]) == 3
    assert "finished" in slurm.run(c.program, "status", "v").stdout.splitlines()[0]


def a_signal_stops_and_requeues(slurm):
    ids = slurm.submit(*c.long_train("signalled"))
    slurm.wait_for("a checkpoint", lambda: slurm.checkpoint_is_there("signalled"))
    slurm.on("scancel", "-b", "-s", "USR2", ids[0])
    slurm.run_again_now(ids[0])
    slurm.wait_until_ended(ids[0])
    assert slurm.job(ids[0])["Restarts"] == "1", slurm.job(ids[0])
    assert slurm.parameters("signalled") == slurm.parameters("undisturbed")
    assert json.loads((slurm.work / "signalled" / "run.json").read_text())["launch"]["launcher"] == "srun (PMIx)"


def a_node_without_power_costs_little(slurm):
    ids = slurm.submit(*c.long_train("cut"))
    slurm.wait_for("a checkpoint", lambda: slurm.checkpoint_is_there("cut"))
    slurm.control("node-kill", "n2")
    slurm.run_again_now(ids[0])
    slurm.wait_until_ended(ids[0])
    slurm.control("node-start", "n2")
    assert slurm.parameters("cut") == slurm.parameters("undisturbed")


def a_wrong_configuration_is_not_tried_again(slurm):
    refused = slurm.on(c.program, "submit", "train", "--stor", "store", "--out", "x", "--cluster", slurm.work / "srun.yaml", ok=False)
    assert refused.returncode == 2 and "did you mean '--store'" in refused.stderr, refused.stderr
    ids = slurm.submit("train", "--store", "c", "--out", "x")  # no store: known only on the node
    slurm.wait_until_ended(ids[0], "FAILED")
    assert slurm.job(ids[0])["ExitCode"].startswith("4:") and slurm.job(ids[0])["Restarts"] == "0"


TRAIN = "train --store store --out wrong"
PMIX = "srun --overlap --mpi=pmix"
# How it is started in a job of two tasks on two nodes, and what the one line must say. {hepar}, {copy}: the program and a changed copy.
WRONG = [
    (f"srun --overlap --mpi=none {{hepar}} {TRAIN}", r"2 tasks without MPI.*srun --mpi=pmix"),
    (f"{{hepar}} {TRAIN}", r"one process in a Slurm job of 2 tasks.*#SBATCH --ntasks=1"),
    (f"srun --overlap --mpi=pmi2 {{hepar}} {TRAIN}", r"--mpi=pmi2 speaks what this Open MPI does not.*srun --mpi=pmix"),
    (f"mpirun --oversubscribe -n 4 {{hepar}} {TRAIN}", r"4 ranks in a Slurm job of 2 tasks.*#SBATCH --ntasks=4"),
    (f"mpirun -n 1 {{hepar}} {TRAIN}", r"1 ranks in a Slurm job of 2 tasks.*mpirun without -n"),
    (f"{PMIX} -N1 --ntasks-per-node=2 {{hepar}} {TRAIN}", r"2 ranks of a node would share 1 GPU;.*#SBATCH --ntasks-per-node=1"),
    (f"{PMIX} bash -c 'if [ $SLURM_PROCID = 1 ]; then exec {{copy}} {TRAIN}; else exec {{hepar}} {TRAIN}; fi'", r"the program is another on rank 1 \(n\d\) than on rank 0 \(n\d\).*same file on every node"),
    (f"{PMIX} bash -c 'exec {{hepar}} {TRAIN} --set seed=$SLURM_PROCID'", r"the configuration is another on rank 1"),
    (f"{PMIX} bash -c 'cd $SLURM_PROCID && exec {{hepar}} {TRAIN}'", r"the store is another on rank 1"),
]


def wrong_launches_are_refused(slurm):
    shutil.copy(c.program, slurm.work / "copy")
    with (slurm.work / "copy").open("ab") as changed:
        changed.write(b"\0")
    for place, store in (("0", "store"), ("1", "alone")):
        (slurm.work / place).mkdir()
        (slurm.work / place / "store").symlink_to(slurm.work / store)
    (slurm.work / "1" / "store").unlink()
    shutil.copytree(slurm.work / "store", slurm.work / "1" / "store")
    manifest = slurm.work / "1" / "store" / "store.json"
    manifest.write_text(manifest.read_text() + "\n")
    script = "#SBATCH -N2 --ntasks-per-node=1 -c2 --gpus-per-node=1 -t 5 -o wrong.log\n"
    for number, (launch, _) in enumerate(WRONG):
        script += f"echo case {number}; {launch.format(hepar=c.program, copy=slurm.work / 'copy')} 2>&1; echo code $?\n"
    slurm.wait_until_ended(slurm.sbatch("wrong.sh", script))
    answers = re.split(r"^case \d+$", (slurm.work / "wrong.log").read_text(), flags=re.M)[1:]
    assert len(answers) == len(WRONG)
    for (launch, expected), answer in zip(WRONG, answers):
        errors = [line for line in answer.splitlines() if line.startswith("hepar: error:")]
        assert len(errors) == 1 and re.search(expected, errors[0]), (launch, answer)
        assert re.search(r"^code [1-9]", answer, re.M) and not (slurm.work / "wrong").exists(), (launch, answer)


with c.cluster("--gpus", "1") as slurm:
    first_run(slurm)
    slurm.run(c.program, *c.long_train("undisturbed"))
    a_signal_stops_and_requeues(slurm)
    a_node_without_power_costs_little(slurm)
    a_wrong_configuration_is_not_tried_again(slurm)
    wrong_launches_are_refused(slurm)
    print("6 passed, 0 failed")
