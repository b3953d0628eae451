# SPDX-License-Identifier: Apache-2.0
"""Law 3 for the store: it is whole or absent, damage is named, and running again continues with no more than what changed."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests" / "store"))
import made_cohort  # noqa: E402


def shard(cohort, out, *words, **options):
    return made_cohort.run(PROGRAM, "shard", "--cohort", cohort, "--out", out, *words, **options)


def times(store):
    return {file: file.stat().st_mtime_ns for file in store.rglob("*") if file.is_file()}


def nothing_changed(cohort, store):
    before = times(store)
    done = shard(cohort, store, ranks=2)
    assert "nothing had changed" in done.stdout, done.stdout
    assert times(store) == before, "a finished store was touched"


def corrected_table(cohort, store):
    before = times(store)
    table = cohort.parent / "patients.csv"
    text = table.read_text()
    table.write_text(re.sub(r"(?m)^(P00003,C\d+),\d+", r"\1,77", text))
    done = json.loads(shard(cohort, store, "--json").stdout)
    assert done["extracted"] == 0 and done["shards_written"] == 0 and done["changed"], done
    after = times(store)
    for file in before:
        if file.parent.name == "features":
            assert after[file] == before[file], f"{file} was rewritten for a corrected table"
    assert after[store / "tables.h5"] != before[store / "tables.h5"]
    patient = json.loads(made_cohort.run(PROGRAM, "inspect", store, "--patient", "P00003", "--json").stdout)[0]["patient"]
    assert patient["columns"]["age"]["value"] == "77" and not patient["eligible"] and patient["excluded_by"] == "age", patient
    table.write_text(text)
    shard(cohort, store)


def changed_and_new_files(folder, cohort, store):
    report = cohort.parent / "files" / "P00001.txt"
    text = report.read_text()
    report.write_text(text + " 肝硬化。")
    done = json.loads(shard(cohort, store, "--json", ranks=2).stdout)
    assert done["extracted"] == 1 and done["shards_written"] == 1, done
    report.write_text(text)
    os.utime(report)
    shard(cohort, store)
    shard(cohort, folder / "again")
    assert made_cohort.content(store) == made_cohort.content(folder / "again"), "a store brought up to date differs from a new one"
    with open(cohort.parent / "patients.csv", "a") as table:
        table.write("P00000x,C01,50,7,M0\n")
    done = json.loads(shard(cohort, store, "--json").stdout)
    assert done["extracted"] == 1 and done["patients"] == 61, done
    shutil.rmtree(folder / "again")
    shard(cohort, folder / "again", ranks=2)
    assert made_cohort.content(store) == made_cohort.content(folder / "again"), "a new patient gives other bytes than a new store"


def mended_file_with_retry(cohort, store):
    done = json.loads(shard(cohort, store, "--json", "--retry-failed").stdout)
    failed = {line.split(",")[0] for line in (store / "failures.csv").read_text().splitlines()[1:]}
    assert done["extracted"] == len(failed) > 0, done


def lost_shard_comes_back(cohort, store):
    before = made_cohort.content(store)
    next((store / "features").iterdir()).unlink()
    assert made_cohort.run(PROGRAM, "inspect", store, check=False).returncode == 4
    done = shard(cohort, store, "--dry-run")
    assert "to extract" in done.stdout and not list((store / "features").iterdir()), done.stdout
    shard(cohort, store, ranks=2)
    assert made_cohort.content(store) == before


def stops_when_asked(folder, ranks):
    """A stop signal ends the run between two patients with 75; the same command goes on from there."""
    cohort = folder / "many" / "cohort.yaml"
    if not cohort.exists():
        made_cohort.make(folder / "many", n=1500, tiles=40)
    store = folder / f"stopped-{ranks}"
    command = [PROGRAM, "shard", "--cohort", str(cohort), "--out", str(store)]
    process = subprocess.Popen((["mpirun", "--oversubscribe", "--allow-run-as-root", "-n", str(ranks)] if ranks > 1 else []) + command,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not any((store / "journal" / "segments").glob("*")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGUSR2)
    errors = process.communicate(timeout=120)[1]
    status = json.loads((store / "status.json").read_text())
    assert process.returncode == 75 and status["state"] == "stopped" and status["exit_code"] == 75, (process.returncode, status, errors)
    assert not (store / "store.json").exists()
    done = json.loads(shard(cohort, store, "--json").stdout)
    assert done["reused"] > 0 and done["extracted"] > 0, done
    assert json.loads((store / "status.json").read_text())["generation"] == 2


def other_settings(cohort, store):
    text = cohort.read_text()
    cohort.write_text(text.replace("grid: [8, 8, 4]", "grid: [8, 8, 8]"))
    done = shard(cohort, store, check=False)
    assert done.returncode == 4 and "modalities.ct.grid" in done.stderr and "--fresh" in done.stderr, done.stderr
    done = shard(cohort, store, "--fresh")
    assert (store.parent / (store.name + ".old-1") / "store.json").exists()
    cohort.write_text(text)
    shutil.rmtree(store)
    shard(cohort, store)


KILLER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int seen;
static void count(const char *what) {
  const char *at = getenv("KILL_AT"), *log = getenv("KILL_LOG");
  FILE *f = fopen(log, "a");
  fprintf(f, "%s\n", what);
  fclose(f);
  if (at && ++seen == atoi(at)) kill(getpid(), SIGKILL);
}
int rename(const char *from, const char *to) {
  int (*next)(const char *, const char *) = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
  count(to);
  return next(from, to);
}
int remove(const char *path) {
  int (*next)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT, "remove");
  count(path);
  return next(path);
}
"""


def everything(store):
    """Name -> bytes of all that a finished store holds, less what tells of the run and not of the cohort."""
    told = {"status.json", "summary.json", "attempts.csv"}
    return {str(file.relative_to(store)): made_cohort.sha256(file) for file in sorted(store.rglob("*"))
            if file.is_file() and file.name not in told and file.parent.name != "shards"}


def killed_between_any_two_steps(folder, cohort):
    """Killed before each rename and each removal of a publication: a reader sees the old store or the new one, never a mix,
    and the same command completes it."""
    (folder / "killer.c").write_text(KILLER)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "killer.so", folder / "killer.c", "-ldl"], check=True)
    log = folder / "renamed.txt"

    def run(out, at):
        log.unlink(missing_ok=True)
        environment = {**os.environ, "LD_PRELOAD": str(folder / "killer.so"), "KILL_AT": str(at), "KILL_LOG": str(log)}
        return subprocess.run([PROGRAM, "shard", "--cohort", str(cohort), "--out", str(out)], env=environment, capture_output=True, text=True, timeout=120)

    def hashes(out):
        manifest = json.loads(made_cohort.run(PROGRAM, "inspect", out, "--json").stdout)[0]
        return manifest["features_sha256"], manifest["tables_sha256"]

    old, report = folder / "old", cohort.parent / "files" / "P00001.txt"
    shard(cohort, old)
    text, table = report.read_text(), cohort.parent / "patients.csv"
    rows = table.read_text()
    report.write_text(text + " 肝硬化。")
    table.write_text(re.sub(r"(?m)^(P00003,C\d+),\d+", r"\1,77", rows))
    new = folder / "new"
    shutil.copytree(old, new)
    done = run(new, 0)
    assert done.returncode == 0, done.stderr
    steps = log.read_text().splitlines()
    names = [pathlib.Path(step).name for step in steps]
    assert names.index("store.json") < names.index("tables.h5") < names.index("summary.json"), names
    assert any(name.startswith("shard-") for name in names[names.index("summary.json"):]), "no old shard was removed"
    valid, wanted = {hashes(old), hashes(new)}, everything(new)
    assert len(valid) == 2
    for at in range(1, len(steps) + 1):
        killed = folder / "killed"
        shutil.rmtree(killed, ignore_errors=True)
        shutil.copytree(old, killed)
        assert run(killed, at).returncode == -signal.SIGKILL, steps[at - 1]
        made_cohort.run(PROGRAM, "inspect", killed, "--verify")
        assert hashes(killed) in valid, f"killed before {steps[at - 1]}: neither the old store nor the new one"
        assert (killed / "tables.h5").exists()
        shard(cohort, killed)
        found = everything(killed)
        other = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
        assert not other, f"killed before {steps[at - 1]} and run again: {other} differ"
        assert json.loads((killed / "status.json").read_text())["state"] == "finished"
        assert "nothing had changed" in shard(cohort, killed).stdout
    report.write_text(text)
    table.write_text(rows)


def damage_is_named(folder, store):
    manifest = json.loads((store / "store.json").read_text())
    entry = manifest["shards"][0]
    copy = folder / "damaged"

    def fresh():
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(store, copy)
        return copy / "features" / entry["file"]

    def expect(code, *words, text=()):
        done = made_cohort.run(PROGRAM, *words, check=False)
        assert done.returncode == code, (words, done.returncode, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        for part in text:
            assert part in done.stderr, (part, done.stderr)

    file = fresh()
    bytes_ = bytearray(file.read_bytes())
    bytes_[entry["data_sets"]["/ct/values"] + 1] ^= 1
    file.write_bytes(bytes_)
    expect(4, "inspect", copy, "--verify", text=[entry["file"], "/ct/values"])
    file = fresh()
    file.write_bytes(file.read_bytes()[:-100])
    expect(4, "inspect", copy, text=[entry["file"]])
    fresh().unlink()
    expect(4, "inspect", copy, text=[entry["file"], "missing"])
    fresh()
    (copy / "store.json").write_text((copy / "store.json").read_text().replace("hepar-store/1", "hepar-store/2"))
    expect(4, "inspect", copy, text=["another schema version: hepar-store/2"])
    fresh()
    tables = bytearray((copy / "tables.h5").read_bytes())
    tables[len(tables) // 2] ^= 1
    (copy / "tables.h5").write_bytes(tables)
    expect(4, "inspect", copy, text=["tables.h5"])
    made_cohort.run(PROGRAM, "inspect", store, "--verify")


def full_disk_and_read_only(folder, cohort, reference):
    mount = folder / "mount"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150k", "tmpfs", str(mount)], capture_output=True).returncode != 0:
        print("SKIPPED full disk and read-only folder: no right to mount a tmpfs")
        return
    try:
        for ranks in (1, 2):
            done = shard(cohort, mount / "store", check=False, ranks=ranks)
            assert done.returncode == 74, (done.returncode, done.stderr)
            assert not (mount / "store" / "store.json").exists()
        subprocess.run(["mount", "-o", "remount,size=100m", str(mount)], check=True)
        shard(cohort, mount / "store", ranks=2)
        assert made_cohort.content(mount / "store") == reference, "after a full disk: other bytes"
        subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
        patients = cohort.parent / "patients.csv"
        text = patients.read_text()
        patients.write_text(text.replace("P00004,C01,44", "P00004,C01,45"))
        done = shard(cohort, mount / "store", check=False)
        patients.write_text(text)
        assert done.returncode == 74 and "read-only" in done.stderr.lower(), (done.returncode, done.stderr)
        made_cohort.run(PROGRAM, "inspect", mount / "store", "--verify")
    finally:
        subprocess.run(["umount", str(mount)], check=False)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        cohort = made_cohort.make(folder / "cohort", n=60)
        store = folder / "store"
        shard(cohort, store, ranks=2)
        status = json.loads((store / "status.json").read_text())
        assert status["state"] == "finished" and status["exit_code"] == 0 and status["generation"] == 1, status
        nothing_changed(cohort, store)
        corrected_table(cohort, store)
        changed_and_new_files(folder, cohort, store)
        mended_file_with_retry(cohort, store)
        lost_shard_comes_back(cohort, store)
        stops_when_asked(folder, 1)
        stops_when_asked(folder, 2)
        other_settings(cohort, store)
        damage_is_named(folder, store)
        killed_between_any_two_steps(folder, made_cohort.make(folder / "small", n=8))
        full_disk_and_read_only(folder, cohort, made_cohort.content(store))
    print("a store is whole or absent, its damage is named, and a run takes in only what changed")


main()
