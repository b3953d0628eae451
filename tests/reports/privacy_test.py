# SPDX-License-Identifier: Apache-2.0
"""Nothing that identifies a patient leaves the ingest of reports: names, numbers, dates and telephone numbers are salted
into report files, their names, the columns of every table and broken reports; then the check, the store, its tables, the
journal and every line of output are searched for them, as text in UTF-8, UTF-16 and GB18030."""
import csv
import os
import pathlib
import subprocess
import sys
import tempfile

program = sys.argv[1]
SECRETS = ["欧阳甄仁", "Zebulon Quartermain", "ZY0098765", "310101196103070019", "13912345678", "1961-03-07", "19610307", "B2024-77123",
           "Quartermain", "上官报医", "QX-MRN-4471", "quasar street"]
LETTER = """仁济某某医院 病理诊断报告单
姓名：欧阳甄仁 Name: Zebulon Quartermain  性别：男 住院号：ZY0098765 病理号：B2024-77123 身份证：310101196103070019 电话：13912345678
出生日期：1961-03-07 (19610307) 地址：quasar street 14 MRN: QX-MRN-4471
病理诊断：（右肝）肝细胞癌，中分化，Edmondson Ⅱ级，大小4.5×4×3cm，切缘未见癌，距切缘1cm，欧阳甄仁 13912345678。
MVI：M1 欧阳甄仁。CK19(-)欧阳甄仁，Ki-67(20%+)。
报告医师：上官报医 审核：Zebulon Quartermain 1961-03-07
"""
COHORT = """schema: hepar-cohort/1
patients: patients.csv
reports: reports.csv
follow_up: follow_up.csv
columns:
  age: {type: number, unit: years, range: [0, 120], known: pre_op}
  mvi: {type: category, values: [M0, M1, M2], known: post_op, from: report.mvi}
  edmondson: {type: category, values: [I, I-II, II, II-III, III, III-IV, IV], known: post_op, from: report.edmondson}
modalities:
  clinical: {kind: vector, columns: [age, mvi, edmondson]}
  report: {kind: sequence, source: reports}
eligibility:
  - {id: report, text: "a readable report", require: "report.readable", stage: analysis}
endpoints:
  os: {events: [death], horizon_months: 60}
privacy: {pseudonymise: true, key_file: key.txt}
"""


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows(rows)


def hits(content):
    return [secret for secret in SECRETS for code in ("utf-8", "utf-16-le", "gb18030") if secret.encode(code) in content]


def run(*command):
    environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return subprocess.run([program, *map(str, command)], capture_output=True, env=environment, timeout=100)


def make(cohort):
    (cohort / "cohort.yaml").write_text(COHORT, encoding="utf-8")
    (cohort / "key.txt").write_text("a secret of sufficient length\n")
    ids = [f"QX-MRN-4471-{i}" for i in range(6)]
    patients = [[key, "AB"[i % 2], 50 + i, "欧阳甄仁", "13912345678"] for i, key in enumerate(ids)]
    write(cohort / "patients.csv", [["patient_id", "centre", "age", "name", "phone"], *patients])
    follow_up = [[key, 300 if i == 0 else "", 300 if i == 0 else 900, "上官报医"] for i, key in enumerate(ids)]
    write(cohort / "follow_up.csv", [["patient_id", "death_day", "last_contact_day", "doctor"], *follow_up])
    (cohort / "欧阳甄仁 13912345678.txt").write_text(LETTER, encoding="utf-8")
    (cohort / "ZY0098765.txt").write_text(LETTER, encoding="gb18030")
    (cohort / "Quartermain.txt").write_bytes(LETTER.encode("utf-8")[:200] + b"\xff\xff\xff\x80\x00")  # cannot be decoded
    write(cohort / "reports.csv", [
        ["patient_id", "path", "text", "language", "signed"],
        [ids[0], "欧阳甄仁 13912345678.txt", "", "zh", "上官报医"],
        [ids[1], "ZY0098765.txt", "", "", "19610307"],
        [ids[2], "Quartermain.txt", "", "", ""],
        [ids[3], "B2024-77123 absent.txt", "", "", ""],
        [ids[4], "", LETTER, "zh", ""],
        [ids[4], "", "欧阳甄仁 MVI：M2。", "zh", ""],
        [ids[5], "", "13912345678", "", ""],
    ])


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    cohort, out = folder / "cohort", folder / "out"
    cohort.mkdir()
    make(cohort)
    table = cohort / "cohort.yaml"
    said = b""
    for command in (["cohort", "check", "--cohort", table, "--out", folder / "check"], ["shard", "--cohort", table, "--out", out], ["inspect", out],
                    ["inspect", out, "--verify", "--json"], ["shard", "--cohort", table, "--out", out]):
        done = run(*command)
        if done.returncode != 0:
            sys.exit(f"{command} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
        said += done.stdout + done.stderr
    files = [path for root in (out, folder / "check") for path in root.rglob("*") if path.is_file()]
    found = [(str(path.relative_to(folder)), hit) for path in files for hit in hits(path.read_bytes()) + hits(str(path.relative_to(folder)).encode())]
    if found or hits(said):
        sys.exit(f"identifiers left ingest: files {found}, output {hits(said)}")
    # It searched what it meant to search: the store holds what the reports state, and the broken ones are counted.
    if not any(path.suffix == ".h5" for path in files) or b"edmondson" not in b"".join(path.read_bytes() for path in files):
        sys.exit("no store with the reports' facts was searched")
    failures = (out / "failures.csv").read_text(encoding="utf-8")
    if "unreadable" not in failures or "missing_file" not in failures:
        sys.exit(f"broken reports are not counted: {failures}")
    # A cohort that cannot be read at all: the message names the place, not the patient.
    with open(cohort / "reports.csv", "a", encoding="utf-8") as handle:
        handle.write("欧阳甄仁 13912345678,,MVI：M1 Zebulon Quartermain,zh\n")
    done = run("cohort", "check", "--cohort", table, "--out", folder / "again")
    if done.returncode != 3 or hits(done.stdout + done.stderr):
        sys.exit(f"a broken table: exit {done.returncode}, said {hits(done.stdout + done.stderr)}")
