# SPDX-License-Identifier: Apache-2.0
"""Law 5 at training: only what is known at predict_at enters, and what is left out is said."""
import pathlib
import re
import sys
import tempfile

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import training_run as t  # noqa: E402

SHORT = ["--set", "train.epochs=1"]


def later_facts(cohort):
    """Other microvascular invasion, other tiles, other report: all known after surgery."""
    table = cohort / "patients.csv"
    table.write_text(re.sub(r"M1$", "M2", table.read_text(), flags=re.M).replace("M1\r\n", "M2\r\n"))
    for slide in (cohort / "files").glob("*.h5"):
        try:
            with h5py.File(slide, "r+") as file:
                file["features"][...] = -file["features"][...]
        except OSError:
            pass  # one of the broken ones
    for report in (cohort / "files").glob("*.txt"):
        report.write_text("切缘阳性。MVI: M2. " + report.read_text())


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    (folder / "b").mkdir()
    store, changed = t.make_store(folder), t.make_store(folder / "b", change=later_facts)
    hashes = {}
    for moment in ("pre_op", "post_op"):
        hashes[moment] = [t.trained(s, folder / f"{moment}-{i}", *SHORT, "--set", f"predict_at={moment}") for i, s in enumerate((store, changed))]
    before, after = hashes["pre_op"]
    assert before["parameters_sha256"] == after["parameters_sha256"], "what is known after surgery moved a model of before it"
    assert before["inputs"] == ["clinical", "ct"] and before["columns"] == ["age", "afp"], before["inputs"]
    for name in ("mvi", "slide", "report"):
        assert any(line.startswith(name) for line in before["left_out"]), f"{name} was left out in silence: {before['left_out']}"
    one, other = hashes["post_op"]
    assert one["parameters_sha256"] != other["parameters_sha256"], "the changed slides do not reach a model of after surgery"
    for name in ("slide", "mvi"):
        done = t.train(store, folder / "asked", "--set", "predict_at=pre_op", "--set", f"modalities=[{name}]", check=False)
        assert done.returncode == 2 and name in done.stderr, (done.returncode, done.stderr)
    print("predict_at: held")
