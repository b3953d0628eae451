# SPDX-License-Identifier: Apache-2.0
"""A small cohort of every input kind, made for one test: tables, NIfTI, tile features in HDF5, report text."""
import csv
import hashlib
import pathlib
import struct
import subprocess

import h5py
import numpy as np

WIDTH = 16

COHORT = """schema: hepar-cohort/1
patients: patients.csv
imaging: imaging.csv
slides: slides.csv
reports: reports.csv
treatments: treatments.csv
follow_up: follow_up.csv
columns:
  age: {type: number, unit: years, range: [0, 120], known: pre_op}
  afp: {type: number, unit: ng/mL, range: [0, 1000000], known: pre_op, transform: log1p, limits: keep}
  mvi: {type: category, values: [M0, M1, M2], known: post_op}
modalities:
  clinical: {kind: vector, columns: [age, afp, mvi]}
  ct: {kind: volume, source: imaging, timing: pre_op, phases: [arterial, portal], grid: [8, 8, 4], spacing_mm: [10, 10, 10]}
  slide: {kind: bag, source: slides}
  report: {kind: sequence, source: reports}
eligibility:
  - {id: age, text: "18-75 years", require: "age >= 18 and age <= 75", on_unknown: exclude, stage: enrolment}
  - {id: slide, text: "a readable slide", require: "slide.readable", on_unknown: include, stage: analysis}
endpoints:
  rfs: {events: [recurrence, death], horizon_months: 36}
  os: {events: [death], horizon_months: 60}
strategies: {window_days: [14, 90], arms: [surgery, tace, tace_systemic, systemic]}
"""


def write_csv(path, rows):
    with open(path, "w", newline="") as out:
        csv.writer(out).writerows(rows)


def write_nifti(path, values):
    """NIfTI-1, int16, 2.5 x 2.5 x 5 mm, scanner-aligned."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, values.shape[2], values.shape[1], values.shape[0], 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 4, 16)
    struct.pack_into("<8f", header, 76, 1, 2.5, 2.5, 5, 0, 0, 0, 0)
    struct.pack_into("<f", header, 108, 352)
    struct.pack_into("<ff", header, 112, 1, 0)
    header[123] = 2
    struct.pack_into("<hh", header, 252, 0, 1)
    struct.pack_into("<4f", header, 280, 2.5, 0, 0, 0)
    struct.pack_into("<4f", header, 296, 0, 2.5, 0, 0)
    struct.pack_into("<4f", header, 312, 0, 0, 5, 0)
    header[344:348] = b"n+1\0"
    path.write_bytes(bytes(header) + values.astype("<i2").tobytes())


def make(folder, n=40, tiles=30, seed=1):
    """Writes the cohort and returns its cohort.yaml. Every 7th slide is broken, every 10th patient's image is missing."""
    folder = pathlib.Path(folder)
    (folder / "files").mkdir(parents=True)
    random = np.random.default_rng(seed)
    tables = {name: [header] for name, header in {
        "patients": ["patient_id", "centre", "age", "afp", "mvi"], "imaging": ["patient_id", "path", "timing", "phase"],
        "slides": ["patient_id", "path"], "reports": ["patient_id", "path"], "treatments": ["patient_id", "kind", "start_day"],
        "follow_up": ["patient_id", "recurrence_day", "death_day", "last_contact_day"]}.items()}
    for i in range(n):
        key = f"P{i:05d}"
        tables["patients"].append([key, f"C{i % 3:02d}", 40 + i % 45, ">60500" if i % 11 == 0 else 5 + i, f"M{i % 3}"])
        tables["follow_up"].append([key, 100 + i if i % 2 else "", "", 900 + i])
        if i % 4 == 0:
            tables["treatments"].append([key, "tace", 30])
        if i % 5 != 4:
            path = f"files/{key}.h5"
            if i % 7 == 6:
                (folder / path).write_bytes(b"this is no HDF5 file")
            else:
                with h5py.File(folder / path, "w") as slide:
                    count = int(random.integers(1, 2 * tiles))
                    slide["features"] = random.normal(size=(count, WIDTH)).astype("f4")
                    slide["coords"] = random.integers(0, 50000, size=(count, 2))
            tables["slides"].append([key, path])
        if i % 3 != 2:
            for phase in ["arterial", "portal"][: 1 + i % 2]:
                path = f"files/{key}-{phase}.nii"
                if i % 10 != 9:
                    write_nifti(folder / path, random.integers(-100, 200, size=(8, 24, 24)))
                tables["imaging"].append([key, path, "pre_op", phase])
        if i % 6 != 5:
            path = f"files/{key}.txt"
            (folder / path).write_text("Hepatocellular carcinoma, 3.5 cm, MVI: M1. 肝细胞癌，微血管侵犯M1。切缘阴性。" * (1 + i % 3))
            tables["reports"].append([key, path])
    for name, rows in tables.items():
        write_csv(folder / f"{name}.csv", rows)
    (folder / "cohort.yaml").write_text(COHORT)
    return folder / "cohort.yaml"


def run(program, *words, ranks=1, check=True, timeout=300):
    command = [str(word) for word in (program, *words)]
    if ranks > 1:
        command = ["mpirun", "--oversubscribe", "--allow-run-as-root", "-n", str(ranks)] + command
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def content(store):
    """Name -> SHA-256 of the files that the contract calls byte-equal."""
    store = pathlib.Path(store)
    files = sorted((store / "features").iterdir()) + [store / "tables.h5"]
    return {str(file.relative_to(store)): sha256(file) for file in files}
