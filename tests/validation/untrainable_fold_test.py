# SPDX-License-Identifier: Apache-2.0
"""A fold whose training part has no event is listed with the reason, and the other folds go on."""
import json
import pathlib
import sys
import tempfile

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests" / "store"))
import made_cohort  # noqa: E402

COHORT = """schema: hepar-cohort/1
patients: patients.csv
follow_up: follow_up.csv
columns:
  age: {type: number, unit: years, range: [0, 120], known: pre_op}
modalities:
  clinical: {kind: vector, columns: [age]}
endpoints:
  os: {events: [death], horizon_months: 60}
"""
SMALL = ["train.steps=2", "model.embedding=8", "model.fusion.width=8", "model.vector.hidden=8", "validation.min_events=1", "validation.inner.share=0.5"]


def make(folder):
    """Centre A has the events; centre B has one, which the inner split may take away from training."""
    people = [(f"P{i:02d}", "A" if i < 20 else "B", 40 + 7 * i % 31, 100 + 20 * i if i < 20 and i % 2 else 300 if i == 25 else None) for i in range(34)]
    (folder / "patients.csv").write_text("patient_id,centre,age\n" + "".join(f"{key},{centre},{age}\n" for key, centre, age, _ in people))
    (folder / "follow_up.csv").write_text("patient_id,recurrence_day,death_day,last_contact_day\n" + "".join(f"{key},,{death or ''},{death or 1000}\n" for key, _, _, death in people))
    (folder / "cohort.yaml").write_text(COHORT)
    made_cohort.run(PROGRAM, "shard", "--cohort", folder / "cohort.yaml", "--out", folder / "store")


def validate(folder, seed, ranks):
    out = folder / f"validation-{seed}-{ranks}"
    words = [word for setting in [*SMALL, f"seed={seed}"] for word in ("--set", setting)]
    done = made_cohort.run(PROGRAM, "validate", "--store", folder / "store", "--out", out, *words, ranks=ranks)
    return done, json.loads((out / "validation.json").read_text()), out


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    make(folder)
    for seed in range(1, 30):
        done, results, out = validate(folder, seed, 1)
        why = json.loads((out / "folds" / "A" / "fold.json").read_text())["not_trained"]
        if why:
            break
    assert "none of" in why and "has an event" in why, why
    for ranks in (1, 2, 3):
        done, results, out = validate(folder, seed, ranks)
        a, b = sorted(results["folds"], key=lambda fold: fold["name"])
        assert "has an event" in a["metrics"]["os.harrell_c"]["not_estimable"] and a["parameters_sha256"] == "", a
        assert set(a["metrics"]) == set(b["metrics"]), set(a["metrics"]) ^ set(b["metrics"])
        assert all(estimate["not_estimable"] == why for estimate in a["metrics"].values()) and a["events"]["os"] == a["metrics"]["os.harrell_c"]["events"] > 0, a
        assert 0 <= b["metrics"]["os.harrell_c"]["value"] <= 1, b["metrics"]["os.harrell_c"]
        assert {"fold": "A", "name": "os", "why": why} in results["not_estimable"]
        assert results["audit"]["passed"]
        rows = (out / "predictions.csv").read_text().splitlines()
        assert len(rows) == 1 + 14 and all(",B,B," in row for row in rows[1:]), rows[:3]
        before = (out / "validation.json").read_bytes()
        assert validate(folder, seed, ranks)[1] and (out / "validation.json").read_bytes() == before, "a finished validation was made again"
    assert made_cohort.run(PROGRAM, "report", out, "--out", folder / "report.html").returncode == 0
    print("a fold that cannot be trained is listed; the others go on")
