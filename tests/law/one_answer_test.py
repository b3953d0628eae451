# SPDX-License-Identifier: Apache-2.0
"""Law 2: the trained parameters are bit-identical on any number of ranks, after any kill, and continued on another number."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import training_run as t  # noqa: E402

# A NaN and a gradient beyond the fixed point's range, planted in the same slots whatever computes them.
PLANTED = ["--set", "faults.nan_step=3", "--set", "faults.overflow_step=6"]


def start(store, out, *more, ranks=1):
    command = [str(word) for word in (t.PROGRAM, *t.words(store, out, *more))]
    if ranks > 1:
        command = ["mpirun", "--oversubscribe", "--allow-run-as-root", "-n", str(ranks)] + command
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(path, process):
    for _ in range(1200):
        if path.exists():
            return
        assert process.poll() is None, f"the run ended with {process.returncode} before {path} appeared"
        time.sleep(0.05)
    raise AssertionError(f"{path} did not appear")


def children(pid):
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        if int(text[text.rindex(")") + 2:].split()[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def kill_all(process):
    ranks = children(process.pid)
    assert ranks, "no ranks found below mpirun"
    for pid in ranks:
        os.kill(pid, signal.SIGKILL)
    process.wait(timeout=60)


def one_hash_on_any_ranks(folder, store):
    records = {ranks: t.trained(store, folder / f"ranks-{ranks}", *PLANTED, ranks=ranks) for ranks in (1, 2, 3, 4)}
    hashes = {record["parameters_sha256"] for record in records.values()}
    assert len(hashes) == 1, {ranks: record["parameters_sha256"] for ranks, record in records.items()}
    one = records[1]
    assert one["reproducible"] and one["epochs"] == 3 and one["skipped_steps"] == 1, one
    assert one["patients"] % 3 != 0 and one["patients"] % 15 != 0, "the last batch is meant to be partial"
    for ranks, record in records.items():
        assert record["ranks"] == ranks == len(record["by_rank"])
        assert record["slots_computed"] == one["slots_computed"] == sum(rank["slots"] for rank in record["by_rank"])
        assert all(rank["slots"] < one["slots_computed"] for rank in record["by_rank"]) or ranks == 1, "one rank computed everything"
    events = (folder / "ranks-1" / "events.jsonl").read_text()
    assert events == (folder / "ranks-3" / "events.jsonl").read_text(), "the logs of 1 and 3 ranks differ"
    assert '"event":"repeat"' in events and '"event":"skipped"' in events, "the planted faults did not happen"
    assert re.search(r'"event":"skipped".*"patients":\["P', events), "the skipped patients are not named"
    return one["parameters_sha256"]


def killed_and_continued_elsewhere(folder, store, expected):
    out = folder / "killed"
    process = start(store, out, *PLANTED, "--set", "faults.slow_ms=60", ranks=2)
    wait_for(out / "checkpoints" / "step-4", process)
    kill_all(process)
    assert t.run_json(out)["status"] == "running"
    record = t.trained(store, out, *PLANTED, "--resume", ranks=3)
    assert record["parameters_sha256"] == expected, "after kill -9 on 2 ranks and continuing on 3"
    assert record["slots_computed"] < t.run_json(folder / "ranks-1")["slots_computed"], "it started over"


def stopped_and_continued_elsewhere(folder, store, expected):
    out = folder / "stopped"
    process = start(store, out, *PLANTED, "--set", "faults.slow_ms=60", "--set", "train.checkpoint_every=1000steps")
    wait_for(out / "status.json", process)
    time.sleep(0.5)
    process.send_signal(signal.SIGUSR2)
    assert process.wait(timeout=60) == 75, process.returncode
    assert t.run_json(out)["status"] == "stopped"
    assert list((out / "checkpoints").glob("step-*")), "no checkpoint was written on request"
    assert t.trained(store, out, *PLANTED, ranks=4)["parameters_sha256"] == expected, "after SIGUSR2 and continuing on 4"


def another_cohort_or_seed_is_another_answer(folder, store, expected):
    assert t.trained(store, folder / "seed", *PLANTED, "--set", "seed=12")["parameters_sha256"] != expected, "another seed"

    def older(cohort):
        table = cohort / "patients.csv"
        table.write_text(re.sub(r"(?m)^(P00003,C\d+),\d+", r"\1,71", table.read_text()))

    (folder / "changed").mkdir()
    changed = t.make_store(folder / "changed", change=older)
    assert t.trained(changed, folder / "changed" / "run", *PLANTED)["parameters_sha256"] != expected, "one patient is older"


def a_broken_law_is_seen(folder, store):
    hashes = {t.trained(store, folder / f"broken-{ranks}", "--set", "faults.break_step=2", ranks=ranks)["parameters_sha256"] for ranks in (1, 2)}
    assert len(hashes) == 2, "a difference between ranks was planted and not seen"


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    store = t.make_store(folder)
    expected = one_hash_on_any_ranks(folder, store)
    killed_and_continued_elsewhere(folder, store, expected)
    stopped_and_continued_elsewhere(folder, store, expected)
    another_cohort_or_seed_is_another_answer(folder, store, expected)
    a_broken_law_is_seen(folder, store)
    print("one answer:", expected)
