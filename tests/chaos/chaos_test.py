# SPDX-License-Identifier: Apache-2.0
"""kill -9 in every window in which a file becomes durable, and at random instants: the same commands end in the undisturbed bytes."""
import hashlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "law"))
import training_run as t  # noqa: E402

LONG = os.environ.get("HEPAR_LONG") == "1"
SEED = int(os.environ.get("HEPAR_CHAOS_SEED", "1"))
# How many windows of each command, and how many random instants, are killed in `tools/check`.
SHORT = {"shard": 4, "train": 5, "validate": 3, "instants": 3}
INSTANTS = 40
VALIDATION = """schema: hepar-experiment/1
seed: 3
modalities: [clinical]
endpoints: [rfs]
model: {embedding: 8, vector: {hidden: 8}, fusion: {width: 8, depth: 1}}
train: {steps: 6, slots_per_step: 3, patients_per_slot: 8, checkpoint_every: 3steps}
validation: {scheme: split, test: 0.3, min_events: 1}
resources: {slots_at_once: 1}
"""


def command(words, ranks=1):
    words = [str(word) for word in (t.PROGRAM, *words)]
    return ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] + words if ranks > 1 else words


def started(words, ranks=1, **environment):
    return subprocess.Popen(command(words, ranks), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ, **environment})


def windows_of(words, folder):
    """Every durable step of the undisturbed command, in the order of its first time: (what, path below `folder`)."""
    log = folder.parent / "steps.log"
    log.unlink(missing_ok=True)
    process = started(words, HEPAR_KILL_LOG=str(log))
    _, said = process.communicate()
    assert process.returncode == 0, said
    steps = [line.split(" /", 1) for line in log.read_text().splitlines()]
    found = [(what, os.path.relpath("/" + path, folder)) for what, path in steps]
    return list(dict.fromkeys(found))


class Story:
    """One command: where it writes, what it leaves behind, and its windows."""

    def __init__(self, name, words, out, content):
        self.name, self.words, self.content = name, words, content
        self.reference = out.parent / (out.name + ".undisturbed")
        self.windows = windows_of(words(self.reference), self.reference)
        self.expected = content(self.reference)
        self.out, self.kills, self.covered = out, 0, set()

    def killed_at(self, window):
        what, path = window
        process = started(self.words(self.out), HEPAR_KILL_AT=f"{what} {os.path.normpath(self.out / path)}")
        _, said = process.communicate()
        if process.returncode == 0:
            return False  # an earlier kill came after this window, which is not passed again
        assert process.returncode == -signal.SIGKILL, (self.name, window, process.returncode, said)
        self.kills += 1
        self.covered.add(window)
        return True

    def killed_after(self, seconds, ranks):
        process = started(self.words(self.out), ranks)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            self.kills += 1
        process.communicate()

    def ends_as_if_nothing_had_happened(self, ranks=1):
        process = started(self.words(self.out), ranks)
        _, said = process.communicate()
        assert process.returncode == 0, (self.name, process.returncode, said)
        assert self.content(self.out) == self.expected, f"{self.name}: other bytes after {self.kills} kills"

    def begin_anew(self):
        if self.out.exists():
            self.out.rename(self.out.with_name(f"{self.out.name}.{time.monotonic_ns()}"))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def of_store(store):
    return t.made_cohort.content(store)


def of_run(run):
    return {name: digest(run / name) for name in ("model.safetensors", "model.json", "events.jsonl")} | {"sha256": t.run_json(run)["parameters_sha256"]}


def of_validation(folder):
    result = json.loads((folder / "validation.json").read_text())
    return {"predictions": digest(folder / "predictions.csv"), "pooled": result["pooled"], "folds": [fold["parameters_sha256"] for fold in result["folds"]], "audit": result["audit"]}


def chosen(windows, count):
    """All, or as many as asked for, spread over kinds of windows and over the command."""
    if LONG or len(windows) <= count:
        return windows
    picked = random.Random(SEED).sample(range(len(windows)), count)
    return [windows[i] for i in sorted(picked)]


def main(folder):
    cohort = t.made_cohort.make(folder / "cohort", n=60, tiles=12)
    store = folder / "store"
    experiment = folder / "validation.yaml"
    experiment.write_text(VALIDATION)
    random.seed(SEED)
    stories = []
    for name, words, content in (("shard", lambda out: ["shard", "--cohort", cohort, "--out", out, "--quiet"], of_store),
                                 ("train", lambda out: t.words(folder / "store.undisturbed", out), of_run),
                                 ("validate", lambda out: ["validate", "--config", experiment, "--store", folder / "store.undisturbed", "--out", out, "--quiet"], of_validation)):
        out = store if name == "shard" else folder / name
        story = Story(name, words, out, content)
        stories.append(story)
        for window in chosen(story.windows, SHORT[name]):
            if story.killed_at(window):
                continue
            story.begin_anew()
            story.killed_at(window)
        story.ends_as_if_nothing_had_happened()
        kinds = {re.sub(r"\d+", "N", f"{what} {path}") for what, path in story.windows}
        covered = {re.sub(r"\d+", "N", f"{what} {path}") for what, path in story.covered}
        print(f"{name}: {story.kills} kills in {len(story.covered)} of {len(story.windows)} windows ({len(covered)} of {len(kinds)} kinds)", flush=True)
        if LONG:
            missing = set(story.windows) - story.covered
            assert not missing, f"{name}: windows without a kill: {sorted(missing)}"
    for i in range(INSTANTS if LONG else SHORT["instants"]):
        story = stories[i % len(stories)]
        ranks = 2 if i % 2 else 1
        story.begin_anew()
        for _ in range(random.randint(1, 3) if LONG else 1):
            story.killed_after(random.uniform(0.3, 4.0), ranks)
        story.ends_as_if_nothing_had_happened(ranks=3 - ranks)
    kills = sum(story.kills for story in stories)
    print(f"{kills} kills in all")
    assert kills >= (100 if LONG else 10), kills


with tempfile.TemporaryDirectory() as scratch:
    main(pathlib.Path(scratch).resolve())
