# SPDX-License-Identifier: Apache-2.0
"""IBSI 1 through `hepar radiomics`: the digital phantom (design: Alex Zwanenburg, CC BY 4.0) is written here and every agreed
value of its table is met (tests/imaging/ibsi_digital_phantom.csv, from the IBSI reference manual, arXiv 1612.07003). The CT
phantom is CC BY-NC and stays outside: HEPAR_IBSI names a folder with ct_phantom_image.nii.gz, ct_phantom_mask.nii.gz and
config_X_values.csv (X: a … e). A value is right when it agrees, rounded to three digits, within the agreed tolerance."""
import csv
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

program, source = sys.argv[1], pathlib.Path(sys.argv[2])
ROWS = """14411 14611 41641 44641  14411 11611 11311 44611  14411 11111 11911 11611  14411 11111 11111 11611"""
MASK = """11111 11111 11111 11111  11111 11111 01111 11111  11100 11111 11011 11111  11100 11111 11111 11111"""
CONFIGURATIONS = {
    "a": "by: slice\nresegment_range: [-500, 400]\ndiscretise: {fbs: 25}\n",
    "b": "by: slice\nspacing_mm: [2, 2]\ninterpolation: linear\nround: true\nresegment_range: [-500, 400]\ndiscretise: {fbn: 32}\n",
    "c": "by: volume\nspacing_mm: [2, 2, 2]\ninterpolation: linear\nround: true\nresegment_range: [-1000, 400]\ndiscretise: {fbs: 25}\nivh: {fbs: 2.5}\n",
    "d": "by: volume\nspacing_mm: [2, 2, 2]\ninterpolation: linear\nround: true\nresegment_sigma: 3\ndiscretise: {fbn: 32}\n",
    "e": "by: volume\nspacing_mm: [2, 2, 2]\ninterpolation: cubic\nround: true\nresegment_range: [-1000, 400]\nresegment_sigma: 3\ndiscretise: {fbn: 32}\nivh: {fbn: 1000}\n",
}


def nifti(path, text, size=(5, 4, 4), origin=0.0):
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *size, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 2, 8)  # uint8
    struct.pack_into("<8f", header, 76, 1, 2, 2, 2, 0, 0, 0, 0)
    struct.pack_into("<f", header, 108, 352)
    struct.pack_into("<2f", header, 112, 1, 0)
    struct.pack_into("<h", header, 254, 1)
    struct.pack_into("<12f", header, 280, 2, 0, 0, origin, 0, 2, 0, 0, 0, 0, 2, 0)
    header[344:348] = b"n+1\0"
    path.write_bytes(bytes(header) + bytes(int(c) for c in text if c.isdigit()))


def run(*words):
    return subprocess.run([program, "radiomics", *map(str, words)], capture_output=True, text=True, timeout=600)


def measure(image, mask, config):
    done = run("--image", image, "--mask", mask, "--config", config, "--json")
    assert done.returncode == 0, done.stderr
    return {row["tag"]: row for row in json.loads(done.stdout)}


def compare(name, found, table):
    """Every agreed value is there and right; diagnostics of the image are not features."""
    reference = [row for row in csv.DictReader(table.open()) if row["benchmark_value"] and row["family"] != "Diagnostic"]
    assert len(reference) > 200, (name, len(reference))
    wrong = []
    for row in reference:
        agreed, tolerance = float(row["benchmark_value"]), float(row["tolerance"])
        value = found.get(row["tag"], {}).get("value")
        if value is None or abs(float(f"{value:.3g}") - agreed) > tolerance * (1 + 1e-9) + 1e-12 * abs(agreed):
            wrong.append(f"{row['tag']}: {value}, agreed {agreed} +- {tolerance}")
        else:
            said = found[row["tag"]]
            assert (said["family"], said["aggregation"]) == (row["family"], row["aggregation"]), (said, row)
    assert not wrong, f"{name}: {len(wrong)} of {len(reference)} are wrong\n" + "\n".join(wrong)
    print(f"{name}: {len(reference)} of {len(reference)} agreed values are met")


def refusals(folder, image, mask):
    """What cannot be measured ends with the contract's code and one line that says why."""
    nifti(folder / "none.nii", "0" * 80)
    nifti(folder / "one.nii", "1" + "0" * 79)
    nifti(folder / "far.nii", "1" * 80, origin=1000.0)
    nifti(folder / "small.nii", "1" * 8, size=(2, 2, 2))
    (folder / "wrong.yaml").write_text("discretize: {fbs: 25}\n")
    (folder / "both.yaml").write_text("discretise: {fbs: 25, fbn: 32}\n")
    (folder / "grid.yaml").write_text("interpolation: linear\n")
    cases = [((image, folder / "none.nii"), 3, "touches no voxel"), ((image, folder / "far.nii"), 3, "touches no voxel"), ((image, folder / "absent.nii"), 3, "no such mask"),
             ((image, mask, "--set", "resegment_range=[100,200]"), 3, "leaves no voxel"), ((image, mask, "--config", folder / "wrong.yaml"), 2, "did you mean 'discretise"),
             ((image, mask, "--config", folder / "both.yaml"), 2, "both fbs and fbn"), ((image, mask, "--config", folder / "grid.yaml"), 2, "without a grid"),
             ((image, mask, "--set", "by=slices"), 2, "did you mean 'slice'")]
    for (one, region, *more), code, said in cases:
        done = run("--image", one, "--mask", region, *more)
        lines = [line for line in done.stderr.splitlines() if line.startswith("hepar: error:")]
        assert done.returncode == code and len(lines) == 1 and said in lines[0], (said, done.returncode, done.stderr)
    # One voxel has a volume, a mean and no texture: null with the reason, never 0.
    done = run("--image", image, "--mask", folder / "one.nii", "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["tag"]: row for row in json.loads(done.stdout)}
    assert rows["morph_vol_approx"]["value"] == 8 and rows["stat_mean"]["value"] == 1, rows
    assert rows["cm_contrast_3D_comb"]["value"] is None and rows["cm_contrast_3D_comb"]["reason"] == "the region is one voxel"
    # A mask of another grid is laid on the image's, and that is said.
    done = run("--image", image, "--mask", folder / "small.nii")
    assert done.returncode == 0 and "another grid" in done.stderr, done.stderr


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    image, mask = scratch / "image.nii", scratch / "mask.nii"
    nifti(image, ROWS)
    nifti(mask, MASK)
    (scratch / "slice.yaml").write_text("by: slice\n")
    (scratch / "volume.yaml").write_text("{}\n")
    found = measure(image, mask, scratch / "slice.yaml")
    found.update(measure(image, mask, scratch / "volume.yaml"))
    compare("digital phantom", found, source / "tests/imaging/ibsi_digital_phantom.csv")
    refusals(scratch, image, mask)
    if "HEPAR_IBSI" not in os.environ:
        print("CT phantom: not looked at, for HEPAR_IBSI names no folder that holds it (CC BY-NC, not part of the sources)")
        sys.exit(0)
    folder = pathlib.Path(os.environ["HEPAR_IBSI"])
    for name, text in CONFIGURATIONS.items():
        table = folder / f"config_{name}_values.csv"
        if not table.exists():
            print(f"configuration {name}: not looked at, {table.name} is not there")
            continue
        (scratch / "config.yaml").write_text(text)
        compare(f"configuration {name}", measure(folder / "ct_phantom_image.nii.gz", folder / "ct_phantom_mask.nii.gz", scratch / "config.yaml"), table)
