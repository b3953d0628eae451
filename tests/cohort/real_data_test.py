# SPDX-License-Identifier: Apache-2.0
"""Real clinical tables through tools/real-cohort and `hepar cohort check`.

Counts are held to those that were fixed beside the data (clinical/expected_tables.csv) and to the source tables read here
a second time. Data: $HEPAR_REAL_DATA, or ../shared/real beside the repository; without it there is nothing to check.
"""
import csv
import json
import os
import subprocess
import sys
import tempfile

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
MONTH = 30.4375


def rows(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def same(got, expected, what):
    if got != expected:
        sys.exit(f"{what}: {got}, expected {expected}")
    print(f"ok: {what}" + ("" if isinstance(got, dict) else f" = {got}"))


def near(got, expected, what):
    if abs(got - expected) > 1e-6 * max(1, abs(expected)):
        sys.exit(f"{what}: {got}, expected {expected}")
    print(f"ok: {what} = {got:.6g}")


def check(data, name, folder):
    cohort, out = os.path.join(folder, name), os.path.join(folder, name + ".check")
    subprocess.run([os.path.join(SOURCE, "tools/real-cohort"), name, "--data", data, "--out", cohort], check=True)
    command = [PROGRAM, "cohort", "check", "--cohort", os.path.join(cohort, "cohort.yaml"), "--out", out]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    before = {file: os.stat(os.path.join(out, file)).st_mtime_ns for file in os.listdir(out)}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    same({file: os.stat(os.path.join(out, file)).st_mtime_ns for file in os.listdir(out)}, before, f"{name}: run again changes nothing")
    with open(os.path.join(out, "flow.json"), encoding="utf-8") as file:
        flow = json.load(file)
    return cohort, out, flow


def total(counts):
    return sum(counts.values())


def out_by(flow, rule):
    step = next(step for step in flow["steps"] if step["id"] == rule)
    return total(step["excluded"]), total(step["unknown_excluded"])


def tcga(data, expected, folder):
    cohort, out, flow = check(data, "tcga_lihc", folder)
    reference = next(row for row in expected if row["path"].endswith("clinical_dev_sites.csv") and row["endpoint"].startswith("OS."))
    same(total(flow["patients"]), int(reference["rows"]), "TCGA patients")
    same(len(flow["patients"]), 23, "TCGA sites")
    follow_up = rows(os.path.join(cohort, "follow_up.csv"))
    same(sum(row["death_day"] != "" for row in follow_up), int(reference["events"]), "TCGA deaths")
    near(max(float(row["last_contact_day"]) for row in follow_up), float(reference["time_max"]), "TCGA longest time")
    same(flow["queries"].get("time 0"), int(reference["time_le0"]), "TCGA times of 0, kept as half a day")
    source = rows(os.path.join(data, "clinical/tcga_lihc/clinical_dev_sites.csv"))
    left = [row for row in source if not row["Redaction"] and float(row["age_at_initial_pathologic_diagnosis"] or 0) >= 18]
    same(out_by(flow, "redacted"), (1, 0), "TCGA redacted")
    same(out_by(flow, "hcc"), (8, 0), "TCGA not plain HCC")
    left = [row for row in left if row["histological_type"] == "Hepatocellular Carcinoma"]
    same(out_by(flow, "r0"), (sum(row["residual_tumor"] in ("R1", "R2") for row in left),
                             sum(row["residual_tumor"] in ("RX", "[Not Available]") for row in left)), "TCGA R1/R2, not known")
    left = {row["bcr_patient_barcode"]: row for row in left if row["residual_tumor"] == "R0"}
    eligible = rows(os.path.join(out, "patients.csv"))
    same(len(eligible), len(left), "TCGA eligible")
    for row in eligible:
        origin = left[row["patient_id"]]
        if int(row["os_event"]) != int(float(origin["OS"])):
            sys.exit(f"{row['patient_id']}: OS event differs from the source")
        near_months = max(float(origin["OS.time"]), 0.5) / MONTH
        if abs(float(row["os_months"]) - near_months) > 1e-9:
            sys.exit(f"{row['patient_id']}: OS time {row['os_months']}, expected {near_months}")
    excluded = rows(os.path.join(out, "excluded.csv"))
    same(len(eligible) + len(excluded), 260, "TCGA eligible and excluded")


def resection(data, expected, folder):
    cohort, out, flow = check(data, "hcc_resection", folder)
    of = {row["endpoint"].split(".")[0].split("/")[0]: row for row in expected if row["path"].endswith("hcc_resection_ntuh_60pct.csv")}
    same(total(flow["patients"]), int(of["survival"]["rows"]), "resection patients")
    follow_up = rows(os.path.join(cohort, "follow_up.csv"))
    same(sum(row["death_day"] != "" for row in follow_up), int(of["survival"]["events"]), "resection deaths")
    same(sum(row["recurrence_day"] != "" for row in follow_up), int(of["duration"]["events"]), "resection recurrences")
    same(flow["queries"].get("recurrence after last contact"), 9, "resection recurrences after last contact, dropped")
    same(flow["queries"].get("time 0"), int(of["duration"]["time_le0"]), "resection times of 0")
    near(max(float(row["last_contact_day"]) for row in follow_up) / 30.5, float(of["survival"]["time_max"]), "resection longest time, source months")
    same(out_by(flow, "radical"), (66, 0), "resection not radical")
    source = rows(os.path.join(data, "clinical/hcc_resection_ntuh_60pct.csv"))
    keep = [i for i, row in enumerate(source) if float(row["age"]) >= 18 and row["radical.op.mark1_1"] == "1"]
    eligible = {row["patient_id"]: row for row in rows(os.path.join(out, "patients.csv"))}
    same(len(eligible), len(keep), "resection eligible")
    competing = 0
    for i in keep:
        row, origin = eligible[f"R{i + 1:04d}"], source[i]
        recurred, died = origin["recur.status_1"] == "1", origin["death.status_1"] == "1"
        late = float(origin["duration"]) > float(origin["survival.month"])
        event = 1 if recurred and not late else 2 if died else 0
        competing += event == 2
        if int(row["recurrence_event"]) != event:
            sys.exit(f"row {i + 2}: recurrence event {row['recurrence_event']}, expected {event}")
        days = float(origin["duration"] if event == 1 else origin["survival.month"]) * 30.5
        if abs(float(row["recurrence_months"]) - max(days, 0.5) / MONTH) > 1e-9:
            sys.exit(f"row {i + 2}: recurrence time {row['recurrence_months']}")
        if float(row["rfs_months"]) > float(row["os_months"]):
            sys.exit(f"row {i + 2}: RFS ends after OS")
    print(f"ok: {len(keep)} rows agree, {competing} deaths compete")


def main():
    data = os.environ.get("HEPAR_REAL_DATA", os.path.join(SOURCE, "..", "shared", "real"))
    expected_path = os.path.join(data, "clinical", "expected_tables.csv")
    if not os.path.isfile(expected_path):
        print(f"nothing to check: no real data at {data} (set HEPAR_REAL_DATA)")
        sys.exit(77)
    expected = rows(expected_path)
    with tempfile.TemporaryDirectory() as folder:
        tcga(data, expected, folder)
        resection(data, expected, folder)


main()
