# SPDX-License-Identifier: Apache-2.0
"""How far a validation goes from 0.5 to the C that the truth of a synthetic cohort allows, fold by fold.

  python3 tests/bench/oracle.py COHORT VALIDATION

The oracle ranks patients by the risk of recurrence or death by 36 months that the generator gave them (COHORT.truth/truth.csv),
mixed over strategies as it would have treated them; the model by the rows `natural` of predictions.csv. Both C are Harrell's on
the same patients, follow-up cut at 36 months."""
import csv
import pathlib
import sys

import numpy as np

HORIZON, DAYS = 36, 30.4375
ARMS = ("surgery", "tace", "tace_systemic", "systemic")


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def harrell(risk, months, event):
    concordant = pairs = 0.0
    for i in np.flatnonzero(event):
        later = (months > months[i]) | ((months == months[i]) & ~event)
        pairs += later.sum()
        concordant += (risk[i] > risk[later]).sum() + 0.5 * (risk[i] == risk[later]).sum()
    return concordant / pairs


def outcome(row):
    """Months to recurrence or death, and whether it happened by the horizon."""
    day = {name: float(row[name]) if row[name] else None for name in ("recurrence_day", "death_day", "recurrence_free_day", "last_contact_day")}
    end = next((day[name] for name in ("recurrence_day", "death_day") if day[name] is not None), None)
    months = (end if end is not None else day["recurrence_free_day"] or day["last_contact_day"]) / DAYS
    return (HORIZON, False) if months > HORIZON else (months, end is not None)


def main():
    cohort, validation = sys.argv[1].rstrip("/"), pathlib.Path(sys.argv[2])
    truth = {row["patient_id"]: row for row in rows(f"{cohort}.truth/truth.csv")}
    course = {row["patient_id"]: outcome(row) for row in rows(f"{cohort}/follow_up.csv")}
    predicted = [row for row in rows(validation / "predictions.csv") if row["endpoint"] == "rfs" and row["strategy"] == "natural"]
    shares = []
    for fold in sorted({row["fold"] for row in predicted}):
        mine = [row for row in predicted if row["fold"] == fold]
        known = [truth[row["patient_id"]] for row in mine]
        months, event = (np.array(values) for values in zip(*(course[row["patient_id"]] for row in mine)))
        model = harrell(np.array([float(row["risk"]) for row in mine]), months, event)
        oracle = harrell(np.array([sum(float(t[f"{arm}_probability"]) * float(t[f"{arm}_risk_rfs_36"]) for arm in ARMS) for t in known]), months, event)
        shares.append((model - 0.5) / (oracle - 0.5))
        print(f"{fold}  {len(mine):5d} patients  {int(event.sum()):4d} events  C {model:.3f}  oracle {oracle:.3f}  share {shares[-1]:.2f}")
    print(f"mean share {np.mean(shares):.3f}, least {min(shares):.3f}, largest {max(shares):.3f}")


main()
