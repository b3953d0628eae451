# SPDX-License-Identifier: Apache-2.0
"""Law 7: long work shows rate and time left; every run says what it used, over all its sessions, and the sums agree."""
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import training_run as t  # noqa: E402

SLOW = ["--set", "faults.slow_ms=120"]  # a training of some seconds: a stop must find it at work
PHASES = ("load_seconds", "forward_seconds", "backward_seconds", "quantise_seconds", "reduce_seconds", "optimiser_seconds")


def on_a_terminal(command, until=None):
    """What a person sees; `until`: the text after which USR1 asks it to stop."""
    master, slave = pty.openpty()
    process = subprocess.Popen([str(word) for word in command], stdout=slave, stderr=slave, close_fds=True, env={**os.environ, "TERM": "xterm"})
    os.close(slave)
    seen, deadline = "", time.monotonic() + 120
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.1)[0]:
            try:
                seen += os.read(master, 65536).decode()
            except OSError:
                break
        if until and until in seen:
            process.send_signal(signal.SIGUSR1)
            until = None
    os.close(master)
    return process.wait(30), seen


def loud(words):
    return [word for word in words if word != "--quiet"]


def a_stop_and_two_sessions(store, out):
    code, seen = on_a_terminal([t.PROGRAM, *loud(t.words(store, out, *SLOW))], until=" left")
    assert code == 75, (code, seen)
    assert re.search(r"train  \d+/\d+  [\d.e+]+ patients/s  .+ left  step \d+/\d+  loss ", seen), seen
    assert "\r" in seen and seen.count("\n") < 8, "a terminal gets one refreshed line"
    first = t.run_json(out)
    assert first["status"] == "stopped" and first["sessions"] == 1 and first["checkpoint_bytes"] > 4 * 3 * first["parameters"], first
    second = t.trained(store, out, *SLOW)
    assert second["sessions"] == 2
    together = first["seconds"]["total"] + second["seconds"]["total"]
    assert 0.8 * together < second["seconds"]["all_sessions"] < 1.1 * together, (first["seconds"], second["seconds"])


def sums_agree(store, out, ranks):
    record = t.trained(store, out, ranks=ranks)
    features = sum(path.stat().st_size for path in (store / "features").iterdir())
    for rank in record["by_rank"]:
        spent = sum(rank[phase] for phase in PHASES)
        assert 0 < spent < 1.1 * record["slots_at_once"] * record["seconds"]["steps"] + 0.2, (spent, record["seconds"])
        assert 20e6 < rank["peak_memory_bytes"] < 8e9, rank
        exact = 8 * record["parameters"] * record["steps"]  # one int64 a parameter and step, and a few words beside them
        assert rank["reduce_bytes"] == 0 if ranks == 1 else exact < rank["reduce_bytes"] < 1.5 * exact, (rank["reduce_bytes"], exact)
        assert rank["store_bytes"] > 0
    assert sum(rank["store_bytes"] for rank in record["by_rank"]) < 40 * features, "it reads far more than it uses"
    seconds = record["seconds"]
    assert seconds["setup"] + seconds["steps"] <= seconds["total"] <= seconds["all_sessions"], seconds


def a_store_has_its_bill(store):
    bill = json.loads((store / "summary.json").read_text())
    assert set(bill["seconds"]) >= {"cohort_seconds", "plan_seconds", "extract_seconds", "pack_seconds", "tables_seconds"} and all(s >= 0 for s in bill["seconds"].values())
    assert bill["patients_per_second"] > 0 and all(peak > 10e6 for peak in bill["peak_memory_bytes"]) and len(bill["peak_memory_bytes"]) == bill["ranks"]
    assert bill["source_bytes"] > 0 and bill["feature_bytes"] > 0


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    store = t.make_store(folder)
    a_store_has_its_bill(store)
    for ranks in (1, 2):
        sums_agree(store, folder / f"ranks-{ranks}", ranks)
    a_stop_and_two_sessions(store, folder / "stopped")
    done = t.made_cohort.run(t.PROGRAM, *loud(t.words(store, folder / "log")))
    assert re.search(r"^train  (\d+)/\1  [\d.e+]+ patients/s  in ", done.stderr, flags=re.M) and "\r" not in done.stderr, done.stderr
print("the bill is shown, and its sums agree")
