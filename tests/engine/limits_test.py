# SPDX-License-Identifier: Apache-2.0
"""What a training does when its numbers or its memory run out, and what it says of where its time went."""
import json
import os
import pathlib
import re
import sys
import tempfile
import time
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "law"))
import training_run as t  # noqa: E402

LONGER = ["--set", "train.epochs=12"]  # 36 steps


def events(out, kind):
    return [event for event in map(json.loads, (out / "events.jsonl").read_text().splitlines()) if event["event"] == kind]


def nan_steps(first, last):
    return ["--set", f"faults.nan_step={first}", "--set", f"faults.nan_until={last}"]


def skips_then_rolls_back_then_stops(folder, store):
    back = t.trained(store, folder / "back", *LONGER, *nan_steps(4, 15))
    assert (back["skipped_steps"], back["rollbacks"]) == (12, 1), (back["skipped_steps"], back["rollbacks"])
    rolled = events(folder / "back", "rolled back")
    assert len(rolled) == 1 and rolled[0]["step"] == 14 and rolled[0]["learning_rate_factor"] == 0.5, rolled
    # The anchor is part of a checkpoint: another rank count and a stop in between come to the same bits.
    assert t.trained(store, folder / "back-2", *LONGER, *nan_steps(4, 15), ranks=2)["parameters_sha256"] == back["parameters_sha256"]
    done = t.train(store, folder / "stopped", *LONGER, *nan_steps(2, 1000), ranks=2, check=False)
    assert done.returncode == 5 and re.search(r"not finite in 10 steps in a row, after 2 returns.* patients P\d+, P", done.stderr), (done.returncode, done.stderr)
    assert len(events(folder / "stopped", "rolled back")) == 2
    assert json.loads((folder / "stopped" / "status.json").read_text())["exit_code"] == 5


def memory_names_the_slot(folder, store):
    for mode in ("reproducible", "native"):
        done = t.train(store, folder / f"memory-{mode}", "--mode", mode, "--set", "faults.memory_step=1", check=False)
        assert done.returncode == 5 and re.search(r"memory is used up in .*patients P\d+.*lower train\.bag_cap", done.stderr), (done.returncode, done.stderr)


def time_is_accounted_for(folder, store):
    words = [word for word in t.words(store, folder / "timed", "--set", "resources.trace_steps=3") if word != "--quiet"]
    done = t.made_cohort.run(t.PROGRAM, *words, ranks=2)
    for phase in ("data_wait", "forward", "backward", "sum_exposed", "optimiser", "checkpoint"):
        assert re.search(rf"(?m)^.*{phase} +\d", done.stderr), (phase, done.stderr)
    phases = t.run_json(folder / "timed")["phases"]
    assert all(0 <= one["min"] <= one["mean"] <= one["max"] for one in phases.values()), phases
    assert phases["forward"]["min"] > 0 and phases["sum_exposed"]["max"] > 0
    trace = json.loads((folder / "timed" / "trace.json").read_text())["traceEvents"]
    assert {event["pid"] for event in trace} == {0, 1} and {"forward", "backward", "data wait", "sum over ranks", "optimiser"} <= {event["name"] for event in trace}
    assert sum(event["name"] == "optimiser" for event in trace) == 2 * 3, "three steps on two ranks"
    assert not (folder / "back" / "trace.json").exists()


def a_staged_store_is_the_same_answer(folder, store):
    here = t.trained(store, folder / "here")

    def at_leisure(name, staging, ranks, seen):
        """What is said by a training as slow as it takes for the copying thread, which is nice, to have its turn."""
        for slow_ms in (60, 600, 4000):
            out = folder / f"{name}-{slow_ms}"
            words = [word for word in t.words(store, out, "--set", f"resources.staging={staging}", "--set", f"faults.slow_ms={slow_ms}") if word != "--quiet"]
            said = t.made_cohort.run(t.PROGRAM, *words, ranks=ranks).stderr
            record = t.run_json(out)
            assert record["parameters_sha256"] == here["parameters_sha256"], "where the store is read changes the answer"
            if seen(record, said):
                return said
        raise AssertionError(f"{name}: {said}")

    at_leisure("staged", folder / "local", 2, lambda record, said: record["staged"])
    assert here["staged"] is False
    (copy,) = (folder / "local").iterdir()
    assert copy.stat().st_mode & 0o077 == 0, "others may read the copy"
    (folder / "file").write_text("no folder")
    said = at_leisure("fallback", folder / "file", 1, lambda record, said: "the store is read where it is" in said)
    assert said.count("the store is read where it is") == 1, said


def checkpoints_stay(folder, store):
    run = folder / "kept"
    record = t.trained(store, run, "--set", "resources.checkpoints_kept=3")
    steps = sorted(int(path.name[5:]) for path in (run / "checkpoints").iterdir())
    best = record["best_checkpoint"]["step"]
    assert best in steps and len(set(steps) - {best}) in (2, 3), (steps, best)
    # By the time limit: half a minute at least, so this short training writes its last one only.
    import os
    os.environ["SLURM_JOB_END_TIME"] = str(int(time.time()) + 3600)
    try:
        assert t.trained(store, folder / "limit", "--set", "train.checkpoint_every=auto")["checkpoints_written"] == 1
    finally:
        del os.environ["SLURM_JOB_END_TIME"]


def another_run_can_begin_it(folder, store):
    frozen = ["--set", f"train.init_from={folder / 'kept'}", "--set", "train.freeze=encoder", "--set", "train.module_rates=head=0.5"]
    begun = t.trained(store, folder / "begun", *frozen)
    assert begun["init_from_sha256"] == t.run_json(folder / "kept")["parameters_sha256"]

    def tensors(run):
        data = (run / "model.safetensors").read_bytes()
        length = int.from_bytes(data[:8], "little")
        return {name: data[8 + length:][slice(*entry["data_offsets"])] for name, entry in json.loads(data[8:8 + length]).items()}

    before, after = tensors(folder / "kept"), tensors(folder / "begun")
    assert all((before[name] == after[name]) == name.startswith("encoder.") for name in before if ".weight" in name or name.startswith("encoder.")), "frozen modules moved, or others did not"
    for words, part in ((["--set", "train.freeze=encodr"], "did you mean 'encoder'"), (["--set", "train.module_rates=head"], "train.module_rates")):
        done = t.train(store, folder / "wrong", *words, check=False)
        assert done.returncode == 2 and part in done.stderr, done.stderr
    t.trained(store, folder / "wrong", "--set", "train.freeze=encoder")  # what was refused may be corrected


def a_deadline_stops_by_what_checkpoints_took(folder, store):
    """25 s before the job's end the first measured checkpoint says that it is time; the site's lead of 1 s would have gone on."""
    for ranks in (1, 2):
        out = folder / f"deadline-{ranks}"
        with mock.patch.dict(os.environ, {"HEPAR_DEADLINE": str(int(time.time()) + 25), "HEPAR_STOP_LEAD": "1"}):
            done = t.train(store, out, *LONGER, "--set", "faults.slow_ms=400", ranks=ranks, check=False)
        status = json.loads((out / "status.json").read_text())
        assert done.returncode == 75 and status["state"] == "stopped" and status["step"] <= 6, (done.returncode, status, done.stderr)


def others_open_the_files(folder):
    try:
        from safetensors.numpy import load_file
    except ImportError:
        print("python3 has no safetensors: not tried")
        return
    weights = load_file(folder / "kept" / "model.safetensors")
    newest = max((folder / "kept" / "checkpoints").iterdir(), key=lambda path: int(path.name[5:]))
    state = load_file(newest / "state.safetensors")
    assert weights and all(f"param/{name}" in state and f"adamw/m/{name}" in state and state[f"ema/{name}"].shape == value.shape for name, value in weights.items())


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    store = t.make_store(folder)
    skips_then_rolls_back_then_stops(folder, store)
    memory_names_the_slot(folder, store)
    time_is_accounted_for(folder, store)
    a_staged_store_is_the_same_answer(folder, store)
    checkpoints_stay(folder, store)
    another_run_can_begin_it(folder, store)
    a_deadline_stops_by_what_checkpoints_took(folder, store)
    others_open_the_files(folder)
print("faults end as they should")
