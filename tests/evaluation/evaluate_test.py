# SPDX-License-Identifier: Apache-2.0
# Predictions are sealed before follow-up and evaluated after it, through the program: a study that is in order, a file that
# was changed, a time that cannot be, and a store that knew the outcomes.
import csv
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HEPAR, SOURCE = sys.argv[1], sys.argv[2]


def run(*words, code=0):
    done = subprocess.run([HEPAR, *words], capture_output=True, text=True)
    assert done.returncode == code, f"{words}: exit {done.returncode}, not {code}\n{done.stdout}{done.stderr}"
    return done


def edit(path, change):
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows = change(rows)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def replace(path, old, new):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert old in text, f"{path} lacks {old}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))


def cohorts(work):
    """The study's patients with dates of surgery: before follow-up, and with it."""
    run("synth", "--out", "c", "--patients", "400", "--centres", "6", "--seed", "11", "--level", "features")
    surgery = (datetime.date.today() + datetime.timedelta(days=30)).isoformat()
    edit("c/patients.csv", lambda rows: [row | {"surgery_date": surgery} for row in rows])
    shutil.copytree("c", "later")
    for table in ("follow_up", "treatments"):
        replace("c/cohort.yaml", f"{table}: {table}.csv", "")
    with open("c/cohort.yaml", encoding="utf-8") as file:
        text = file.read()
    # A store without follow-up declares no endpoints and no strategies.
    keep, skip = [], False
    for line in text.splitlines():
        if not line.startswith(" "):
            skip = line.startswith(("endpoints:", "strategies:"))
        if not skip and "follow_up" not in line:
            keep.append(line)
    with open("c/cohort.yaml", "w", encoding="utf-8") as file:
        file.write("\n".join(keep) + "\n")


def rename(cohort, letter):
    """Other people: the made patients of every cohort have the same ids."""
    for name in os.listdir(cohort):
        if name.endswith(".csv"):
            with open(f"{cohort}/{name}", encoding="utf-8") as file:
                text = file.read()
            with open(f"{cohort}/{name}", "w", encoding="utf-8") as file:
                file.write(re.sub(r"^P", letter, text, flags=re.M))


def seen_patients_are_not_sealed(decisions):
    """A model that sixty of the patients taught meets all of them: as they are, and under other ids."""
    shutil.copytree("later", "some")
    first = {row["patient_id"] for row in decisions[:60]}
    for name in os.listdir("some"):
        if name.endswith(".csv"):
            edit(f"some/{name}", lambda rows: [row for row in rows if row["patient_id"] in first])
    run("shard", "--cohort", "some/cohort.yaml", "--out", "some.store", "--quiet")
    run("train", "--config", "e.yaml", "--store", "some.store", "--out", "taught", "--set", "train.epochs=1", "--quiet")
    made = run("predict", "--run", "taught", "--store", "store", "--out", "half.csv", "--freeze")
    with open("half.seal.json", encoding="utf-8") as file:
        seal = json.load(file)
    n = seal["left_out_trained_on"]
    assert f"{n} patients are left out of the seal: the model was trained on them" in made.stderr, made.stderr
    with open("half.decisions.csv", encoding="utf-8") as file:
        sealed = {row["patient_id"] for row in csv.DictReader(file)}
    with open("taught/model.json", encoding="utf-8") as file:
        taught = set(json.load(file)["trained_on"])
    assert 40 < n <= 60 and n == len(taught) and seal["patients"] == len(sealed) == len(decisions) - n and not sealed & taught, (n, len(taught), seal["patients"])
    told = run("evaluate", "--predictions", "half.csv", "--cohort", "later/cohort.yaml", "--out", "half", "--null-simulations", "0", "--quiet")
    assert f"not sealed, because the model was trained on them: {n}\n" in told.stdout, told.stdout
    with open("half/evaluation.json", encoding="utf-8") as file:
        assert json.load(file)["patients"]["trained_on_not_sealed"] == n
    # The same people under other ids: by the bytes of a slide or volume, whoever has one.
    shutil.copytree("c", "renamed")
    rename("renamed", "Q")
    run("shard", "--cohort", "renamed/cohort.yaml", "--out", "renamed.store", "--quiet")
    again = json.loads(run("predict", "--run", "taught", "--store", "renamed.store", "--out", "renamed.csv", "--json", "--quiet").stdout)
    assert 0.9 * n <= again["trained_on"] <= n and again["patients"] == len(decisions), (again, n)


def main():
    work = tempfile.mkdtemp(prefix="hepar-evaluate-")
    os.chdir(work)
    cohorts(work)
    run("synth", "--out", "past", "--patients", "300", "--centres", "3", "--seed", "12", "--level", "features")
    rename("past", "H")
    run("shard", "--cohort", "past/cohort.yaml", "--out", "past.store", "--quiet")
    run("shard", "--cohort", "c/cohort.yaml", "--out", "store", "--quiet")
    with open("e.yaml", "w", encoding="utf-8") as file:
        file.write("schema: hepar-experiment/1\nmodalities: [clinical]\ntrain: {epochs: 3}\ndecision: {small_gain: 0}\n")
    run("train", "--config", "e.yaml", "--store", "past.store", "--out", "run", "--quiet")

    sealed = run("predict", "--run", "run", "--store", "store", "--out", "sealed.csv", "--freeze", "--quiet")
    assert "deposit its SHA-256" in sealed.stdout
    run("predict", "--run", "run", "--store", "store", "--out", "sealed.csv", "--quiet", code=2)  # never written over
    with open("sealed.decisions.csv", encoding="utf-8") as file:
        decisions = list(csv.DictReader(file))
    assert {row["recommended"] for row in decisions} <= {"surgery", "tace", "tace_systemic", "systemic"}

    with open("adverse_events.csv", "w", encoding="utf-8") as file:
        file.write("patient_id,term,grade\n" + "".join(f"{row['patient_id']},fever,{1 + i % 4}\n" for i, row in enumerate(decisions[:200])))
    run("evaluate", "--predictions", "sealed.csv", "--cohort", "later/cohort.yaml", "--out", "evaluation", "--adverse-events", "adverse_events.csv", "--null-simulations", "2", "--quiet")
    with open("evaluation/evaluation.json", encoding="utf-8") as file:
        text = file.read()
    assert "NaN" not in text and "Infinity" not in text
    result = json.loads(text)
    patients = result["patients"]
    assert patients["sealed"] == len(decisions) and patients["analysed"] > 100
    assert patients["analysed"] + sum(n for why, n in patients["left_out"].items() if not why.startswith("in the cohort")) == patients["sealed"], patients
    for name in ("rfs", "recurrence", "os"):
        consistency = result["endpoints"][name]["consistency"]
        table = sum(sum(row.values()) for row in consistency["given_by_recommended"].values())
        assert table == patients["analysed"] - consistency["event_or_unobserved_by_landmark"]
        groups = consistency["unadjusted"]["n"]
        assert groups["consistent"] + groups["inconsistent"] == table
        for comparison in ("naive", "unadjusted", "adjusted", "weighted"):
            ratio = consistency[comparison]["hazard_ratio"]
            assert "value" in ratio or ratio["not_estimable"], ratio
    assert sum(arm["with_any"] for arm in result["adverse_events"]) > 0
    assert result["nulls"]["start_delays"]["simulations"] == 2
    with open("evaluation/subjects_os.csv", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == patients["analysed"] - result["endpoints"]["os"]["consistency"]["event_or_unobserved_by_landmark"]
    if shutil.which("Rscript"):
        again = subprocess.run(["Rscript", "headline.R"], cwd="evaluation", capture_output=True, text=True)
        assert again.returncode == 0 and again.stdout.count("same") >= 15, again.stdout + again.stderr

    run("report", "evaluation", "--out", "page.html", "--quiet")
    with open("page.html", encoding="utf-8") as file:
        page = file.read()
    for part in ("Consistent and inconsistent treatment", "overlap-weighted", "Adverse events"):
        assert part in page, part
    for row, problem in ((f"{decisions[0]['patient_id']},fever,6", "is no grade"), ("nobody,fever,1", "unknown patient 'nobody'")):
        with open("wrong.csv", "w", encoding="utf-8") as file:
            file.write(f"patient_id,term,grade\n{row}\n")
        wrong = run("evaluate", "--predictions", "sealed.csv", "--cohort", "later/cohort.yaml", "--out", "x", "--adverse-events", "wrong.csv", "--null-simulations", "0", code=3)
        assert problem in wrong.stderr and "wrong.csv:2" in wrong.stderr, wrong.stderr

    # A patient whose recurrence is dated before the seal.
    shutil.copytree("later", "early")
    edit("early/patients.csv", lambda rows: [row | {"surgery_date": "2020-01-01"} for row in rows])
    late = run("evaluate", "--predictions", "sealed.csv", "--cohort", "early/cohort.yaml", "--out", "x", code=3)
    with open("early/follow_up.csv", encoding="utf-8") as file:
        days = {row["patient_id"]: row for row in csv.DictReader(file)}
    named = re.findall(r"(P\d+): (recurrence|death|last contact) on (\d{4}-\d\d-\d\d)", late.stderr)
    assert "sealed on" in late.stderr and len(named) == 3, late.stderr
    for patient, what, date in named:
        day = int(float(days[patient][what.replace(" ", "_") + "_day"]))
        assert date == (datetime.date(2020, 1, 1) + datetime.timedelta(days=day)).isoformat(), (patient, what, day, late.stderr)
    # A seal that is no longer true, and none at all.
    for name in ("sealed.csv", "sealed.decisions.csv"):
        with open(name, encoding="utf-8") as file:
            good = file.read()
        with open(name, "w", encoding="utf-8") as file:
            file.write(good.replace("surgery", "tace", 1))
        broken = run("evaluate", "--predictions", "sealed.csv", "--cohort", "later/cohort.yaml", "--out", "x", code=4)
        assert "seal is broken" in broken.stderr, broken.stderr
        with open(name, "w", encoding="utf-8") as file:
            file.write(good)
    replace("sealed.seal.json", "hepar-seal/1\"", "hepar-seal/1\" ")
    replace("sealed.seal.json", '"sealed_at": "2', '"sealed_at": "1')
    run("evaluate", "--predictions", "sealed.csv", "--cohort", "later/cohort.yaml", "--out", "x", code=4)
    os.remove("sealed.seal.json")
    assert "not sealed" in run("evaluate", "--predictions", "sealed.csv", "--cohort", "later/cohort.yaml", "--out", "x", code=4).stderr
    seen_patients_are_not_sealed(decisions)
    with open("run/model.json", encoding="utf-8") as file:
        taught = len(json.load(file)["trained_on"])
    assert f", without {taught} that the model was trained on" in run("predict", "--run", "run", "--store", "past.store", "--out", "rest.csv", "--freeze", "--quiet").stdout
    # Predictions from a store that knew.
    run("synth", "--out", "known", "--patients", "100", "--centres", "3", "--seed", "13", "--level", "tables")
    rename("known", "K")
    run("shard", "--cohort", "known/cohort.yaml", "--out", "known.store", "--quiet")
    run("predict", "--run", "run", "--store", "known.store", "--out", "known.csv", "--freeze", "--quiet")
    known = run("evaluate", "--predictions", "known.csv", "--cohort", "known/cohort.yaml", "--out", "x", code=3)
    assert "after follow-up was known" in known.stderr, known.stderr
    shutil.rmtree(work)


main()
