# SPDX-License-Identifier: Apache-2.0
"""Where law 2 ends: native mode repeats itself at one number of ranks only; another machine is refused or said; a BLAS that
computes wrongly is refused; --explain says where every value came from."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import training_run as t  # noqa: E402

LIBRARIES = pathlib.Path("/usr/lib/x86_64-linux-gnu")
SERIAL = LIBRARIES / "openblas-serial"
REFERENCE = LIBRARIES / "blas"


def native_repeats_itself(folder, store):
    hashes = {}
    for ranks in (1, 2):
        for attempt in ("a", "b"):
            record = t.trained(store, folder / f"native-{ranks}{attempt}", "--set", "mode=native", ranks=ranks)
            assert record["mode"] == "native" and record["reproducible"] is False, record
            hashes.setdefault(ranks, set()).add(record["parameters_sha256"])
    assert all(len(found) == 1 for found in hashes.values()), f"native mode does not repeat itself: {hashes}"
    reproducible = t.trained(store, folder / "reproducible", ranks=2)
    last = {name: json.loads((folder / name / "events.jsonl").read_text().splitlines()[-1])["loss"] for name in ("native-2a", "reproducible")}
    assert abs(last["native-2a"] - last["reproducible"]) < 0.25 * abs(last["reproducible"]), f"the modes learn differently: {last}"


def another_machine(folder, store):
    """The newest checkpoint says that another processor made it."""
    finished = folder / "here"
    expected = t.trained(store, finished)["parameters_sha256"]

    def moved(name):
        run = folder / name
        shutil.copytree(finished, run)
        for file in ("run.json", "model.safetensors", "model.json"):
            (run / file).unlink()
        newest, before = sorted((run / "checkpoints").iterdir(), key=lambda p: int(p.name[5:]))[-1:-3:-1]
        shutil.rmtree(newest)  # something is left to compute
        state = before / "state.json"
        text = re.sub(r"cpu [^;]*;", "cpu A Processor of Another Kind;", state.read_text())
        compact = re.sub(r',"content_sha256":"[0-9a-f]+"}$', "}", "".join(re.findall(r'"(?:[^"\\]|\\.)*"|[^\s"]+', text)))  # as it is hashed
        state.write_text(compact[:-1] + f',"content_sha256":"{hashlib.sha256(compact.encode()).hexdigest()}"}}')
        return run, before.name[5:]

    run, before_step = moved("moved")
    done = t.train(store, run, check=False)
    assert "passed over" not in done.stderr, f"the planted state is no checkpoint: {done.stderr}"
    assert done.returncode == 4 and "Another Kind" in done.stderr and "--accept-other-machine" in done.stderr, (done.returncode, done.stderr)
    assert not (run / "model.safetensors").exists()
    record = t.trained(store, run, "--accept-other-machine", ranks=2)
    assert record["reproducible"] is False, "a run of two machines calls itself reproducible"
    assert record["parameters_sha256"] == expected, "it was the same machine after all"
    assert record["reproducible_until_step"] == int(before_step) > 0, record
    last = sorted((run / "checkpoints").iterdir(), key=lambda p: int(p.name[5:]))[-1]
    assert json.loads((last / "state.json").read_text())["reproducible_until"] == int(before_step), "a later resume would forget it"
    for file in ("run.json", "model.safetensors", "model.json"):
        (run / file).unlink()
    assert t.trained(store, run)["reproducible"] is False, "resumed on this machine, the run forgot that two had computed it"
    assert t.run_json(finished)["reproducible"] is True and t.run_json(finished)["reproducible_until_step"] is None


def explained(folder, store):
    experiment = folder / "two_lines.yaml"
    experiment.write_text("schema: hepar-experiment/1\ntrain: {epochs: 12}\n")
    done = t.made_cohort.run(t.PROGRAM, "train", "--store", store, "--config", experiment, "--set", "seed=9", "--out", folder / "nothing", "--explain")
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert re.search(r"\b12\b.*two_lines.yaml:2$", lines["train.epochs"]), lines["train.epochs"]
    assert re.search(r"\b9\b.*--set$", lines["seed"]), lines["seed"]
    assert lines["train.clip_norm"].split()[1:] == ["1", "default"], lines["train.clip_norm"]
    assert "command" in lines["store"] and not (folder / "nothing").exists()


def serial_blas(folder, store):
    if not (SERIAL / "libblas.so.3").exists():
        print("SKIPPED the serial OpenBLAS: libopenblas0-serial is not installed")
        return
    environment = dict(os.environ, LD_LIBRARY_PATH=str(SERIAL))
    command = [str(word) for word in (t.PROGRAM, *t.words(store, folder / "serial"))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "serial OpenBLAS" in done.stderr and "libopenblas0-pthread" in done.stderr, (done.returncode, done.stderr)
    doctor = subprocess.run([t.PROGRAM, "doctor", "--json"], env=environment, capture_output=True, text=True, timeout=120)
    assert {c["check"]: c["state"] for c in json.loads(doctor.stdout)}["BLAS"] == "FAIL" and doctor.returncode == 2
    done = subprocess.run(command + ["--set", "resources.slots_at_once=1"], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def reference_blas(folder, store):
    """Slow, not wrong: it is used, and said."""
    if not (REFERENCE / "libblas.so.3").exists():
        print("SKIPPED the reference BLAS: libblas3 is not installed")
        return
    environment = dict(os.environ, LD_LIBRARY_PATH=str(REFERENCE))
    doctor = subprocess.run([t.PROGRAM, "doctor", "--json"], env=environment, capture_output=True, text=True, timeout=120)
    found = {c["check"]: c for c in json.loads(doctor.stdout)}["BLAS"]
    assert found["state"] == "WARN" and "libopenblas0-pthread" in found["fix"] and doctor.returncode == 0, found
    command = [str(word) for word in (t.PROGRAM, *t.words(store, folder / "reference")) if word != "--quiet"]
    done = subprocess.run([*command, "--set", "train.epochs=0", "--set", "train.steps=2"], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and done.stderr.count("the reference BLAS answers") == 1, (done.returncode, done.stderr)


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    store = t.make_store(folder)
    native_repeats_itself(folder, store)
    another_machine(folder, store)
    explained(folder, store)
    serial_blas(folder, store)
    reference_blas(folder, store)
    print("native mode, another machine, --explain, the serial and the reference BLAS: as promised")
