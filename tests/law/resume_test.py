# SPDX-License-Identifier: Apache-2.0
"""Run again = continue: what a run accepts, refuses and keeps; a damaged checkpoint is passed over."""
import hashlib
import pathlib
import re
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import training_run as t  # noqa: E402


def refused(done, code, pattern):
    assert done.returncode == code, (done.returncode, done.stderr)
    assert re.search(pattern, done.stderr), done.stderr


def files(out):
    return {str(p.relative_to(out)): p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()}


def sha256_of_parameters(out):
    """As CONTRACTS.md defines it, read by hand from the safetensors file."""
    import json
    import struct
    data = (out / "model.safetensors").read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8:8 + length]), data[8 + length:]
    digest, end = hashlib.sha256(), 0
    for name in header:
        begin, stop = header[name]["data_offsets"]
        assert begin == end and (8 + length) % 8 == 0, "holes or misaligned data"
        end = stop
    assert end == len(body)
    for name in sorted(header, key=lambda n: n.encode()):
        entry = header[name]
        sizes = ",".join(str(n) for n in entry["shape"])
        digest.update(f"{name}\n{entry['dtype']}\n{sizes}\n".encode() + body[slice(*entry["data_offsets"])])
    return digest.hexdigest()


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    store = t.make_store(folder)
    out = folder / "run"
    expected = t.trained(store, out)["parameters_sha256"]
    assert sha256_of_parameters(out) == expected

    before = files(out)
    assert t.train(store, out, ranks=2).returncode == 0
    assert files(out) == before, "a finished run was touched"
    refused(t.train(store, out, "--set", "train.learning_rate=0.01", check=False), 4, r"train\.learning_rate was 0\.001 and is 0\.01")
    refused(t.train(store, out, "--set", "seed=2", ranks=2, check=False), 4, r"seed was 11 and is 2")
    assert t.train(store, out, "--set", "resources.slots_at_once=1", "--set", "train.checkpoint_every=5min").returncode == 0
    assert files(out) == before, "a refused or accepted repetition changed the run"
    (folder / "other").mkdir()
    other = t.make_store(folder / "other", patients=60)
    refused(t.train(other, out, check=False), 4, r"features_sha256 differs")
    refused(t.train(store, folder / "nowhere", "--resume", check=False), 2, r"no run to resume")
    (folder / "full").mkdir()
    (folder / "full" / "letter.txt").write_text("not ours")
    refused(t.train(store, folder / "full", check=False), 2, r"neither empty nor a run")
    assert [p.name for p in (folder / "full").iterdir()] == ["letter.txt"]

    # The newest checkpoint damaged by one byte: the one before continues, to the same bits.
    def unfinished():
        run = folder / "damaged"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(out, run)
        for name in ("run.json", "model.safetensors", "model.json"):
            (run / name).unlink()
        return run, sorted((run / "checkpoints").iterdir(), key=lambda p: int(p.name[5:]))[-1]

    for name in ("state.safetensors", "state.json"):
        run, newest = unfinished()
        data = bytearray((newest / name).read_bytes())
        at = len(data) // 2 if name == "state.safetensors" else data.index(b'"exponents"') + 20
        data[at] ^= 1
        (newest / name).write_bytes(data)
        command = [w for w in t.words(store, run) if w != "--quiet"]
        done = t.made_cohort.run(t.PROGRAM, *command)
        assert f"{newest.name} is passed over" in done.stderr, done.stderr
        assert t.run_json(run)["parameters_sha256"] == expected, f"after damage to {name}"

    assert t.trained(store, out, "--fresh", "--set", "seed=2")["parameters_sha256"] != expected
    assert t.run_json(folder / "run.old-1")["parameters_sha256"] == expected, "--fresh lost the old run"
    print("resume: as promised")
