# SPDX-License-Identifier: Apache-2.0
"""Laws 1 to 4 for the store: the same bytes on any number of ranks, killed or not; every patient once; nothing silent."""
import csv
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests" / "store"))
import made_cohort  # noqa: E402


def shards_of(store):
    manifest = json.loads((store / "store.json").read_text())
    return manifest, [store / "features" / shard["file"] for shard in manifest["shards"]]


def same_bytes_on_any_rank_count(folder, cohort):
    for ranks in (1, 2, 3):
        made_cohort.run(PROGRAM, "shard", "--cohort", cohort, "--out", folder / f"ranks-{ranks}", ranks=ranks)
    one = made_cohort.content(folder / "ranks-1")
    for ranks in (2, 3):
        assert made_cohort.content(folder / f"ranks-{ranks}") == one, f"{ranks} ranks give other bytes than 1"
    manifests = [json.loads((folder / f"ranks-{ranks}" / "store.json").read_text()) for ranks in (1, 2, 3)]
    assert manifests[0] == manifests[1] == manifests[2]


def everything_is_there_once(store, cohort):
    manifest, shards = shards_of(store)
    with open(cohort.parent / "patients.csv") as table:
        expected = sorted(row["patient_id"] for row in csv.DictReader(table))
    slides = {row["patient_id"]: row["path"] for row in csv.DictReader(open(cohort.parent / "slides.csv"))}
    seen, reasons = [], manifest["reasons"]
    counted = {(row["patient_id"], row["modality"]): row["reason"] for row in csv.DictReader(open(store / "failures.csv"))}
    for shard in shards:
        with h5py.File(shard) as file:
            keys = [key.decode() for key in file["patient/id"][:]]
            seen += keys
            for name in ("ct", "slide", "report"):
                offsets, present, reason = (file[f"{name}/{part}"][:] for part in ("offsets", "present", "reason"))
                assert offsets[0] == 0 and offsets[-1] == len(file[f"{name}/values"])
                for i, key in enumerate(keys):
                    assert present[i] == (offsets[i + 1] > offsets[i]) == (reasons[reason[i]] == "present")
                    why = reasons[reason[i]]
                    assert why in ("present", "not_recorded") or counted[key, name] == why, f"{key} {name}: {why} is not counted"
            values = file["slide/values"]
            assert values.dtype == np.dtype("<f2") and values.chunks is None and values.id.get_offset() % 4096 == 0
            assert file["slide/values"].id.get_offset() == next(s for s in manifest["shards"] if s["file"] == shard.name)["data_sets"]["/slide/values"]
            offsets = file["slide/offsets"][:]
            for i, key in enumerate(keys):
                if offsets[i] == offsets[i + 1]:
                    continue
                with h5py.File(cohort.parent / slides[key]) as source:
                    assert np.array_equal(values[offsets[i]:offsets[i + 1]], source["features"][:].astype("<f2")), f"{key}: tile features differ"
                    assert np.array_equal(file["slide/coords"][offsets[i]:offsets[i + 1], 1:], source["coords"][:]), f"{key}: coordinates differ"
    assert seen == expected, "patients of the shards are not those of the cohort, once each, in order"
    assert {why for why in counted.values()} >= {"missing_file"}, counted
    assert sum(name == "slide" for _, name in counted) == sum(1 for i in range(len(expected)) if i % 7 == 6 and i % 5 != 4)
    with h5py.File(store / "tables.h5") as tables:
        assert [key.decode() for key in tables["patient/key"][:]] == expected
        afp = tables["columns/afp/value"][:]
        state = tables["columns/afp/state"][:]
        assert afp[0] == 60500 and state[0] == 3 and afp[1] == 6 and state[1] == 0
    flow = json.loads((store / "flow.json").read_text())
    assert sum(flow["patients"].values()) == len(expected)


def ranks_of(session):
    found = []
    for process in pathlib.Path("/proc").iterdir():
        try:
            if process.name.isdigit() and os.getsid(int(process.name)) == session and (process / "comm").read_text().startswith("hepar"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def journal_bytes(store):
    try:
        return sum(path.stat().st_size for path in (store / "journal" / "segments").iterdir())
    except OSError:
        return 0


def killed_and_run_again(folder, cohort, reference):
    reused = []
    whole = sum(path.stat().st_size for path in (folder / "ranks-1" / "features").iterdir())
    for share in (0.0, 0.2, 0.6):  # of what extraction will write: the kill follows the work, not the clock
        store = folder / "killed"
        shutil.rmtree(store, ignore_errors=True)
        process = subprocess.Popen(["mpirun", "--oversubscribe", "--allow-run-as-root", "-n", "2", PROGRAM, "shard", "--cohort", str(cohort), "--out", str(store)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        ranks = []
        while process.poll() is None and len(ranks) < 2:  # known before the work starts, so that the kill is at once
            ranks = ranks_of(process.pid)
        while process.poll() is None and journal_bytes(store) <= share * whole:
            pass
        for rank in ranks:  # every rank of this job, as a node's power cut would
            try:
                os.kill(rank, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait(60)
        if (store / "store.json").exists():  # it was quicker than the kill: the store must be whole
            made_cohort.run(PROGRAM, "inspect", store, "--verify")
        reused.append(json.loads(made_cohort.run(PROGRAM, "shard", "--cohort", cohort, "--out", store, "--json", ranks=3).stdout)["reused"])
        assert made_cohort.content(store) == reference, f"killed at {share:.0%} and run again: other bytes"
        assert not list((store / "journal" / "segments").iterdir()), "segments are left behind"
    assert any(0 < n < 2600 for n in reused), f"no kill came in the middle of extraction: {reused} were reused"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        cohort = made_cohort.make(folder / "cohort", n=2600, tiles=12)
        same_bytes_on_any_rank_count(folder, cohort)
        assert len(shards_of(folder / "ranks-1")[1]) >= 2, "one shard says nothing about the sharing of shards"
        everything_is_there_once(folder / "ranks-2", cohort)
        killed_and_run_again(folder, cohort, made_cohort.content(folder / "ranks-1"))
    print("the store is the same bytes on 1, 2 and 3 ranks and after a kill; every patient is in it once")


main()
