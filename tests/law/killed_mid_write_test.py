# SPDX-License-Identifier: Apache-2.0
"""Law 3 in the middle of a file: a command is killed after a number of bytes of one file. What had the name before keeps its
bytes, what was new has no name, and the same command, undisturbed, ends as if nothing had happened."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import training_run as t  # noqa: E402


# Writes of a file up to KILL_BYTES; whoever would write beyond them is killed there.
KILLER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
typedef ssize_t (*at_offset)(int, const void *, size_t, off_t);
static void kill_beyond(int file, const void *bytes, size_t count, off_t at) {
  const off_t most = atoll(getenv("KILL_BYTES"));
  struct stat what;
  if (at < 0 || at + (off_t)count <= most || fstat(file, &what) != 0 || !S_ISREG(what.st_mode)) return;
  if (at < most) ((at_offset)dlsym(RTLD_NEXT, "pwrite"))(file, bytes, most - at, at);
  kill(getpid(), SIGKILL);
}
ssize_t write(int file, const void *bytes, size_t count) {
  kill_beyond(file, bytes, count, lseek(file, 0, SEEK_CUR));
  return ((ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write"))(file, bytes, count);
}
ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
  kill_beyond(file, bytes, count, at);
  return ((at_offset)dlsym(RTLD_NEXT, "pwrite"))(file, bytes, count, at);
}
ssize_t pwrite64(int file, const void *bytes, size_t count, off_t at) { return pwrite(file, bytes, count, at); }
"""


def killer(folder):
    (folder / "killer.c").write_text(KILLER)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "killer.so", folder / "killer.c", "-ldl"], check=True)
    return folder / "killer.so"


def ended_after(limit, *words):
    environment = {**os.environ, "LD_PRELOAD": str(KILLS), "KILL_BYTES": str(limit)}
    done = subprocess.run([str(word) for word in (t.PROGRAM, *words)], capture_output=True, text=True, env=environment)
    assert done.returncode == -signal.SIGKILL, (words, limit, done.returncode, done.stderr)


def an_older_file_stays(out, *words):
    """The command replaces its output: the reader has the old one or the new one."""
    t.made_cohort.run(t.PROGRAM, *words)
    before = out.read_bytes()
    marked = before + b"\nan older one\n"
    out.write_bytes(marked)
    for share in (0.1, 0.9):
        ended_after(int(share * len(before)), *words)
        assert out.read_bytes() == marked, f"{words[0]}, cut off at {share}: the older file is gone"
    t.made_cohort.run(t.PROGRAM, *words)
    assert out.read_bytes() == before


def a_new_run_has_no_half_files(folder, store, reference):
    whole = (reference / "model.safetensors").read_bytes()
    out = folder / "cut"
    ended_after(len(whole) // 2, *t.words(store, out))
    assert not (out / "model.safetensors").exists() and not (out / "model.json").exists()
    assert all(".tmp." in path.name for path in (out / "checkpoints").iterdir()), "a half checkpoint has a name"
    t.trained(store, out)
    assert (out / "model.safetensors").read_bytes() == whole


def a_store_is_the_old_or_the_new(folder, store):
    cohort = folder / "cohort" / "cohort.yaml"
    tables = store / "tables.h5"
    before = t.made_cohort.content(store)
    follow_up = folder / "cohort" / "follow_up.csv"
    follow_up.write_text(follow_up.read_text().replace(",900\n", ",950\n").replace(",900\r\n", ",950\r\n"))
    ended_after(tables.stat().st_size // 2, "shard", "--cohort", cohort, "--out", store)
    t.made_cohort.run(t.PROGRAM, "inspect", store, "--verify")
    assert t.made_cohort.content(store) == before, "half of the new tables took the place of the old"
    t.made_cohort.run(t.PROGRAM, "shard", "--cohort", cohort, "--out", store)
    t.made_cohort.run(t.PROGRAM, "inspect", store, "--verify")
    assert t.made_cohort.content(store) != before


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    KILLS = killer(folder)
    store = t.make_store(folder)
    run = folder / "run"
    t.trained(store, run)
    an_older_file_stays(folder / "page.html", "report", run, "--store", store, "--out", folder / "page.html")
    an_older_file_stays(folder / "p.csv", "predict", "--run", run, "--store", store, "--out", folder / "p.csv")
    a_new_run_has_no_half_files(folder, store, run)
    a_store_is_the_old_or_the_new(folder, store)
print("cut off in the middle of a file, nothing is half there")
