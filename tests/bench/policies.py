# SPDX-License-Identifier: Apache-2.0
"""What the recommendations of a validation are worth by the truth of a synthetic cohort.

  python3 tests/bench/policies.py COHORT VALIDATION

Every patient's course under every strategy is in COHORT.truth/truth.csv, so the mean months free of recurrence and death by 36
months of any policy is a mean, without any model. The oracle gives each patient the strategy with the smallest true risk; nothing
can do better on average. Compared: the model (decisions.csv; where it abstains the first strategy), the guideline (TACE with MVI,
more than 5 cm or multiple), each single strategy. `share` is the way from the guideline to the oracle."""
import csv
import json
import math
import pathlib
import sys

HORIZON = 36
ARMS = ("surgery", "tace", "tace_systemic", "systemic")


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def months_free(truth, arm):
    ends = [float(truth[f"{arm}_{what}"]) for what in ("recurrence_months", "death_months") if truth[f"{arm}_{what}"]]
    return min(ends + [HORIZON])


def mean_se(values):
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values))


def main():
    cohort, validation = sys.argv[1].rstrip("/"), pathlib.Path(sys.argv[2])
    truth = {row["patient_id"]: row for row in rows(f"{cohort}.truth/truth.csv")}
    clinical = {row["patient_id"]: row for row in rows(f"{cohort}/patients.csv")}
    decisions = rows(validation / "decisions.csv")
    chosen = {"model": [], "guideline": [], "oracle": []}
    for row in decisions:
        patient = clinical[row["patient_id"]]
        by_rule = patient["mvi"] in ("M1", "M2") or patient["number"] == "multiple" or float(patient["size"] or 0) > 5
        chosen["model"].append("surgery" if row["abstained"] else row["recommended"])
        chosen["guideline"].append("tace" if by_rule else "surgery")
        chosen["oracle"].append(min(ARMS, key=lambda arm: float(truth[row["patient_id"]][f"{arm}_risk_rfs_36"])))
    for arm in ARMS:
        chosen["all " + arm] = [arm] * len(decisions)
    value = {name: [months_free(truth[row["patient_id"]], arm) for row, arm in zip(decisions, arms)] for name, arms in chosen.items()}
    for name, months in value.items():
        shares = ", ".join(f"{arm} {chosen[name].count(arm) / len(months):.2f}" for arm in ARMS if arm in chosen[name])
        print(f"{name:<18} {mean_se(months)[0]:6.2f} months free   {shares}")
    difference, se = mean_se([m - g for m, g in zip(value["model"], value["guideline"])])
    gain = sum(value["oracle"]) - sum(value["guideline"])
    print(f"model - guideline  {difference:6.2f} (se {se:.2f}), share of the oracle's gain {(sum(value['model']) - sum(value['guideline'])) / gain:.2f}")
    with open(validation / "validation.json", encoding="utf-8") as file:
        policies = json.load(file)["policies"]
    estimated = policies["policies"]["guideline"]["model_minus_this"]
    print("estimated on held-out patients:", json.dumps({key: estimated.get(key) for key in ("value", "low", "high")}), policies.get("warning", ""))


main()
