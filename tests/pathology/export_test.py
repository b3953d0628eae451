# SPDX-License-Identifier: Apache-2.0
"""Tile features go out as CLAM and TRIDENT write them and come back as the same bytes."""
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy

program = sys.argv[1]


def run(*words):
    return subprocess.run([program, *map(str, words)], check=True, capture_output=True, text=True, timeout=300).stdout


def cohort(folder, slides):
    folder.mkdir(exist_ok=True)
    (folder / "patients.csv").write_text("patient_id\n" + "".join(f"{p}\n" for p in sorted({p for p, _ in slides})))
    (folder / "slides.csv").write_text("patient_id,path\n" + "".join(f"{p},{path}\n" for p, path in slides))
    (folder / "cohort.yaml").write_text("schema: hepar-cohort/1\npatients: patients.csv\nslides: slides.csv\nmodalities:\n  slide: {kind: bag, source: slides}\n")
    return folder / "cohort.yaml"


def bags(store):
    with h5py.File(sorted((store / "features").glob("*.h5"))[0]) as file:
        slide = file["slide"]
        return [slide[name][...] for name in ("values", "coords", "offsets", "present")]


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    random = numpy.random.default_rng(5)
    rows = []
    for patient, slide, tiles in [("P1", 1, 7), ("P1", 2, 3), ("P2", 1, 5)]:
        path = scratch / f"{patient}_{slide}_in.h5"
        with h5py.File(path, "w") as file:
            file["features"] = random.normal(size=(tiles, 6)).astype("f2")
            file["coords"] = random.integers(0, 90000, (tiles, 2))
        rows.append((patient, path))
    run("shard", "--cohort", cohort(scratch / "in", rows), "--out", scratch / "store")
    expected = bags(scratch / "store")
    for layout, shape in [("clam", (7, 6)), ("trident", (1, 7, 6))]:
        out = scratch / layout
        assert run("inspect", scratch / "store", "--export", out, "--layout", layout).strip().endswith("3 files")
        with h5py.File(out / "P1_1.h5") as file:
            assert file["features"].shape == shape and file["features"].dtype == numpy.float32, file["features"]
            assert file["coords"].dtype == numpy.int64 and file["coords"].attrs["name"] == b"P1_1", dict(file["coords"].attrs)
        back = cohort(scratch / f"back_{layout}", [("P1", out / "P1_1.h5"), ("P1", out / "P1_2.h5"), ("P2", out / "P2_1.h5")])
        run("shard", "--cohort", back, "--out", scratch / f"store_{layout}")
        for a, b in zip(expected, bags(scratch / f"store_{layout}")):
            assert numpy.array_equal(a, b) and a.dtype == b.dtype, layout
        # From one layout to the other, and one patient alone.
        run("inspect", out / "P1_2.h5", "--export", scratch / f"again_{layout}", "--layout", "clam")
        with h5py.File(scratch / f"again_{layout}" / "P1_2.h5") as file:
            assert file["features"].shape == (3, 6)
        assert run("inspect", scratch / "store", "--export", scratch / f"one_{layout}", "--patient", "P2").strip().endswith("1 file")
    # What cannot be exported says so.
    refused = subprocess.run([program, "inspect", str(scratch / "in/cohort.yaml"), "--export", str(scratch / "x")], capture_output=True, text=True)
    assert refused.returncode == 2 and "nothing to export from a cohort" in refused.stderr, refused.stderr
print("round trips are equal")
