# SPDX-License-Identifier: Apache-2.0
"""Law 3 in the middle of a file: the kernel ends a command after a number of bytes of one file (RLIMIT_FSIZE). What had the
name before keeps its bytes, what was new has no name, and the same command without the limit ends as if nothing had happened."""
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import training_run as t  # noqa: E402


def ended_after(limit, *words):
    done = subprocess.run([str(word) for word in (t.PROGRAM, *words)], capture_output=True, text=True,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert done.returncode == -signal.SIGXFSZ, (words, limit, done.returncode, done.stderr)


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
    store = t.make_store(folder)
    run = folder / "run"
    t.trained(store, run)
    an_older_file_stays(folder / "page.html", "report", run, "--store", store, "--out", folder / "page.html")
    an_older_file_stays(folder / "p.csv", "predict", "--run", run, "--store", store, "--out", folder / "p.csv")
    a_new_run_has_no_half_files(folder, store, run)
    a_store_is_the_old_or_the_new(folder, store)
print("cut off in the middle of a file, nothing is half there")
