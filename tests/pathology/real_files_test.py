# SPDX-License-Identifier: Apache-2.0
"""Real slides and feature files: HEPAR_REAL names a folder with expected.csv (path, expect, ...) and the files. Each loads or
is refused as its row says, with one reason. Without HEPAR_REAL there is nothing to compare with."""
import csv
import json
import os
import pathlib
import subprocess
import sys

program, real = sys.argv[1], os.environ.get("HEPAR_REAL", "")
if not real:
    print("skipped: HEPAR_REAL does not name the folder of real files")
    sys.exit(0)
real = pathlib.Path(real)


def inspect(path, *options):
    done = subprocess.run([program, "inspect", str(path), "--json", *options], capture_output=True, text=True, timeout=300)
    found = json.loads(done.stdout)
    assert len(found) == 1, done.stdout
    assert done.returncode == (0 if found[0]["readable"] else 3), (done.returncode, done.stderr)
    errors = [line for line in done.stderr.splitlines() if line.startswith("hepar: error:")]
    assert len(errors) == (0 if found[0]["readable"] else 1), done.stderr
    return found[0]


def table(path, key="path"):
    with open(path, newline="", encoding="utf-8") as handle:
        return {row[key]: row for row in csv.DictReader(handle)}


def numbers(text):
    return [float(part) for part in text.split("x")]


checked = 0
rows = table(real / "expected.csv")
slides = table(real / "wsi/expected_slides.csv")
for path, row in rows.items():
    if not path.startswith("wsi/"):
        continue
    found = inspect(real / path)
    checked += 1
    if row["expect"] == "refused":
        assert not found["readable"] and found["reason"], path
    if row["expect"] == "loads":
        assert found["readable"], (path, found["reason"])
    if not found["readable"]:
        continue
    expected = slides[path]
    assert found["levels"] == int(expected["levels"]), path
    assert found["size"] == numbers(expected["level_dims"].split()[0]), path
    assert found["vendor"] == expected["vendor"], path
    if expected["mpp_x"] and float(expected["mpp_x"]) < 2.5:
        assert abs(found["um_per_pixel"][0] - float(expected["mpp_x"])) < 1e-4, path
    codes = {note["code"] for note in found["notes"]}
    if not expected["mpp_x"]:
        assert not found["usable"] and "no_scale" in codes, path
        assert inspect(real / path, "--um-per-pixel", "0.5")["usable"], path
    elif float(expected["mpp_x"]) >= 2.5:
        assert not found["usable"] and "odd_scale" in codes and "bad_level" in codes, path

for path, expected in table(real / "features/expected_coords.csv").items():
    found = inspect(real / path)
    checked += 1
    assert found["readable"] and found["tiles"] == int(expected["rows"]), path
assert checked >= 10, checked
print(f"{checked} real files as expected")
