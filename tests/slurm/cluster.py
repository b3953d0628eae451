# SPDX-License-Identifier: Apache-2.0
"""A real Slurm of three virtual nodes for the tests of this folder; skips the test, with the reason, where it cannot be."""
import contextlib
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
SCRIPT = source / "tests" / "slurm" / "minislurm"
SKIPPED = 77
SMALL = ["--set", "model.embedding=8", "--set", "model.fusion.width=8", "--set", "model.vector.hidden=8"]


def skip(reason):
    print("skipped:", reason)
    sys.exit(SKIPPED)


class Cluster:
    def __init__(self, work):
        self.work = work
        self.environment = dict(os.environ, MINISLURM_DIR=str(work / "cluster"), PATH=os.environ["PATH"] + ":/usr/sbin")

    def run(self, *words, ok=True):
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, cwd=self.work, env=self.environment)
        assert not ok or done.returncode == 0, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return done

    def control(self, *words, ok=True):
        """node-kill, node-start, partition, heal, ctld … of the cluster's own script."""
        return self.run(SCRIPT, *words, ok=ok)

    def on(self, *words, ok=True):
        """A command on the head node."""
        return self.run(SCRIPT, "exec", "--", *words, ok=ok)

    def submit(self, *words, site="srun.yaml"):
        answer = self.on(program, "submit", *words, "--cluster", self.work / site, "--json")
        return [job["id"] for job in json.loads(answer.stdout)]

    def sbatch(self, name, text, *options):
        (self.work / name).write_text("#!/usr/bin/env bash\n" + text)
        return self.on("sbatch", "--parsable", *options, self.work / name).stdout.strip()

    def job(self, job_id):
        return {key: value for key, value in re.findall(r"(\w+)=(\S*)", self.on("scontrol", "show", "job", job_id).stdout)}

    def jobs(self, job_id):
        """Of every task of an array."""
        return [{key: value for key, value in re.findall(r"(\w+)=(\S*)", one)} for one in self.on("scontrol", "show", "job", job_id).stdout.split("\n\n") if one.strip()]

    def wait_for(self, what, condition, seconds=240, pause=0.3):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(pause)
        raise AssertionError(f"{what}: not within {seconds} s\n{self.on('squeue', ok=False).stdout}")

    def wait_until_ended(self, job_id, state="COMPLETED", seconds=240):
        live = ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "REQUEUED")
        self.wait_for(f"job {job_id} ends", lambda: all(one["JobState"] not in live for one in self.jobs(job_id)), seconds)
        assert all(one["JobState"] == state for one in self.jobs(job_id)), self.jobs(job_id)

    def run_again_now(self, job_id):
        """A requeued job would wait two minutes, in which the nodes report the end of its last start: a report that came after the
        next start would end that one."""
        self.wait_for(f"job {job_id} is back in the queue", lambda: self.job(job_id)["JobState"] == "PENDING", 120)
        busy = ("completing", "allocated", "mixed")
        self.wait_for("its nodes are free", lambda: not any(word in self.on("sinfo", "-h", "-N", "-o", "%T").stdout for word in busy), 120)
        time.sleep(5)
        self.on("scontrol", "update", f"jobid={job_id}", "starttime=now")

    def parameters(self, folder):
        return json.loads((self.work / folder / "run.json").read_text())["parameters_sha256"]

    def status(self, folder):
        path = self.work / folder / "status.json"
        return json.loads(path.read_text()) if path.exists() else {"state": "absent", "generation": 0}

    def checkpoint_is_there(self, folder):
        return any((self.work / folder / "checkpoints").glob("step-*/state.json"))

    def step_of(self, folder):
        """The last step that the run has noted."""
        lines = (self.work / folder / "events.jsonl").read_text().splitlines()
        steps = [json.loads(line)["step"] for line in lines if line.endswith("}") and '"step"' in line]
        return steps[-1] if steps else 0

    def log_of(self, folder):
        return "".join(log.read_text() for log in sorted((self.work / f"{folder}.submit").glob("*.log")))


def long_train(out, steps=1500):
    return ["train", "--store", "store", "--out", out, *SMALL, "--set", f"train.steps={steps}", "--set", "train.checkpoint_every=100steps"]


@contextlib.contextmanager
def cluster(*options, patients=90, small_disk=False, program_works=True):
    """Up, with a cohort, its store made by one process (`alone`), and three site files; `small`: a disk of 6 MiB. `program_works` false: nodes alone."""
    if os.geteuid() != 0:
        skip("needs root for virtual nodes")
    if not all(shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin") for tool in ("slurmctld", "slurmd", "munged", "ip")):
        skip("Debian's slurmctld, slurmd, munge and iproute2 are not installed")
    work = pathlib.Path(tempfile.mkdtemp(prefix="hepar-slurm-", dir="/var/tmp"))
    one = Cluster(work)
    small = work / "small"
    try:
        if small_disk:  # before the nodes, which keep the mounts of this moment
            small.mkdir()
            if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "small", small]).returncode != 0:
                skip("no right to mount")
        up = one.control("up", "--nodes", "3", *options, ok=False)
        if up.returncode != 0 or "mode netns" not in up.stdout + up.stderr:
            skip("no virtual nodes here: " + (up.stderr.strip().splitlines() or up.stdout.strip().splitlines() or ["?"])[-1])
        common = "schema: hepar-cluster/1\nnodes: 2\ntasks_per_node: 1\nsignal_lead: 60\ntime: \"20\"\n"
        (work / "srun.yaml").write_text(common)
        (work / "mpirun.yaml").write_text(common + "launcher: mpirun\n")
        (work / "one.yaml").write_text(common.replace("nodes: 2", "nodes: 1"))
        if not program_works:
            yield one
            return
        one.run(program, "synth", "--level", "tables", "--patients", str(patients), "--centres", "3", "--out", "c")
        one.run(program, "shard", "--cohort", "c/cohort.yaml", "--out", "alone")
        yield one
    except BaseException:
        print("\n".join(f"{log.relative_to(work)}:\n{log.read_text()[-3000:]}" for log in sorted(work.glob("*.submit/*.log"))))
        raise
    finally:
        one.control("down", ok=False)
        if small.is_mount():
            subprocess.run(["umount", small], check=True)
        if os.environ.get("HEPAR_KEEP"):
            print("kept:", work)
        else:
            shutil.rmtree(work, ignore_errors=True)
