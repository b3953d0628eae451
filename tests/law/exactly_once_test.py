# SPDX-License-Identifier: Apache-2.0
"""Law 1 of a training: in every epoch each eligible patient with an outcome enters once, nobody else ever."""
import json
import pathlib
import sys
import tempfile

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import training_run as t  # noqa: E402

with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    store = t.make_store(folder, patients=47)
    with h5py.File(store / "tables.h5") as tables:
        keys = [key.decode() for key in tables["patient/key"][:]]
        out_of_it = tables["rules/excluded_by"][:] >= 0
    expected = [key for key, left_out in zip(keys, out_of_it) if not left_out]
    for ranks in (1, 3):
        out = folder / f"ranks-{ranks}"
        record = t.trained(store, out, ranks=ranks)
        assert record["patients"] == len(expected), (record["patients"], len(expected))
        assert record["patient_visits"] == record["epochs"] * len(expected), record["patient_visits"]
        assert sorted(json.loads((out / "model.json").read_text())["trained_on"]) == expected, "others than the eligible patients entered the steps of an epoch"
print("every patient entered every epoch once")
