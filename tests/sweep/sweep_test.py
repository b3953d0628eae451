# SPDX-License-Identifier: Apache-2.0
"""A sweep by several processes, some of them killed, ends as that of one process left alone; no trial sees a held-out centre."""
import csv
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

program, source = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2])
SWEEP = """schema: hepar-sweep/1
seed: 5
model: {embedding: 8, fusion: {width: 8}}
train: {steps: 45, slots_per_step: 4, checkpoint_every: 2steps}
validation: {min_events: 3}
resources: {slots_at_once: 1}
hold_out: [C03]
search: {trials: 24, halving: synchronous, rungs: 3, reduction: 3, inner_share: 0.3}
space:
  train.learning_rate: {log: [1.0e-4, 1.0e-2]}
  train.weight_decay: {float: [0, 0.1]}
  model.vector.hidden: {int: [4, 16], step: 4}
  train.schedule: {choice: [cosine, constant]}
  train.warmup: {float: [0.01, 0.2], when: {train.schedule: cosine}}
"""
environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")


def words(out, *more):
    return [program, "sweep", "--config", "sweep.yaml", "--store", "store", "--out", out, *more]


def run(*command, code=0):
    done = subprocess.run(list(map(str, command)), cwd=work, env=environment, capture_output=True, text=True)
    assert done.returncode == code, (command, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done


def results(out):
    return json.loads((work / out / "sweep.json").read_text())


def facts(out):
    """Every trial with its settings and, a rung, what was measured and the parameters' hash."""
    return {t["trial"]: (t["settings"], t["state"], [(r["step"], r["value"], r["parameters_sha256"]) for r in t["rungs"]]) for t in results(out)["trials"]}


def files(out):
    return {str(p.relative_to(work)): p.stat().st_mtime_ns for p in (work / out).rglob("*") if p.is_file()}


def one_process_does_it_all():
    run(*words("alone"))
    trials = facts("alone")
    assert sorted(trials) == list(range(24))
    states = [state for _, state, _ in trials.values()]
    assert states.count("finished") == 2 and states.count("pruned") == 22, states
    assert [step for step, _, _ in next(r for _, s, r in trials.values() if s == "finished")] == [5, 15, 45]
    with_warmup = [("train.warmup" in settings) == (settings["train.schedule"] == "cosine") for settings, _, _ in trials.values()]
    assert all(with_warmup) and len({json.dumps(s) for s, _, _ in trials.values()}) == 24
    before = files("alone")
    again = run(*words("alone", "--json"))
    assert files("alone") == before, "a finished sweep was touched"
    assert len(json.loads(again.stdout)["trials"]) == 24


def rungs_of_a_trial_are_one_training():
    """The best trial, trained without a pause by hand on the same patients, is what `rung 2` says: here, by continuing the run."""
    best = results("alone")["best"]
    record = json.loads((work / "alone" / "trials" / f"{best:03}" / "run" / "run.json").read_text())
    assert record["status"] == "finished" and record["sessions"] == 3, record
    whole = work / "whole.yaml"
    whole.write_text(re.sub(r"rungs: 3", "rungs: 1", SWEEP))
    run(program, "sweep", "--config", whole, "--store", "store", "--out", "whole")
    assert facts("whole")[best][2][0][2] == facts("alone")[best][2][2][2], "pauses changed the parameters"


def leases(trials):
    """Those that were published: a killed worker may leave one that it was still writing."""
    return [path for path in trials.glob("*/lease-*") if re.fullmatch(r"lease-\d+", path.name)]


def killed_workers_change_nothing():
    luck = random.Random(3)
    workers = {}
    kills, end = 0, time.monotonic() + 300
    while not (work / "many" / "sweep.json").exists() or workers:
        assert time.monotonic() < end, "not finished in time"
        for number in range(3):
            if number not in workers and not (work / "many" / "sweep.json").exists():
                workers[number] = subprocess.Popen(words("many"), cwd=work, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        held = [p for p in leases(work / "many" / "trials") if not p.with_name(p.name.replace("lease", "left")).exists()]
        if held and kills < 6:
            victim = json.loads(luck.choice(held).read_text())["process"]
            for number, process in list(workers.items()):
                if process.pid == victim and process.poll() is None:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    del workers[number]
                    kills += 1
        for number, process in list(workers.items()):
            if process.poll() is not None:
                assert process.returncode == 0, process.stderr.read()
                del workers[number]
        time.sleep(0.25)
    assert kills >= 3, kills
    assert facts("many") == facts("alone")
    claimed, finished = len(leases(work / "many" / "trials")), len(list((work / "many").glob("trials/*/rung-*.json")))
    assert claimed > finished, "no trial was taken up again"


def groups_of_ranks_change_nothing():
    run("mpirun", "-n", 3, "--oversubscribe", "--bind-to", "none", *words("groups", "--set", "search.ranks=2"))
    assert facts("groups") == facts("alone")


def no_trial_sees_the_held_out_centre():
    patients = list(csv.DictReader((work / "c" / "patients.csv").open()))
    kept = {p["patient_id"] for p in patients if p["centre"] == "C03"}
    plan = json.loads((work / "alone" / "plan.json").read_text())
    assert kept and plan["hold_out"] == ["C03"]
    train, scored = set(plan["train"]), set(plan["scored"])
    assert train and scored and not train & scored and not (train | scored) & kept
    for trial in range(24):
        model = json.loads((work / "alone" / "trials" / f"{trial:03}" / "run" / "model.json").read_text())
        assert set(model["trained_on"]) <= train
        audit = json.loads((work / "alone" / "trials" / f"{trial:03}" / "rung-0.json").read_text())["audit"]
        assert audit["passed"] and audit["held_out"] == ["C03"] and audit["scored"] == len(scored), audit


def a_stop_is_obeyed_and_continued():
    process = subprocess.Popen(words("stopped"), cwd=work, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not list((work / "stopped").glob("trials/*/run/events.jsonl")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGUSR2)
    _, errors = process.communicate()
    assert process.returncode == 75, errors
    run(*words("stopped", "--worker", "second"))
    assert facts("stopped") == facts("alone")
    assert json.loads((work / "stopped" / "workers" / "second" / "status.json").read_text())["state"] == "finished"


def another_search_is_refused_and_more_trials_are_taken():
    run(*words("alone", "--set", "search.reduction=2"), code=4)
    refused = run(*words("alone", "--set", "train.steps=9"), code=4)
    assert "train.steps was 45 and is 9" in refused.stderr
    run(*words("alone", "--set", "search.trials=3"), code=4)
    unknown = run(*words("elsewhere", "--hold-out", "C33"), code=2)
    assert "did you mean" in unknown.stderr
    before = facts("alone")
    run(*words("alone", "--set", "search.trials=27"))
    after = facts("alone")
    assert len(after) == 27 and all(after[t][0] == before[t][0] and after[t][2][:len(before[t][2])] == before[t][2] for t in before)


def the_page_is_self_contained():
    page = (work / "many" / "report.html").read_text()
    assert page.count("<svg") == 3 and "<script" not in page and not re.search(r"(src|href)=\"(?!#)", page)
    best = results("many")["trials"][0]
    assert f"trial {best['trial']}" in page and f"{best['value']:.4f}" in page
    yaml = (work / "many" / "best.yaml").read_text()
    assert f"learning_rate: {float(best['settings']['train.learning_rate'])}" in yaml, yaml
    assert "chosen_on: [C01, C02]" in yaml, yaml
    run(program, "validate", "--config", "many/best.yaml", "--store", "store", "--out", "v")
    validation = json.loads((work / "v" / "validation.json").read_text())
    assert [fold["name"] for fold in validation["folds"]] == ["C03"] and validation["audit"]["passed"], validation["folds"]


with tempfile.TemporaryDirectory() as scratch:
    work = pathlib.Path(scratch)
    (work / "sweep.yaml").write_text(SWEEP)
    run(program, "synth", "--level", "tables", "--patients", 150, "--centres", 3, "--out", "c")
    run(program, "shard", "--cohort", "c/cohort.yaml", "--out", "store")
    for check in (one_process_does_it_all, rungs_of_a_trial_are_one_training, killed_workers_change_nothing, groups_of_ranks_change_nothing, no_trial_sees_the_held_out_centre, a_stop_is_obeyed_and_continued,
                  the_page_is_self_contained, another_search_is_refused_and_more_trials_are_taken):
        start = time.monotonic()
        check()
        print(f"{check.__name__}: {time.monotonic() - start:.1f} s", flush=True)
    print("8 passed, 0 failed")
