# SPDX-License-Identifier: Apache-2.0
"""Native mode: sums begun early or late are the same bits, a repetition too; it learns what reproducible mode learns."""
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "law"))
import training_run as t  # noqa: E402

SAME_MASKS = ["--set", "model.dropout=0", "--set", "model.modality_dropout=0", "--set", "model.linear_dropout=0", "--set", "train.bag_cap=1000"]


def losses(out):
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    return [event["loss"] for event in events if event["event"] == "step"]


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    store = t.make_store(folder)

    def native(name, *more, ranks=1):
        return t.trained(store, folder / name, "--mode", "native", *more, ranks=ranks)

    late = native("late", "--set", "resources.overlap=off", ranks=2)
    early = native("early", "--set", "resources.overlap=on", ranks=2)
    tried = native("tried", ranks=2)
    assert late["parameters_sha256"] == early["parameters_sha256"] == tried["parameters_sha256"], "when sums begin changes the answer"
    assert early["sums_overlap"] is True and late["sums_overlap"] is False, (early["sums_overlap"], late["sums_overlap"])
    assert early["by_rank"][0]["reduce_bytes"] == late["by_rank"][0]["reduce_bytes"] > 0

    # Without random masks the batches do not matter: the curves of both modes agree to what floats can.
    native("curve", *SAME_MASKS, ranks=2)
    native("curve-1", *SAME_MASKS, "--set", "resources.slots_at_once=3")
    t.trained(store, folder / "exact", *SAME_MASKS)
    exact = losses(folder / "exact")
    for name in ("curve", "curve-1"):
        other = losses(folder / name)
        assert len(other) == len(exact) and all(abs(a - b) < 1e-4 * abs(a) for a, b in zip(exact, other)), list(zip(exact, other))
print("native mode agrees")
