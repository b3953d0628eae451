# SPDX-License-Identifier: Apache-2.0
"""One small training through the program, for the laws' tests: every kind of input, some of them missing, everything random on."""
import json
import pathlib
import sys

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests" / "store"))
import made_cohort  # noqa: E402

# 5 slots: not divisible by 2, 3 or 4 ranks. 3 patients a slot: the last step of an epoch is partial.
EXPERIMENT = """schema: hepar-experiment/1
seed: 11
model:
  embedding: 8
  dropout: 0.2
  modality_dropout: 0.3
  vector: {hidden: 8}
  bag: {width: 8, attention: 4, heads: 2}
  volume: {channels: 4}
  sequence: {width: 8, layers: 1, heads: 2, hidden: 8}
  fusion: {width: 8, depth: 1}
train: {epochs: 3, slots_per_step: 5, patients_per_slot: 3, bag_cap: 12, clip_norm: 0.5, ema: 0.9, checkpoint_every: 2steps}
resources: {slots_at_once: 2}
"""


def make_store(folder, patients=71, change=None):
    """A store below `folder`; `change(cohort_folder)` edits the tables before."""
    cohort = made_cohort.make(folder / "cohort", n=patients, tiles=15)
    if change:
        change(cohort.parent)
    made_cohort.run(PROGRAM, "shard", "--cohort", cohort, "--out", folder / "store")
    return folder / "store"


def words(store, out, *more, config=None):
    if config is None:
        config = out.parent / "experiment.yaml"
        if not config.exists():
            config.write_text(EXPERIMENT)
    return ["train", "--config", config, "--store", store, "--out", out, "--quiet", *more]


def train(store, out, *more, ranks=1, check=True):
    return made_cohort.run(PROGRAM, *words(store, out, *more), ranks=ranks, check=check)


def run_json(out):
    return json.loads((out / "run.json").read_text())


def trained(store, out, *more, ranks=1):
    train(store, out, *more, ranks=ranks)
    record = run_json(out)
    assert record["status"] == "finished", record["status"]
    return record
