# SPDX-License-Identifier: Apache-2.0
"""`hepar status` of what runs and of what says that it runs: a job that was killed by kill -9 leaves its last status, and only the
age of its files tells it from a living one.
usage: status_test.py PROGRAM [SOURCE_DIR]"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
AHEAD = -3600  # s: by a clock that runs ahead, as a file server's may; heard just now, however long this test takes


def run_folder(folder, began, ages, steps=20, state="running"):
    """A run of 100 steps that began so many seconds ago; ages: of events.jsonl and of everything else."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "status.json").write_text(json.dumps({"state": state, "generation": 1}))
    (folder / "run.json").write_text(json.dumps({"steps_planned": 100}))
    (folder / "events.jsonl").write_text("".join(json.dumps({"step": step}) + "\n" for step in range(1, steps + 1)))
    now = time.time()
    for path, age in ((folder / "run.json", began), (folder / "events.jsonl", ages[0]), (folder / "checkpoints", ages[1]), (folder / "status.json", ages[1]), (folder, ages[1])):
        os.utime(path, (now - age, now - age))
    return folder


def status(folder):
    def asked(*words):
        return subprocess.run([PROGRAM, "status", str(folder), *words], check=True, capture_output=True, text=True).stdout
    return asked().splitlines()[0], json.loads(asked("--json"))[0]


with tempfile.TemporaryDirectory() as temporary:
    work = pathlib.Path(temporary)

    line, found = status(run_folder(work / "alive", began=200, ages=(AHEAD, 200)))
    assert "silent" not in line and "left, heard " in line and " s ago" in line, line
    assert found["state"] == "running" and not found["silent"] and found["last_heard_seconds"] == 0, found

    line, found = status(run_folder(work / "killed", began=400, ages=(200, 400)))
    assert re.search(r"silent, last heard \d+ min", line) and " left" not in line, line
    assert found["silent"] and found["last_heard_seconds"] > 199 and found["left"] == "", found

    # Ten of its steps take longer than it has been quiet.
    line, found = status(run_folder(work / "slow", began=3200, ages=(200, 3200)))
    assert "silent" not in line and not found["silent"] and found["left"], (line, found)

    line, found = status(run_folder(work / "ended", began=4000, ages=(3000, 3000), state="finished"))
    assert "heard" not in line and found["last_heard_seconds"] is None and not found["silent"], (line, found)

    # A validation is as alive as any of its folds.
    whole = work / "validation"
    run_folder(whole / "folds" / "C01", began=900, ages=(500, 900))
    run_folder(whole / "folds" / "C02", began=900, ages=(AHEAD, 900))
    (whole / "status.json").write_text(json.dumps({"state": "running", "generation": 1}))
    for path in (whole / "status.json", whole):
        os.utime(path, (time.time() - 900,) * 2)
    line, found = status(whole)
    assert not found["silent"] and found["last_heard_seconds"] == 0 and [part["silent"] for part in found["parts"]] == [True, False], found
print("ok")
