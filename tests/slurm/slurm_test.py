# SPDX-License-Identifier: Apache-2.0
"""Submissions on a real Slurm of three virtual nodes: what was disturbed ends with the undisturbed run's parameters."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

program, source = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
cluster_script = source / "tests" / "slurm" / "minislurm"
SKIPPED = 77
SMALL = ["--set", "model.embedding=8", "--set", "model.fusion.width=8", "--set", "model.vector.hidden=8"]


def skip(reason):
    print("skipped:", reason)
    sys.exit(SKIPPED)


def run(*words, ok=True):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, cwd=work, env=environment)
    assert not ok or done.returncode == 0, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done


def on_cluster(*words, ok=True):
    return run(cluster_script, "exec", "--", *words, ok=ok)


def submit(*words, site="srun.yaml"):
    answer = on_cluster(program, "submit", *words, "--cluster", work / site, "--json")
    return [job["id"] for job in json.loads(answer.stdout)]


def job(job_id):
    text = on_cluster("scontrol", "show", "job", job_id).stdout
    return {key: value for key, value in re.findall(r"(\w+)=(\S*)", text)}


def wait_for(what, condition, seconds=240):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.5)
    raise AssertionError(f"{what}: not within {seconds} s\n{on_cluster('squeue').stdout}")


def wait_until_ended(job_id, state="COMPLETED", seconds=240):
    def ended():
        return job(job_id)["JobState"] not in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING")

    wait_for(f"job {job_id} ends", ended, seconds)
    assert job(job_id)["JobState"] == state, job(job_id)


def run_again_now(job_id):
    """A requeued job would wait two minutes, in which the nodes report the end of its last start: a report that came after the
    next start would end that one."""
    wait_for(f"job {job_id} is back in the queue", lambda: job(job_id)["JobState"] == "PENDING", 120)
    busy = ("completing", "allocated", "mixed")
    wait_for("its nodes are free", lambda: not any(word in on_cluster("sinfo", "-h", "-N", "-o", "%T").stdout for word in busy), 120)
    time.sleep(5)
    on_cluster("scontrol", "update", f"jobid={job_id}", "starttime=now")


def parameters(folder):
    return json.loads((work / folder / "run.json").read_text())["parameters_sha256"]


def checkpoint_is_there(folder):
    return any((work / folder / "checkpoints").glob("step-*/state.json"))


def long_train(out):
    return ["train", "--store", "store", "--out", out, *SMALL, "--set", "train.steps=1500", "--set", "train.checkpoint_every=100steps"]


def first_run():
    submit_ids = submit("shard", "--cohort", "c/cohort.yaml", "--out", "store")
    wait_until_ended(submit_ids[0])
    alone = json.loads((work / "alone" / "store.json").read_text())
    assert json.loads((work / "store" / "store.json").read_text())["features_sha256"] == alone["features_sha256"]
    ids = submit("validate", "--store", "store", "--out", "v", *SMALL, "--set", "train.steps=10", "--set", "validation.min_events=3", "--array", site="mpirun.yaml")
    assert len(ids) == 2
    wait_until_ended(ids[1])
    assert len(json.loads((work / "v" / "validation.json").read_text())["folds"]) == 3
    assert "finished" in run(program, "status", "v").stdout.splitlines()[0]


def a_signal_stops_and_requeues():
    ids = submit(*long_train("signalled"))
    wait_for("a checkpoint", lambda: checkpoint_is_there("signalled"))
    on_cluster("scancel", "-b", "-s", "USR2", ids[0])
    run_again_now(ids[0])
    wait_until_ended(ids[0])
    assert job(ids[0])["Restarts"] == "1", job(ids[0])
    assert parameters("signalled") == parameters("undisturbed")


def a_node_without_power_costs_little():
    ids = submit(*long_train("cut"))
    wait_for("a checkpoint", lambda: checkpoint_is_there("cut"))
    run(cluster_script, "node-kill", "n2")
    run_again_now(ids[0])
    wait_until_ended(ids[0])
    run(cluster_script, "node-start", "n2")
    assert parameters("cut") == parameters("undisturbed")


def a_wrong_configuration_is_not_tried_again():
    refused = on_cluster(program, "submit", "train", "--stor", "store", "--out", "x", "--cluster", work / "srun.yaml", ok=False)
    assert refused.returncode == 2 and "did you mean 'store'" in refused.stderr, refused.stderr
    ids = submit("train", "--store", "c", "--out", "x")  # no store: known only on the node
    wait_until_ended(ids[0], "FAILED")
    assert job(ids[0])["ExitCode"].startswith("4:") and job(ids[0])["Restarts"] == "0"


if os.geteuid() != 0:
    skip("needs root for virtual nodes")
if not all(shutil.which(tool) for tool in ("slurmctld", "slurmd", "munged", "ip")):
    skip("Debian's slurmctld, slurmd, munge and iproute2 are not installed")
work = pathlib.Path(tempfile.mkdtemp(prefix="hepar-slurm-", dir="/var/tmp"))
environment = dict(os.environ, MINISLURM_DIR=str(work / "cluster"), PATH=os.environ["PATH"] + ":/usr/sbin")
try:
    up = run(cluster_script, "up", "--nodes", "3", ok=False)
    if up.returncode != 0 or "mode netns" not in up.stdout + up.stderr:
        skip("no virtual nodes here: " + (up.stderr.strip().splitlines() or up.stdout.strip().splitlines() or ["?"])[-1])
    common = "schema: hepar-cluster/1\nnodes: 2\ntasks_per_node: 1\nsignal_lead: 60\ntime: \"20\"\n"
    (work / "srun.yaml").write_text(common)
    (work / "mpirun.yaml").write_text(common + "launcher: mpirun\n")
    run(program, "synth", "--level", "tables", "--patients", "90", "--centres", "3", "--out", "c")
    run(program, "shard", "--cohort", "c/cohort.yaml", "--out", "alone")
    first_run()
    run(program, *long_train("undisturbed"))
    a_signal_stops_and_requeues()
    a_node_without_power_costs_little()
    a_wrong_configuration_is_not_tried_again()
    print("4 passed, 0 failed")
except BaseException:
    print("\n".join(f"{log.name}:\n{log.read_text()[-3000:]}" for log in sorted(work.glob("*.submit/*.log"))))
    raise
finally:
    run(cluster_script, "down", ok=False)
    shutil.rmtree(work, ignore_errors=True)
