# SPDX-License-Identifier: Apache-2.0
"""Every benchmark runs at a tiny size, alone and on two ranks; its figures are finite and positive. No timing is judged."""
import json
import math
import os
import pathlib
import sys
import tempfile

import numpy as np

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "tests" / "store"), str(SOURCE / "tests" / "pathology")]
import made_cohort  # noqa: E402
import made_slide  # noqa: E402

MODEL = ["--set", "model.embedding=8", "--set", "model.fusion.width=16", "--set", "model.bag.width=8", "--set", "model.sequence.width=8", "--set", "model.sequence.heads=2",
         "--set", "model.sequence.hidden=8", "--set", "model.vector.hidden=8", "--set", "model.volume.channels=4", "--set", "train.slots_per_step=2", "--set", "train.patients_per_slot=3"]
EXPECTED = {"store": ["5 tiles: warm, pread", "40 tiles: cold, batches / pread"], "step": ["5 tiles: native, patients/s", "40 tiles: reproducible / native, step", "5 tiles: native, backward"],
            "reduce": ["64 KiB, memcpy", "fixed point / float"], "optimizer": ["torch / ours"], "statistics": ["Harrell C with its standard error", "all metrics"]}


def bench(name, *words, ranks=1):
    done = made_cohort.run(PROGRAM, "bench", name, "--small", "--json", "--quiet", *words, ranks=ranks)
    result = json.loads(done.stdout)
    assert result["bench"] == name and result["ranks"] == ranks and result["small"] is True, result
    names = [figure["name"] for figure in result["figures"]]
    assert len(names) == len(set(names)) and names, names
    for figure in result["figures"]:
        if figure["name"].endswith(", loss"):
            continue
        values = [figure[key] for key in ("min", "median", "max")]
        assert all(math.isfinite(v) and v > 0 for v in values) and values == sorted(values), figure
        assert figure["unit"] and figure["rounds"] >= 1, figure
    assert any("load average" in note for note in result["notes"]), result["notes"]
    return names


with tempfile.TemporaryDirectory() as scratch:
    made = pathlib.Path(scratch) / "tmp"
    made.mkdir()
    os.environ["TMPDIR"] = str(made)
    for name, figures in EXPECTED.items():
        for ranks in (1,) if name in ("optimizer", "statistics") else (1, 2):
            names = bench(name, *MODEL, ranks=ranks)
            for figure in figures:
                assert any(figure in one for one in names), (name, figure, names)
    assert not any("ours / MPI" in one for one in bench("reduce")), "one rank has nothing to sum"
    assert any("ours / MPI_Allreduce" in one for one in bench("reduce", ranks=2))
    cohort = made_cohort.make(pathlib.Path(scratch) / "cohort", n=30, tiles=10)
    store = pathlib.Path(scratch) / "store"
    made_cohort.run(PROGRAM, "shard", "--cohort", cohort, "--out", store)
    assert "reproducible / native, step" in bench("step", "--store", store, *MODEL, ranks=2)
    assert "cold, store / pread" in bench("store", "--store", store)
    left = list(made.glob("hepar-bench-*"))
    assert not left, f"stores were left behind: {left}"

    raw = pathlib.Path(scratch) / "raw"
    raw.mkdir()
    made_slide.tiled_tiff(raw / "a.tif", made_slide.stained(1, 512), 2.0)
    values = np.random.default_rng(1).integers(0, 100, (8, 24, 24))
    mask = np.zeros((8, 24, 24), int)
    mask[2:6, 5:15, 5:15] = 1
    made_cohort.write_nifti(raw / "ct.nii", values)
    made_cohort.write_nifti(raw / "mask.nii", mask)
    (raw / "patients.csv").write_text("patient_id\nP1\nP2\n")
    (raw / "slides.csv").write_text("patient_id,path\nP1,a.tif\nP2,a.tif\n")
    (raw / "imaging.csv").write_text("patient_id,path,timing,phase,mask\nP1,ct.nii,pre_op,portal,mask.nii\nP2,ct.nii,pre_op,portal,\n")
    (raw / "cohort.yaml").write_text("schema: hepar-cohort/1\npatients: patients.csv\nslides: slides.csv\nimaging: imaging.csv\n"
                                     "modalities:\n  slide: {kind: bag, source: slides, um_per_pixel: 2.0, tile: 64}\n")
    for ranks in (1, 2):
        assert bench("ingest", "--cohort", raw / "cohort.yaml", ranks=ranks) == [f"{what}{core}" for what in ("tiles", "slices", "regions") for core in ("", " of one core")]

table = made_cohort.run(PROGRAM, "bench", "optimizer", "--small").stdout
assert "median" in table and "torch / ours" in table, table
for words, part in ((["bench"], "takes one name"), (["bench", "stor"], "did you mean 'store'"), (["bench", "step", "--tiles", "many"], "whole numbers"), (["bench", "ingest"], "give --cohort")):
    done = made_cohort.run(PROGRAM, *words, check=False)
    assert done.returncode == 2 and part in done.stderr, (words, done.stderr)
print("every benchmark runs")
