# SPDX-License-Identifier: Apache-2.0
"""Real public DICOM files: real_files_test.py PROGRAM SOURCE_DIR

`hepar inspect --json` must say of every file and series what its table of expected values says (frames, sizes, spacing,
values after rescale, transfer syntax, what is refused) and nothing that identifies. The files are named by the
environment variable HEPAR_REAL: a folder with expected.csv and dicom/expected_*.csv. Without it the check is skipped.
"""
import csv
import json
import math
import os
import pathlib
import subprocess
import sys

PROGRAM = sys.argv[1]
LOSSY = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55",
         "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91"}
# Decoded as its header says; its codestream says otherwise, so that it is read and not used.
DOUBTFUL = "dicom/odd/TOSHIBA_J2K_SIZ1_PixRep0.dcm"
# What makes each irregular series irregular; further codes may follow from it.
CODES = {"ct_ge_missing_slice": {"missing_slice"}, "ct_ge_tilt_mixed_spacing": {"uneven_spacing", "sheared"},
         "ct_siemens_sheared_no_tilt_tag": {"sheared"}, "mr_two_orientations_one_series": {"mixed_orientation", "too_few"},
         "mr_philips_4d": {"several_times", "too_few"}, "mr_two_slices": {"too_few"}}
wrong = []


def inspect(paths):
    done = subprocess.run([PROGRAM, "inspect", *map(str, paths), "--json"], capture_output=True, text=True, timeout=600)
    if done.returncode not in (0, 3):
        sys.exit(f"inspect ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def expect(good, path, what):
    if not good:
        wrong.append(f"{path}: {what}")


def near(value, expected, tolerance):
    return value is not None and abs(value - expected) <= tolerance


def check_values(row, series, path):
    """Extremes and mean after rescale follow from the stored ones by slope and intercept."""
    if int(row["samples"]) != 1 or row["photometric"] == "PALETTE COLOR":
        expect(series["hu_mean"] is None, path, "colour has no HU")
        return
    slope = float(row["slope"] or 1)
    intercept = float(row["intercept"] or 0)
    if "multiframe" in path and "ct0012" in path:
        slope, intercept = 1.0, -1024.0  # from its functional groups
    lossy = row["transfer_syntax"] in LOSSY
    mean_tolerance = abs(slope) * (0.05 if lossy else 6e-5) + 1e-3 * lossy
    expect(near(series["hu_mean"], float(row["pixel_mean"]) * slope + intercept, mean_tolerance + 1e-9), path,
           f"mean {series['hu_mean']}, expected {float(row['pixel_mean']) * slope + intercept}")
    if not lossy:
        for key, stored in (("hu_min", "pixel_min"), ("hu_max", "pixel_max")):
            expect(near(series[key], float(row[stored]) * slope + intercept, 1e-6 * max(1, abs(float(row[stored])))), path,
                   f"{key} {series[key]}, expected {float(row[stored]) * slope + intercept}")


def check_file(row, expected, found):
    path = row["path"]
    if expected["expect"] == "refused":
        expect(not found["readable"] and found["reason"], path, "must be refused with a reason")
        return
    if expected["expect"] == "either" and not found["readable"]:
        expect(found["reason"], path, "a refusal needs a reason")
        return
    expect(found["readable"], path, f"must load: {found['reason']}")
    if not found["series"]:
        return
    series = found["series"][0]
    expect(sum(s["frames"] for s in found["series"]) == int(row["frames"]), path, f"frames {series['frames']}, expected {row['frames']}")
    expect(series["size"][:2] == [int(row["cols"]), int(row["rows"])], path, f"size {series['size']}")
    expect((series["modality"] or "") == row["modality"], path, f"modality {series['modality']}")
    if row["transfer_syntax"]:
        expect(series["transfer_syntax"] == row["transfer_syntax"], path, f"transfer syntax {series['transfer_syntax']}")
    if row["pixel_spacing"]:
        down, across = (float(v) for v in row["pixel_spacing"].split("\\"))
        expect(near(series["spacing_mm"][0], across, 1e-5) and near(series["spacing_mm"][1], down, 1e-5), path, f"spacing {series['spacing_mm']}")
    if row["slice_thickness"] and int(row["frames"]) == 1:
        expect(near(series["spacing_mm"][2], float(row["slice_thickness"]), 1e-5), path, f"one slice keeps its thickness, not {series['spacing_mm'][2]}")
    if row["pixel_mean"] and len(found["series"]) == 1:
        check_values(row, series, path)
    if path == DOUBTFUL:
        expect(not found["usable"], path, "contradicting signs must not be used")
    codes = {note["code"] for note in found["notes"]}
    if row["modality"] == "CT" and int(row["frames"]) < 3:
        expect(not found["usable"] and "too_few" in codes, path, "one slice is no volume")


def check_series(row, found):
    path, series = row["series"], found["series"]
    codes = {note["code"] for note in found["notes"]}
    expect(found["readable"] and series, path, "must be readable")
    expect(sum(s["frames"] for s in series) == int(row["files"]), path, "every file is a frame of one series")
    expect(all(s["modality"] == row["modality"] for s in series), path, "modality")
    name = pathlib.Path(path).name
    if row["expect"] != "regular volume":
        expect(CODES[name] <= codes, path, f"codes {sorted(codes)}, expected {sorted(CODES[name])}")
        expect(not found["usable"] or "sheared" in codes, path, "only a sheared series can be corrected")
        if name == "ct_siemens_sheared_no_tilt_tag":
            expect(near(series[0]["spacing_mm"][2], 4.8515, 1e-3), path, f"spacing along the normal {series[0]['spacing_mm']}")
        return
    expect(found["usable"] and not codes, path, f"a regular volume: {found['reason']} {codes}")
    expect(len(series) == 1 and series[0]["size"] == [int(row["cols"]), int(row["rows"]), int(row["positions"])], path, f"size {series[0]['size']}")
    down, across = (float(v) for v in row["pixel_spacing"].split("\\"))
    gap = float(row["gaps_mm"].split("|")[0])
    expect(all(near(a, b, 1e-3) for a, b in zip(series[0]["spacing_mm"], (across, down, gap))), path, f"spacing {series[0]['spacing_mm']}")
    normal = [float(v) for v in row["normal"].split()]
    expect(all(near(series[0]["direction"][3 * r + 2], normal[r], 1e-3) for r in range(3)), path, f"direction {series[0]['direction']}")
    x, y, z = ([series[0]["direction"][3 * r + c] for r in range(3)] for c in range(3))
    cross = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]]
    expect(all(near(a, b, 1e-6) for a, b in zip(cross, z)), path, "directions are right-handed")


def main():
    real = os.environ.get("HEPAR_REAL", "")
    if not real or not (pathlib.Path(real) / "dicom" / "expected_dicom.csv").exists():
        print("skipped: HEPAR_REAL names no folder of real files")
        return
    root = pathlib.Path(real)
    expected = {row["path"]: row for row in csv.DictReader((root / "expected.csv").open())}
    rows = list(csv.DictReader((root / "dicom" / "expected_dicom.csv").open()))
    found = inspect([root / row["path"] for row in rows])
    for row, one in zip(rows, found):
        check_file(row, expected[row["path"]], one)
    folders = list(csv.DictReader((root / "dicom" / "expected_series.csv").open()))
    of_folders = inspect([root / row["series"] for row in folders])
    for row, one in zip(folders, of_folders):
        check_series(row, one)
    means = {name: next(one["series"][0]["hu_mean"] for row, one in zip(folders, of_folders) if row["series"].endswith(name))
             for name in ("mr_j2k", "mr_jpegll", "mr_jpegls", "mr_rle")}
    expect(len(set(means.values())) == 1 and math.isfinite(means["mr_rle"]), "the same MR in four syntaxes", str(means))
    for slide in (row for row in expected if row.startswith("wsi/") and row.endswith(".dcm")):
        one = inspect([root / slide])[0]
        expect(not one["readable"] and one["reason"], slide, "a slide in DICOM is refused with a reason")
    for line in wrong:
        print("wrong:", line)
    if wrong:
        sys.exit(1)
    print(f"{len(rows)} files and {len(folders)} series as expected")


main()
