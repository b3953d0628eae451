# SPDX-License-Identifier: Apache-2.0
"""`hepar stats` against published values: the leukaemia data of Miller (1997) as in R survival's `aml`, whose values are
computed here from their definitions and printed in R's documentation (log-rank 3.40 on 1 df, Cox 0.9155); and every value
of the reference file where one lies beside the sources or in $HEPAR_REFERENCE."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

program, source = sys.argv[1], pathlib.Path(sys.argv[2])
here = pathlib.Path(__file__).parent


def stats(spec, data, code=0):
    with tempfile.TemporaryDirectory() as folder:
        out, file = pathlib.Path(folder) / "R.json", pathlib.Path(folder) / "spec.json"
        file.write_text(json.dumps(spec))
        done = subprocess.run([program, "stats", "--spec", str(file), "--data", str(data), "--out", str(out)], capture_output=True, text=True)
        assert done.returncode == code, (done.returncode, done.stderr)
        return {entry["id"]: entry for entry in json.loads(out.read_text())}


def same(got, want, tolerance):
    if want is None:
        return got is None
    if isinstance(want, dict):
        return all(key in got and same(got[key], want[key], tolerance) for key in want)
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(same(a, b, tolerance) for a, b in zip(got, want))
    return got is not None and abs(got - want) <= tolerance * max(abs(want), 0.001)


AML = {"data": "leukaemia.csv"}
TIME = {"time": "time", "event": "event"}
published = [
    ({"id": "km", "method": "km", "columns": TIME, "options": {"times": [9, 23, 48], "conf_type": "log", "conf_level": 0.95}}, None),
    ({"id": "logrank", "method": "logrank", "columns": {**TIME, "group": "maintained"}, "options": {}}, {"chisq": 3.396389, "df": 1, "observed": [11, 7], "expected": [7.31, 10.69]}),
    ({"id": "cox", "method": "cox", "columns": {**TIME, "x": ["maintained"]}, "options": {"ties": "efron"}}, {"coef": [-0.9155326], "se": [0.5119342]}),
    ({"id": "harrell", "method": "harrell_c", "columns": {**TIME, "score": "maintained"}, "options": {}}, None),
]
passed = failed = 0


def judge(name, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print("FAILED", name, detail)


def brute_force_c(rows):
    good = count = 0.0
    for i in rows:
        for j in rows:
            if i is not j and i["event"] == 1 and (j["time"] > i["time"] or (j["time"] == i["time"] and j["event"] == 0)):
                count += 1
                good += 1 if i["maintained"] > j["maintained"] else 0.5 if i["maintained"] == j["maintained"] else 0
    return good / count


def brute_force_survival(rows, t):
    survival = 1.0
    for u in sorted({r["time"] for r in rows if r["event"] == 1 and r["time"] <= t}):
        survival *= 1 - sum(r["time"] == u and r["event"] == 1 for r in rows) / sum(r["time"] >= u for r in rows)
    return survival


lines = (here / "leukaemia.csv").read_text().split()
rows = [dict(zip(lines[0].split(","), map(float, line.split(",")))) for line in lines[1:]]
results = stats([{**AML, **entry} for entry, _ in published], here)
judge("Kaplan-Meier by definition", same(results["km"]["value"]["surv"], [brute_force_survival(rows, t) for t in (9, 23, 48)], 1e-12), results["km"])
judge("log-rank of R's survdiff(aml)", same(results["logrank"]["value"], published[1][1], 1e-3), results["logrank"])
judge("Cox of R's coxph(aml)", same(results["cox"]["value"], published[2][1], 1e-6), results["cox"])
judge("Harrell's C by pairs", same(results["harrell"]["value"]["c"], brute_force_c(rows), 1e-12), results["harrell"])

bad = stats([{**AML, "id": "method", "method": "nothing", "columns": TIME, "options": {}}, {**AML, "id": "column", "method": "median_followup", "columns": {"time": "tme", "event": "event"}, "options": {}},
             {**AML, "id": "option", "method": "km", "columns": TIME, "options": {"times": [1], "conf_type": "odd", "conf_level": 0.95}}, {**AML, "id": "good", "method": "median_followup", "columns": TIME, "options": {}}], here, code=3)
judge("a bad entry says why and hides no other", all("error" in bad[name] for name in ("method", "column", "option")) and "value" in bad["good"], bad)

reference = pathlib.Path(os.environ.get("HEPAR_REFERENCE", source / ".." / "shared" / "reference" / "statistics"))
if (reference / "acceptance.json").exists():
    entries = json.loads((reference / "acceptance.json").read_text())
    results = stats([{key: entry[key] for key in ("id", "method", "data", "columns", "options")} for entry in entries], reference)
    for entry in entries:
        got = results[entry["id"]]
        judge(entry["id"], "value" in got and same(got["value"], entry["value"], entry["tolerance"]), str(got)[:200])
else:
    print("no reference file: set HEPAR_REFERENCE to check all of its values")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
