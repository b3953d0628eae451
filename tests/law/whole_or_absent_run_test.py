# SPDX-License-Identifier: Apache-2.0
"""Law 3 for runs: a disk that fills up or is read-only ends train and validate with 74 and one line; nothing already written
is lost, and the same command ends in the same bits once there is room."""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import training_run as t  # noqa: E402

VALIDATE = ["--set", "validation.min_events=1", "--set", "train.epochs=1"]


class Disk:
    """A tmpfs whose size and rights change."""

    def __init__(self, folder):
        self.path = folder
        self.path.mkdir(exist_ok=True)

    def mount(self, kib):
        return subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(self.path)], capture_output=True).returncode == 0

    def change(self, options):
        subprocess.run(["mount", "-o", "remount," + options, str(self.path)], check=True)

    def unmount(self):
        subprocess.run(["umount", str(self.path)], check=True)


def kib_of(folder):
    return sum(-(-p.stat().st_size // 4096) * 4 for p in folder.rglob("*") if p.is_file())


def one_clear_error(done, words, what):
    errors = [line for line in done.stderr.splitlines() if line.startswith("hepar: error:")]
    assert done.returncode == 74 and len(errors) == 1, (what, done.returncode, done.stderr)
    assert any(word in errors[0].lower() for word in words), (what, errors)


def run(command, store, out, *more, ranks=1):
    words = t.words(store, out, *more, config=store.parent / "experiment.yaml")
    return t.made_cohort.run(t.PROGRAM, command, *words[1:], ranks=ranks, check=False)


def newest_checkpoint(out):
    steps = [int(p.name[5:]) for p in (out / "checkpoints").glob("step-*") if (p / "state.json").exists()] if (out / "checkpoints").exists() else []
    return max(steps, default=0)


def training(disk, store, expected, size):
    reached = set()
    for share, ranks in ((0.05, 1), (0.6, 2), (0.95, 1)):
        assert disk.mount(max(8, int(size * share)))
        out = disk.path / "run"
        one_clear_error(run("train", store, out, ranks=ranks), ["full", "space"], f"train, {share} of the room, {ranks} ranks")
        kept = newest_checkpoint(out)
        reached.add(kept)
        assert not (out / "model.json").exists()
        status = out / "status.json"
        assert not status.exists() or json.loads(status.read_text())["state"] in ("running", "failed"), status.read_text()
        one_clear_error(run("train", store, out, ranks=ranks), ["full", "space"], "and again")
        assert newest_checkpoint(out) >= kept, "a full disk cost a checkpoint"
        disk.change(f"size={20 * size}k")
        done = run("train", store, out, ranks=3 - ranks)
        assert done.returncode == 0, done.stderr
        assert t.run_json(out)["parameters_sha256"] == expected, f"after a full disk at {share}: other bits"
        disk.unmount()
    assert max(reached) > 0, "no checkpoint was ever written before the disk was full: nothing was shown"
    assert disk.mount(20 * size)
    out = disk.path / "run"
    disk.change("ro")
    one_clear_error(run("train", store, out), ["read-only"], "train on a read-only disk")
    disk.change("rw")
    assert run("train", store, out).returncode == 0
    disk.change("ro")
    assert run("train", store, out, ranks=2).returncode == 0, "a finished run needs no right to write"
    disk.unmount()


def validation(disk, store, reference, size):
    expected = {fold["name"]: fold["parameters_sha256"] for fold in json.loads((reference / "validation.json").read_text())["folds"]}
    for share, ranks in ((0.1, 1), (0.7, 2)):
        assert disk.mount(max(8, int(size * share)))
        out = disk.path / "validation"
        one_clear_error(run("validate", store, out, *VALIDATE, ranks=ranks), ["full", "space"], f"validate, {share} of the room")
        assert not (out / "validation.json").exists() and not (out / "run.json").exists()
        done = {p.parent.name: p.read_bytes() for p in out.glob("folds/*/fold.json")}
        disk.change(f"size={20 * size}k")
        again = run("validate", store, out, *VALIDATE)
        assert again.returncode == 0, again.stderr
        found = {fold["name"]: fold["parameters_sha256"] for fold in json.loads((out / "validation.json").read_text())["folds"]}
        assert found == expected, f"after a full disk at {share}: other models"
        assert (out / "predictions.csv").read_bytes() == (reference / "predictions.csv").read_bytes(), "other predictions"
        for name, content in done.items():
            assert (out / "folds" / name / "fold.json").read_bytes() == content, f"the finished fold {name} was made again"
        if share == 0.7:
            disk.change("ro")
            assert run("validate", store, out, *VALIDATE).returncode == 0, "a finished validation needs no right to write"
        disk.unmount()
    assert disk.mount(20 * size)
    disk.change("ro")
    one_clear_error(run("validate", store, disk.path / "validation", *VALIDATE), ["read-only"], "validate on a read-only disk")
    disk.unmount()


def main():
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        disk = Disk(folder / "disk")
        if not disk.mount(64):
            print("skipped: no right to mount a tmpfs")
            sys.exit(77)
        disk.unmount()
        store = t.make_store(folder)
        expected = t.trained(store, folder / "run")["parameters_sha256"]
        try:
            training(disk, store, expected, kib_of(folder / "run"))
            done = run("validate", store, folder / "validation", *VALIDATE)
            assert done.returncode == 0, done.stderr
            validation(disk, store, folder / "validation", kib_of(folder / "validation"))
        finally:
            subprocess.run(["umount", str(disk.path)], capture_output=True)
    print("a full or read-only disk costs nothing that was written")


main()
