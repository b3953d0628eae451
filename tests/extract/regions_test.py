# SPDX-License-Identifier: Apache-2.0
"""Columns `from: radiomics.<tag>` and `from: change.<tag>`: what `hepar shard` stores for a patient is what `hepar radiomics`
says of the same image and mask; a patient without a mask is counted; an image taken too late or on no recorded day never
enters; a column that would know the future, or asks for a feature that there is not, is refused."""
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

program = sys.argv[1]
SIZE = (12, 11, 8)


def run(*words):
    return subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=300)


def nifti(path, kind, values):
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *SIZE, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, *{"B": (2, 8), "h": (4, 16)}[kind])
    struct.pack_into("<8f", header, 76, 1, 1, 1, 2, 0, 0, 0, 0)
    struct.pack_into("<f", header, 108, 352)
    struct.pack_into("<2f", header, 112, 1, 0)
    struct.pack_into("<h", header, 254, 1)
    struct.pack_into("<12f", header, 280, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0)
    header[344:348] = b"n+1\0"
    path.write_bytes(bytes(header) + struct.pack(f"<{len(values)}{kind}", *values))


def cohort(folder, columns):
    """Three patients: masks before and after surgery; the later image on day 200; no mask at all."""
    draw = random.Random(3)
    count = SIZE[0] * SIZE[1] * SIZE[2]
    for name, mean in (("p1_pre", 80), ("p1_post", 40), ("p2_pre", 90), ("p2_post", 60), ("p3_pre", 70)):
        nifti(folder / f"{name}.nii", "h", [round(draw.gauss(mean, 20)) for _ in range(count)])
        nifti(folder / f"{name}_mask.nii", "B", [1 if draw.random() < 0.6 else 0 for _ in range(count)])
    (folder / "patients.csv").write_text("patient_id\nP1\nP2\nP3\n")
    (folder / "imaging.csv").write_text("patient_id,path,timing,study_day,phase,mask\n"
                                        "P1,p1_pre.nii,pre_op,-3,arterial,p1_pre_mask.nii\n"
                                        "P1,p1_post.nii,post_op,30,arterial,p1_post_mask.nii\n"
                                        "P2,p2_pre.nii,pre_op,-3,arterial,p2_pre_mask.nii\n"
                                        "P2,p2_post.nii,post_op,200,arterial,p2_post_mask.nii\n"
                                        "P3,p3_pre.nii,pre_op,-3,arterial,\n")
    (folder / "cohort.yaml").write_text("schema: hepar-cohort/1\npatients: patients.csv\nimaging: imaging.csv\nradiomics: {discretise: {fbs: 10}}\n"
                                        "columns:\n" + columns +
                                        "modalities:\n  ct: {kind: volume, source: imaging, timing: pre_op, phases: [arterial],"
                                        " grid: [8, 8, 8], spacing_mm: [2, 2, 2]}\n")


def patient(store, key):
    done = run("inspect", store, "--patient", key, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)[0]
    return found["patient"] if "patient" in found else found


def measured(folder, name):
    values = {}
    for by in ("volume", "slice"):
        done = run("radiomics", "--image", folder / f"{name}.nii", "--mask", folder / f"{name}_mask.nii",
                   "--set", "discretise.fbs=10", "--set", f"by={by}", "--json")
        assert done.returncode == 0, done.stderr
        values.update({row["tag"]: row["value"] for row in json.loads(done.stdout)})
    return values


COLUMNS = ("  mean: {type: number, known: pre_op, from: radiomics.stat_mean, image: ct.arterial, mask: tumour}\n"
           "  busy: {type: number, known: pre_op, from: radiomics.ngt_busyness_2_5D, image: ct.arterial, mask: tumour}\n"
           "  shrink: {type: number, known: day 60, from: change.morph_volume, image: ct.arterial, mask: tumour}\n")
REFUSED = [("  a: {type: number, known: pre_op, from: change.stat_mean, image: ct.arterial, mask: tumour}\n", "before and after surgery"),
           ("  a: {type: number, known: pre_op, from: radiomics.stat_meen, image: ct.arterial, mask: tumour}\n", "did you mean 'stat_mean'?"),
           ("  a: {type: number, known: pre_op, from: radiomics.stat_mean, image: ct.portal, mask: tumour}\n", "ct.arterial")]

with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    cohort(folder, COLUMNS)
    done = run("shard", "--cohort", folder / "cohort.yaml", "--out", folder / "store")
    assert done.returncode == 0, done.stderr
    for key in ("P1", "P2"):
        before = measured(folder, key.lower() + "_pre")
        columns = patient(folder / "store", key)["columns"]
        for column, tag in (("mean", "stat_mean"), ("busy", "ngt_busyness_2_5D")):
            assert abs(float(columns[column]["value"]) - before[tag]) <= 1e-9 * abs(before[tag]), (key, column, columns[column], before[tag])
    expected = measured(folder, "p1_post")["morph_volume"] - measured(folder, "p1_pre")["morph_volume"]
    assert abs(float(patient(folder / "store", "P1")["columns"]["shrink"]["value"]) - expected) <= 1e-9 * abs(expected)
    assert patient(folder / "store", "P2")["columns"]["shrink"]["state"] == "missing"  # its image is of day 200
    assert {column["state"] for column in patient(folder / "store", "P3")["columns"].values()} == {"missing"}
    failures = (folder / "store" / "failures.csv").read_text()
    assert failures.count("P3,radiomics.ct.arterial.tumour") == 1 and "no mask is named" in failures, failures

    # The settings are part of what the features are.
    spec = folder / "cohort.yaml"
    hashes = [json.loads((folder / "store" / "store.json").read_text())["features_sha256"]]
    spec.write_text(spec.read_text().replace("fbs: 10", "fbs: 20"))
    done = run("shard", "--cohort", spec, "--out", folder / "wider")
    assert done.returncode == 0, done.stderr
    hashes.append(json.loads((folder / "wider" / "store.json").read_text())["features_sha256"])
    assert hashes[0] != hashes[1]
    spec.write_text(spec.read_text().replace("fbs: 20", "fbs: 10"))

    # An empty region is counted, not measured.
    nifti(folder / "p2_pre_mask.nii", "B", [0] * (SIZE[0] * SIZE[1] * SIZE[2]))
    done = run("shard", "--cohort", spec, "--out", folder / "empty")
    assert done.returncode == 0, done.stderr
    assert patient(folder / "empty", "P2")["columns"]["mean"]["state"] == "missing"
    assert "P2,radiomics.ct.arterial.tumour" in (folder / "empty" / "failures.csv").read_text()

    # Another mask is taken in by the next run.
    nifti(folder / "p1_pre_mask.nii", "B", [1] * (SIZE[0] * SIZE[1] * SIZE[2]))
    done = run("shard", "--cohort", folder / "cohort.yaml", "--out", folder / "store")
    assert done.returncode == 0, done.stderr
    whole = measured(folder, "p1_pre")["stat_mean"]
    assert abs(float(patient(folder / "store", "P1")["columns"]["mean"]["value"]) - whole) <= 1e-9 * abs(whole)

    for columns, said in REFUSED:
        cohort(folder, columns)
        done = run("shard", "--cohort", folder / "cohort.yaml", "--out", folder / "other")
        assert done.returncode == 2 and said in done.stderr, (said, done.returncode, done.stderr)
        done = run("cohort", "check", "--cohort", folder / "cohort.yaml", "--out", folder / "check")
        assert done.returncode == 2 and said in done.stderr, (said, done.returncode, done.stderr)
print("columns from regions say what the regions say")
