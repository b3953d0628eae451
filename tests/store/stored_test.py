# SPDX-License-Identifier: Apache-2.0
"""Stores that were written once, one folder a schema version, are read for ever with what they held then: `stored/<version>.json` is
what `hepar inspect` said of the store and of its patients. Never make these files again: a program that cannot read them needs a reader."""
import json
import pathlib
import shutil
import sys
import tempfile

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests" / "store"))
import made_cohort  # noqa: E402
from said_before import differences  # noqa: E402


def inspect(store, *words):
    return json.loads(made_cohort.run(PROGRAM, "inspect", store, "--json", *words).stdout)[0]


def main():
    folder = SOURCE / "tests" / "store" / "stored"
    versions = sorted(path for path in folder.iterdir() if path.is_dir())
    assert versions, "no stored store"
    with tempfile.TemporaryDirectory() as name:
        for version in versions:
            store = pathlib.Path(shutil.copytree(version, pathlib.Path(name) / version.name))
            before = json.loads((folder / f"{version.name}.json").read_text(encoding="utf-8"))
            wrong = differences(before["store"], inspect(store, "--verify"))
            for key, said in before["patients"].items():
                wrong += [f"{key} {line}" for line in differences(said, inspect(store, "--patient", key)["patient"])]
            assert not wrong, f"{version.name}: " + "; ".join(wrong)
            shard = next((store / "features").iterdir())
            content = bytearray(shard.read_bytes())
            content[len(content) // 2] ^= 1
            shard.write_bytes(content)
            done = made_cohort.run(PROGRAM, "inspect", store, "--verify", check=False)
            assert done.returncode == 4 and shard.name in done.stderr, (done.returncode, done.stderr)
    print(f"{len(versions)} stored version{'s' if len(versions) > 1 else ''} read as when written")


main()
