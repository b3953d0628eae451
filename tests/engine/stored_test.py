# SPDX-License-Identifier: Apache-2.0
"""Runs that were trained once, one folder a schema version, predict for ever what they predicted then: `stored/<version>.json` is what
`hepar inspect` said of the run, `stored/<version>.csv` what `hepar predict` wrote for the stored store of tests/store. Never make these
files again: a program that cannot read them needs a reader."""
import csv
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
STORED, STORE = SOURCE / "tests" / "engine" / "stored", SOURCE / "tests" / "store" / "stored" / "hepar-store-1"
sys.path.insert(0, str(SOURCE / "tests" / "store"))
from said_before import differences  # noqa: E402

NEAR = 1e-4  # another compiler or BLAS sums in another order


def run(*words):
    return subprocess.run([PROGRAM, *map(str, words)], check=True, capture_output=True, text=True, timeout=300).stdout


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def differs(before, now):
    a, b = number(before), number(now)
    return before != now if a is None or b is None else not abs(a - b) <= NEAR  # NaN differs


versions = sorted(path for path in STORED.iterdir() if path.is_dir())
assert versions, "no stored run"
for version in versions:
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        shutil.copytree(version, work / "run")
        shutil.copytree(STORE, work / "store")
        before = json.loads((STORED / f"{version.name}.json").read_text(encoding="utf-8"))
        now = json.loads(run("inspect", work / "run", "--verify", "--json"))[0]
        wrong = differences(before, {**now, "path": before["path"]})
        run("predict", "--run", work / "run", "--store", work / "store", "--out", work / "now.csv")
        before, now = rows(STORED / f"{version.name}.csv"), rows(work / "now.csv")
        wrong += [] if len(before) == len(now) else [f"{len(now)} rows, were {len(before)}"]
        wrong += [f"row {at} {key}: {new.get(key)}, was {value}" for at, (old, new) in enumerate(zip(before, now), 1) for key, value in old.items() if differs(value, new.get(key, ""))]
        assert not wrong, f"{version.name}: " + "; ".join(wrong[:10])
print(f"{len(versions)} stored version{'s' if len(versions) > 1 else ''} read as when written")
