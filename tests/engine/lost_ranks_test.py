# SPDX-License-Identifier: Apache-2.0
"""Ranks that die, are stopped or stall in the middle of a training: who it was is said by the others and in status.json, the
job ends by itself, and the same command goes on to the undisturbed bits."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(sys.argv[2]) / "tests" / "law"))
import training_run as t  # noqa: E402

HOST = socket.gethostname()
LONG = os.environ.get("HEPAR_LONG") == "1"
# Slow enough that a rank is always somewhere in the middle.
SLOW = ("--set", "faults.slow_ms=100")
SLOT_PHASES = ("data wait", "forward", "backward", "fixed point")
PHASES = (*SLOT_PHASES, "optimiser", "checkpoint")


class Job:
    """A training on several ranks that is watched from outside."""

    def __init__(self, store, out, *more, ranks):
        self.out = out
        self.log = out.with_suffix(".log")
        command = ["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none", t.PROGRAM, *t.words(store, out, *more)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=log)

    def until(self, there, what, seconds=60):
        for _ in range(int(seconds / 0.02)):
            if there():
                return
            assert self.process.poll() is None, f"the job ended with {self.process.returncode} before {what}: {self.log.read_text()}"
            time.sleep(0.02)
        raise AssertionError(f"not in {seconds} s: {what}")

    def rank(self, number):
        """The process of a rank."""
        for environ in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try:
                values = environ.read_bytes().split(b"\0")
                words = (environ.parent / "cmdline").read_bytes()
            except OSError:
                continue
            if b"OMPI_COMM_WORLD_RANK=%d" % number in values and str(self.out).encode() in words:
                return int(environ.parent.name)
        raise AssertionError(f"there is no rank {number}")

    def status(self):
        return json.loads((self.out / "status.json").read_text())

    def ended(self, since, seconds=60):
        """Seconds until the message stood in the log, and until the job was over; the message."""
        said = None
        while self.process.poll() is None:
            if said is None and "hepar: error: " in self.log.read_text():
                said = time.monotonic() - since
            assert time.monotonic() - since < seconds, "the job does not end"
            time.sleep(0.02)
        errors = [line for line in self.log.read_text().splitlines() if line.startswith("hepar: error: ")]
        assert len(errors) == 1, self.log.read_text()
        return said or time.monotonic() - since, time.monotonic() - since, errors[0]


def expect_told(job, rank, ranks, message, how):
    pattern = rf"hepar: error: rank {rank} of {ranks} on {re.escape(HOST)} {how}.*; run the same command again to continue$"
    assert re.match(pattern, message), message
    status = job.status()
    assert (status["state"], status["class"], status["exit_code"], status["rank"], status["host"]) == ("failed", "rank", 6, rank, HOST), status
    assert message.endswith(status["message"]), status
    return status


def goes_on_to(expected, store, out, ranks):
    assert t.trained(store, out, ranks=ranks)["parameters_sha256"] == expected, "after a fault, continued on another number of ranks"


def parked(rank, phase):
    return "--set", f"faults.stall_rank={rank}", "--set", "faults.stall_step=3", "--set", f"faults.stall_phase={phase}"


def seen_in(message, rank, phase):
    where = phase + (r" of patients P\d+.*" if phase in SLOT_PHASES else "")
    assert re.search(rf", last seen in {where} \(step 3\)", message), (rank, message)


def a_killed_rank(folder, store, expected, rank, phase):
    job = Job(store, folder / f"killed-{rank}-{phase.replace(' ', '-')}", *parked(rank, phase), ranks=3)
    job.until(lambda: f"rank {rank} stays in {phase}" in job.log.read_text(), "the phase")
    time.sleep(1.5)  # a heartbeat has told the phase
    since = time.monotonic()
    os.kill(job.rank(rank), signal.SIGKILL)
    said, over, message = job.ended(since)
    expect_told(job, rank, 3, message, "died")
    seen_in(message, rank, phase)
    assert job.process.returncode in (6, 137), job.process.returncode
    print(f"rank {rank} killed: said after {said:.2f} s, over after {over:.2f} s, launcher's code {job.process.returncode}: {message}")
    goes_on_to(expected, store, job.out, ranks=2)


def a_stalled_rank(folder, store, expected, rank, phase):
    job = Job(store, folder / f"stalled-{rank}-{phase.replace(' ', '-')}", *parked(rank, phase), "--set", "resources.stall_seconds=3", ranks=3)
    said, over, message = job.ended(time.monotonic())
    expect_told(job, rank, 3, message, r"has made no progress for \d+ s")
    seen_in(message, rank, phase)
    assert job.process.returncode == 6, job.process.returncode
    goes_on_to(expected, store, job.out, ranks=2)


def a_stopped_rank(folder, store, expected, rank):
    job = Job(store, folder / f"stopped-{rank}", *SLOW, ranks=3)
    job.until((job.out / "checkpoints" / "step-2").exists, "a checkpoint")
    victim = job.rank(rank)
    since = time.monotonic()
    os.kill(victim, signal.SIGSTOP)
    said, over, message = job.ended(since)
    expect_told(job, rank, 3, message, r"has been silent for 1\d s \(stopped, or cut off\)")
    assert job.process.returncode == 6, job.process.returncode
    print(f"rank {rank} stopped: said after {said:.1f} s, over after {over:.1f} s: {message}")
    goes_on_to(expected, store, job.out, ranks=1)


def all_stopped_for_a_while(folder, store, expected):
    """A suspended job is no fault: everybody was away."""
    job = Job(store, folder / "suspended", *SLOW, ranks=2)
    job.until((job.out / "checkpoints" / "step-2").exists, "a checkpoint")
    ranks = [job.rank(0), job.rank(1)]
    for pid in ranks:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(13)
    for pid in ranks:
        os.kill(pid, signal.SIGCONT)
    assert job.process.wait(timeout=120) == 0, job.log.read_text()
    assert t.run_json(job.out)["parameters_sha256"] == expected


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    store = t.make_store(folder)
    expected = t.trained(store, folder / "undisturbed")["parameters_sha256"]
    for number, phase in enumerate(PHASES):
        for rank in [0] if phase == "checkpoint" else range(3) if LONG else [number % 3]:
            if LONG or phase in ("backward", "checkpoint"):
                a_killed_rank(folder, store, expected, rank, phase)
            if LONG or phase in ("data wait", "optimiser"):
                a_stalled_rank(folder, store, expected, rank, phase)
    for rank in (1,) if not LONG else (0, 1, 2):
        a_stopped_rank(folder, store, expected, rank)
    if LONG:
        all_stopped_for_a_while(folder, store, expected)
    print("named, ended, continued")
