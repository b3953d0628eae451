# SPDX-License-Identifier: Apache-2.0
"""Ranks that die, are stopped, are suspended with all others, or stall in any phase: who it was is said once, by another rank
where it cannot speak itself, and in status.json; the job ends by itself with its code."""
import concurrent.futures
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

PROGRAM = pathlib.Path(sys.argv[1]).parent / "tests" / "test_watch"
HOST = socket.gethostname()
LONG = os.environ.get("HEPAR_LONG") == "1"
RANKS = 3
PHASES = {"load": " of patients P1, P2", "forward": " of patients P1, P2", "backward": " of patients P1, P2", "optimiser": "", "checkpoint": ""}

if not PROGRAM.exists():
    print("skipped: the tests' programs are not built")
    sys.exit(77)


class Job:
    def __init__(self, folder, *more):
        folder.mkdir()
        self.folder, self.log = folder, folder / "log"
        command = ["mpirun", "-n", str(RANKS), "--oversubscribe", "--bind-to", "none", PROGRAM, folder, *more]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=log)

    def until(self, word):
        for _ in range(3000):
            if word in self.log.read_text():
                return
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)
        raise AssertionError(f"{word} was not said: {self.log.read_text()}")

    def rank(self, number):
        for environ in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try:
                is_rank = b"OMPI_COMM_WORLD_RANK=%d" % number in environ.read_bytes().split(b"\0")
                if is_rank and str(self.folder).encode() in (environ.parent / "cmdline").read_bytes():
                    return int(environ.parent.name)
            except OSError:
                continue
        raise AssertionError(f"there is no rank {number}")

    def over(self, rank, how, where=None):
        """After the job has ended by itself. mpirun passes on what was said a second late: the status tells when it was known."""
        since, known, status = time.monotonic(), None, self.folder / "status.json"
        while self.process.poll() is None:
            if known is None and status.exists() and '"failed"' in status.read_text():
                known = time.monotonic() - since
            assert time.monotonic() - since < 60, f"the job does not end: {self.log.read_text()}"
            time.sleep(0.02)
        end = time.monotonic() - since
        errors = [line for line in self.log.read_text().splitlines() if line.startswith("hepar: error: ")]
        assert len(errors) == 1, self.log.read_text()
        pattern = rf"hepar: error: (rank {rank} of {RANKS} on {re.escape(HOST)} {how}, last seen in (.*) \(step \d+\); run the same command again to continue)$"
        told = re.match(pattern, errors[0])
        assert told, errors[0]
        assert where is None or told[2] == where, errors[0]
        status = json.loads(status.read_text())
        assert (status["state"], status["class"], status["exit_code"], status["rank"], status["host"]) == ("failed", "rank", 6, rank, HOST), status
        assert status["message"] == told[1] and status["step"] >= 2, status
        assert where is None or where.startswith(status["phase"]), status
        print(f"rank {rank} {how}: known after {known if known is not None else end:.2f} s, over after {end:.2f} s, code {self.process.returncode}")
        return self.process.returncode


def killed(folder, rank, phase=None):
    job = Job(folder / f"killed-{rank}-{phase}", 120, *((rank, phase) if phase else ()))
    job.until("parked" if phase else "working")
    time.sleep(0.7)  # a heartbeat has told the phase
    os.kill(job.rank(rank), signal.SIGKILL)
    # mpirun gives the survivors one second: the message is there because it was faster.
    code = job.over(rank, "died", phase and phase + PHASES[phase])
    assert code in (6, 137), code


def stopped(folder, rank, phase):
    job = Job(folder / f"stopped-{rank}-{phase}", 120, rank, phase)
    job.until("parked")
    time.sleep(0.7)
    os.kill(job.rank(rank), signal.SIGSTOP)
    assert job.over(rank, r"has been silent for 1\d s \(stopped, or cut off\)", phase + PHASES[phase]) == 6


def stalled(folder, rank, phase):
    job = Job(folder / f"stalled-{rank}-{phase}", 2, rank, phase)
    assert job.over(rank, r"has made no progress for \d s", phase + PHASES[phase]) == 6


def suspended(folder):
    """Everybody was away: nobody is missed."""
    job = Job(folder / "suspended", 120)
    job.until("working")
    ranks = [job.rank(number) for number in range(RANKS)]
    for pid in ranks:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(13)
    for pid in ranks:
        os.kill(pid, signal.SIGCONT)
    time.sleep(5)
    assert job.process.poll() is None and "error" not in job.log.read_text(), job.log.read_text()
    job.process.terminate()
    job.process.wait(timeout=30)
    # Ended from outside, all at once: nobody tells on anybody.
    assert "hepar: error" not in job.log.read_text(), job.log.read_text()


def scenarios():
    yield from ((killed, rank) for rank in range(RANKS))
    for number, phase in enumerate(PHASES):
        for rank in [0] if phase == "checkpoint" else range(RANKS) if LONG else [1 + number % 2]:
            yield killed, rank, phase
            yield stalled, rank, phase
            if LONG:
                yield stopped, rank, phase
    if LONG:
        yield (suspended,)
    else:
        yield stopped, 0, "checkpoint"
        yield stopped, 2, "forward"


# They mostly sleep: several at once.
with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(4) as pool:
    for done in [pool.submit(work, pathlib.Path(scratch), *arguments) for work, *arguments in scenarios()]:
        done.result()
print("whoever is gone was named")
