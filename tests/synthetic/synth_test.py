# SPDX-License-Identifier: Apache-2.0
"""`hepar synth` as its user runs it: the same files on any number of ranks, tables that `cohort check` takes, every
reason for exclusion used, and a truth whose figures lie where the design puts them."""
import csv
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import h5py

PROGRAM = sys.argv[1]
COLUMNS = 384


def run(*words, ranks=1, exit_code=0):
    command = [PROGRAM, *map(str, words)]
    if ranks > 1:
        command = ["mpirun", "--oversubscribe", "--allow-run-as-root", "--bind-to", "none", "-n", str(ranks)] + command
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != exit_code:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}, expected {exit_code}\n{done.stdout}\n{done.stderr}")
    return done


def content(folder):
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.rglob("*")) if file.is_file()}


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def same_on_any_rank_count(folder):
    for ranks in (1, 2, 3):
        run("synth", "--out", folder / f"r{ranks}", "--patients", 60, "--centres", 4, "--seed", 3, ranks=ranks)
    one = content(folder / "r1")
    assert len(one) > 200, len(one)
    for ranks in (2, 3):
        other = content(folder / f"r{ranks}")
        assert other == one, [name for name in set(one) | set(other) if one.get(name) != other.get(name)][:5]
        assert content(folder / f"r{ranks}.truth") == content(folder / "r1.truth")
    run("synth", "--out", folder / "other", "--patients", 60, "--centres", 4, "--seed", 4)
    assert content(folder / "other")["patients.csv"] != one["patients.csv"], "another seed, another cohort"


def files_are_what_the_tables_say(cohort):
    for table in ("imaging", "slides", "reports"):
        for row in rows(cohort / f"{table}.csv"):
            assert (cohort / row["path"]).stat().st_size > 0, row
    for row in rows(cohort / "slides.csv"):
        with h5py.File(cohort / row["path"]) as slide:
            assert slide["features"].dtype == "f2" and slide["features"].shape[1] == COLUMNS
            assert slide["features"].chunks is None and slide["coords"].shape == (slide["features"].shape[0], 2)
    words = [len((cohort / row["path"]).read_text(encoding="utf-8")) for row in rows(cohort / "reports.csv")]
    assert min(words) > 100, min(words)
    texts = " ".join(path.read_text(encoding="utf-8") for path in cohort.glob("reports/*.txt"))
    assert "微血管侵犯" in texts and "Microvascular invasion" in texts, "both languages"
    shown = json.loads(run("inspect", "--json", *[cohort / row["path"] for row in rows(cohort / "imaging.csv")[:3]]).stdout)
    assert all(one["readable"] and one["series"][0]["size"] == [32, 32, 16] for one in shown), shown
    truth = cohort.with_name(cohort.name + ".truth")
    assert not list(cohort.rglob("truth*")) and (truth / "truth.csv").exists(), "the truth lies apart"


def tables_alone(folder):
    cohort = folder / "tables"
    run("synth", "--out", cohort, "--patients", 4000, "--centres", 8, "--level", "tables")
    assert not (cohort / "slides.csv").exists()
    run("cohort", "check", "--cohort", cohort / "cohort.yaml", "--out", folder / "check")
    flow = json.loads((folder / "check" / "flow.json").read_text())
    text = json.dumps(flow)
    for rule in ("age", "hcc", "prior", "metastasis", "margin", "follow_up"):
        assert f'"{rule}"' in text, rule
    excluded = rows(folder / "check" / "excluded.csv")
    reasons = {row.get("rule") or row.get("excluded_by") for row in excluded}
    assert {"age", "hcc", "prior", "metastasis", "margin", "follow_up"} <= reasons, reasons
    assert 0.03 < len({row["patient_id"] for row in excluded}) / 4000 < 0.12, len(excluded)
    patients = rows(cohort / "patients.csv")
    assert len(patients) == 4000 and len({row["centre"] for row in patients}) == 8
    assert any(row["afp"].startswith(">") for row in patients) and any(row["hbsag"] == "未查" for row in patients)


def truth_is_where_the_design_puts_it(folder):
    truth = json.loads((folder / "tables.truth" / "truth.json").read_text())
    rfs = truth["rfs"]
    assert 0.74 < rfs["oracle_c"] < 0.80, rfs
    assert 0.64 < rfs["clinical_c"] < 0.70, rfs
    for endpoint in ("rfs", "recurrence", "os"):
        assert truth[endpoint]["reader_share"] >= 0.9, truth[endpoint]
    for row in rows(folder / "tables.truth" / "truth.csv")[:500]:
        for arm in ("surgery", "tace", "tace_systemic", "systemic"):
            rfs, recurrence, death = (float(row[f"{arm}_risk_{name}"]) for name in ("rfs_36", "recurrence_36", "os_60"))
            assert 0 < recurrence <= rfs <= 1 and 0 < death <= 1, row
    run("synth", "--out", folder / "shuffled", "--patients", 4000, "--centres", 8, "--level", "tables", "--shuffle-outcomes")
    shuffled = json.loads((folder / "shuffled.truth" / "truth.json").read_text())
    assert abs(shuffled["rfs"]["oracle_c"] - 0.5) < 0.03, shuffled["rfs"]


with tempfile.TemporaryDirectory() as temporary:
    work = pathlib.Path(temporary)
    same_on_any_rank_count(work)
    files_are_what_the_tables_say(work / "r1")
    tables_alone(work)
    truth_is_where_the_design_puts_it(work)
    run("synth", "--out", work / "r1", exit_code=2)  # never into a cohort that is there
print("ok")
