# SPDX-License-Identifier: Apache-2.0
"""Nothing that identifies a patient leaves ingest when the cohort asks for pseudonyms. A synthetic cohort of three centres
gets identifiers for study keys, undeclared columns full of them, and salted files (salted_files.py): DICOM series, slides and
letters, whole, cut short and misnamed, in folders and files named after the patient. Check, store, its tables and journal,
validation, prediction, report and every line of output are searched, as text in UTF-8, UTF-16 and GB18030."""
import csv
import hmac
import pathlib
import shutil
import subprocess
import sys
import tempfile

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from salted_files import ALL, LETTER, SECRETS, dicom, tiff

PROGRAM = sys.argv[1]
TRAINER = subprocess.run([PROGRAM, "validate", "--help"], capture_output=True).returncode == 0
SECRET = "a secret of sufficient length"
CODES = ("utf-8", "utf-16-le", "utf-16-be", "gb18030")
NEEDLES = {(secret, secret.encode(code)) for secret in SECRETS for code in CODES}


def hits(content):
    return sorted({secret for secret, needle in NEEDLES if needle in content})


def hits_in_file(path):
    content = path.read_bytes()
    return hits(content) + hits(content[1:] if len(content) % 2 else content)


def run(*words, ranks=1, exit_code=0):
    """Runs a command, keeps what it says, and holds it to its exit code and to silence about patients."""
    command = [PROGRAM, *map(str, words)]
    if ranks > 1:
        command = ["mpirun", "--oversubscribe", "--allow-run-as-root", "--bind-to", "none", "-n", str(ranks)] + command
    done = subprocess.run(command, capture_output=True, timeout=600)
    said = done.stdout + done.stderr
    assert done.returncode == exit_code, f"{words} ended with {done.returncode}: {said.decode(errors='replace')}"
    assert not hits(said), f"{words} said {hits(said)}: {said.decode(errors='replace')}"
    return said.decode(errors="replace")


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def write(path, lines):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)


SALTED = []  # the six patients whose files are salted


def pseudonym(patient):
    return hmac.new(SECRET.encode(), patient.encode(), "sha256").hexdigest()[:24]


def who_is_present(store):
    present = {}
    for shard in (store / "features").glob("*.h5"):
        with h5py.File(shard) as file:
            keys = [key.decode() if isinstance(key, bytes) else key for key in file["patient/id"][:]]
            for modality in ("ct", "slide", "report"):
                present.setdefault(modality, set()).update(key for key, there in zip(keys, file[modality]["present"][:]) if there)
    return present


def rename_patients(cohort):
    """Study keys that identify, and in every table columns that nobody declared."""
    key = lambda synthetic: f"QX-MRN-4471-{synthetic[1:]}"
    for table in cohort.glob("*.csv"):
        header, *lines = read(table)
        undeclared = ["欧阳甄仁", ALL, "13912345678", "Zebulon Quartermain"]
        write(table, [header + ["name", "remarks", "phone", "ZY0098765"]] + [[key(line[0])] + line[1:] + undeclared for line in lines])
    return read(cohort / "patients.csv")


def add_rows(cohort, table, rows):
    header, *lines = read(cohort / table)
    columns = header.index("name")
    write(cohort / table, [header] + lines + [(row + [""] * columns)[:columns] + ["欧阳甄仁", ALL, "13912345678", "B2024-77123"] for row in rows])


def drop_rows(cohort, table, patients):
    header, *lines = read(cohort / table)
    write(cohort / table, [header] + [line for line in lines if line[0] not in patients])


def salted_images(cohort, patients):
    """Whole, incomplete, without images, cut short, missing; and a mask that no reader takes."""
    root = cohort / "欧阳甄仁 ZY0098765"
    for number, name in enumerate(("Zebulon Quartermain", "13912345678", "SR 上官报医", "cut 19610307", "B2024-77123")):
        (root / name).mkdir(parents=True)
        for phase, word in enumerate(("动脉期", "门静脉期")):
            for index in range(12):
                if number == 0 or (number == 1 and index != 5):
                    dicom(root / name / f"欧阳甄仁 {phase}-{index}.dcm", slice_index=index, phase=word, series=phase + 1)
        (root / name / "ZY0098765 readme.txt").write_text(LETTER, encoding="utf-8")
    dicom(root / "SR 上官报医" / "Quartermain.dcm", structured_report=True)
    for index in range(4):
        dicom(root / "cut 19610307" / f"Quartermain {index}.dcm", slice_index=index, cut=3000 + 900 * index)
    for index in range(6):
        dicom(root / "B2024-77123" / f"{index}.dcm", slice_index=index, syntax="1.2.840.13912345678.19610307")
    (root / "mask 13912345678.nii").write_bytes(ALL.encode("utf-8") * 9)
    paths = ["Zebulon Quartermain", "13912345678", "SR 上官报医", "cut 19610307", "B2024-77123", "no such 19610307.dcm"]
    drop_rows(cohort, "imaging.csv", patients)
    header = read(cohort / "imaging.csv")[0]
    made = [dict(patient_id=patient, path=f"欧阳甄仁 ZY0098765/{path}", timing="pre_op", mask="欧阳甄仁 ZY0098765/mask 13912345678.nii") for patient, path in zip(patients, paths)]
    add_rows(cohort, "imaging.csv", [[row.get(column, "") for column in header] for row in made])


def salted_slides(cohort, patients):
    root = cohort / "slides"
    tiff(root / "欧阳甄仁 B2024-77123.svs", aperio=True)
    tiff(root / "Zebulon Quartermain.tif")
    tiff(root / "13912345678.svs", aperio=True, cut=90000)
    (root / "ZY0098765.kfb").write_bytes(ALL.encode("gb18030") * 50)
    (root / "QX-MRN-4471.h5").write_bytes(ALL.encode("utf-8") * 50)
    (root / "19610307.geojson").write_text('{"type": "欧阳甄仁 13912345678"}', encoding="utf-8")
    paths = ["欧阳甄仁 B2024-77123.svs", "Zebulon Quartermain.tif", "13912345678.svs", "ZY0098765.kfb", "QX-MRN-4471.h5", "absent 19610307.svs"]
    drop_rows(cohort, "slides.csv", patients)
    header, *lines = read(cohort / "slides.csv")
    at = header.index("name")
    write(cohort / "slides.csv", [header[:at] + ["mask"] + header[at:]] + [line[:at] + [""] + line[at:] for line in lines])
    add_rows(cohort, "slides.csv", [[patient, "slides/" + path, "HE", "", ""] for patient, path in zip(patients, paths)])
    add_rows(cohort, "slides.csv", [[patients[1], "slides/Zebulon Quartermain.tif", "HE", "", "slides/19610307.geojson"]])  # no GeoJSON


def salted_reports(cohort, patients):
    root = cohort / "reports"
    (root / "欧阳甄仁 13912345678.txt").write_text(LETTER, encoding="utf-8")
    (root / "ZY0098765.txt").write_text(LETTER, encoding="gb18030")
    (root / "Quartermain.txt").write_bytes(LETTER.encode("utf-8")[:200] + b"\xff\xff\xff\x80\x00")  # cannot be decoded
    drop_rows(cohort, "reports.csv", patients)
    header, *lines = read(cohort / "reports.csv")
    at = header.index("name")
    write(cohort / "reports.csv", [header[:at] + ["text"] + header[at:]] + [line[:at] + [""] + line[at:] for line in lines])
    rows = [[patients[0], "reports/欧阳甄仁 13912345678.txt", "zh", ""], [patients[1], "reports/ZY0098765.txt", "", ""], [patients[2], "reports/Quartermain.txt", "", ""],
            [patients[3], "reports/B2024-77123 absent.txt", "", ""], [patients[4], "", "zh", LETTER], [patients[4], "", "zh", "欧阳甄仁 MVI：M2。"], [patients[5], "", "", "13912345678"]]
    add_rows(cohort, "reports.csv", rows)


def made_cohort(folder):
    cohort = folder / "cohort"
    run("synth", "--out", cohort, "--patients", 48, "--centres", 3, "--seed", 5, "--raw", 3)
    lines = rename_patients(cohort)
    patients = SALTED[:] = [line[0] for line in lines[1:7]]
    # The raw files of the generator, under names that identify.
    for table, column in (("imaging.csv", 1), ("slides.csv", 1), ("reports.csv", 1)):
        header, *rows = read(cohort / table)
        for row in rows[-3:]:
            old = cohort / row[column]
            if not old.exists():
                continue
            new = old.with_name(f"Quartermain 13912345678 {old.name}")
            old.rename(new)
            row[column] = str(new.relative_to(cohort))
        write(cohort / table, [header] + rows)
    salted_images(cohort, patients)
    salted_slides(cohort, patients)
    salted_reports(cohort, patients)
    # Free text in columns that are known by name.
    header, *rows = read(cohort / "treatments.csv")
    write(cohort / "treatments.csv", [header[:-4] + ["finding", "drug_class"] + header[-4:]] + [row[:-4] + ["seen by 上官报医, 13912345678", "Zebulon Quartermain"] + row[-4:] for row in rows])
    header, *rows = read(cohort / "follow_up.csv")
    write(cohort / "follow_up.csv", [header[:-4] + ["recurrence_site", "cause"] + header[-4:]] + [row[:-4] + ["liver, 欧阳甄仁", "ZY0098765"] + row[-4:] for row in rows])
    (cohort / "key.txt").write_text(SECRET + "\n")
    with open(cohort / "cohort.yaml", "a", encoding="utf-8") as yaml:
        yaml.write("privacy: {pseudonymise: true, key_file: key.txt}\n")
    return cohort


def break_table(cohort, table, change):
    """A copy of the cohort's tables with one of them broken; what the check says of it must name no patient."""
    broken = cohort.with_name("broken")
    shutil.rmtree(broken, ignore_errors=True)
    broken.mkdir()
    for file in [*cohort.glob("*.csv"), cohort / "cohort.yaml", cohort / "key.txt"]:
        shutil.copy(file, broken)
    lines = read(broken / table)
    change(lines)
    write(broken / table, lines)
    said = run("cohort", "check", "--cohort", broken / "cohort.yaml", "--out", cohort.with_name("broken-check"), exit_code=3)
    assert table in said, f"the message does not name the table: {said}"


def broken_tables(cohort):
    def set_cell(row, column, value):
        return lambda lines: lines[row].__setitem__(lines[0].index(column) if isinstance(column, str) else column, value)

    break_table(cohort, "reports.csv", set_cell(1, 0, "欧阳甄仁 13912345678"))                   # unknown patient
    break_table(cohort, "patients.csv", lambda lines: lines.append(list(lines[1])))             # twice
    break_table(cohort, "patients.csv", set_cell(1, "age", "欧阳甄仁 1961-03-07"))                # no number
    break_table(cohort, "patients.csv", set_cell(1, "mvi", "Zebulon Quartermain"))              # no category
    break_table(cohort, "patients.csv", set_cell(1, "cirrhosis", "13912345678"))                # no flag
    break_table(cohort, "patients.csv", set_cell(1, "surgery_date", "born 19610307"))           # no date
    break_table(cohort, "patients.csv", set_cell(1, "surgery_date", "22347"))                   # a spreadsheet's 1961-03-07
    break_table(cohort, "patients.csv", set_cell(1, "centre", ""))                              # none
    break_table(cohort, "patients.csv", lambda lines: lines[0].__setitem__(2, "欧阳甄仁"))        # no such column
    break_table(cohort, "patients.csv", lambda lines: lines[0].__setitem__(-1, lines[0][-4]))   # a header twice
    break_table(cohort, "follow_up.csv", lambda lines: lines.append(list(lines[1])))            # two rows
    break_table(cohort, "follow_up.csv", set_cell(1, "last_contact_day", "13912345678 Quartermain"))
    break_table(cohort, "treatments.csv", set_cell(1, "kind", "by Zebulon Quartermain"))
    break_table(cohort, "imaging.csv", set_cell(1, "timing", "ZY0098765"))
    break_table(cohort, "slides.csv", set_cell(1, "um_per_pixel", "上官报医"))


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    cohort = made_cohort(folder)
    table, out = cohort / "cohort.yaml", folder / "out"
    out.mkdir()
    run("cohort", "check", "--cohort", table, "--out", out / "check")
    run("shard", "--cohort", table, "--out", out / "store", "--dry-run")
    run("shard", "--cohort", table, "--out", out / "store", ranks=2)
    run("shard", "--cohort", table, "--out", out / "store", "--retry-failed", "--json")
    run("cohort", "check", "--cohort", table, "--out", out / "check-with-store", "--store", out / "store")
    run("inspect", out / "store", "--verify", "--json")
    if TRAINER:
        (folder / "experiment.yaml").write_text("schema: hepar-experiment/1\ntrain: {steps: 4, slots_per_step: 4}\n")
        run("validate", "--config", folder / "experiment.yaml", "--store", out / "store", "--out", out / "validation", ranks=2)
        run("report", out / "validation", "--store", out / "store", "--out", out / "report.html")
        run("train", "--config", folder / "experiment.yaml", "--store", out / "store", "--out", out / "run")
        run("predict", "--run", out / "run", "--store", out / "store", "--out", out / "predictions.csv")
    files = [path for path in out.rglob("*") if path.is_file()]
    found = [(str(path.relative_to(folder)), hit) for path in files for hit in hits_in_file(path) + hits(str(path.relative_to(folder)).encode())]
    assert not found, f"identifiers left ingest: {found}"
    # It searched what it meant to search: salted files were read, and the broken ones are counted.
    failures = (out / "store" / "failures.csv").read_text(encoding="utf-8")
    for reason in ("missing_file", "unreadable", "unsupported", "odd_shape"):
        assert reason in failures, f"{reason} is not among {failures}"
    store = b"".join(path.read_bytes() for path in (out / "store" / "features").glob("*.h5"))
    assert b"edmondson" in store, "no store with the letters' facts was searched"
    present = who_is_present(out / "store")
    names = [pseudonym(patient) for patient in SALTED]
    assert names[0] in present["ct"] and {names[0], names[1]} <= present["slide"] and {names[0], names[1], names[4]} <= present["report"], "salted files were not read"
    assert hits_in_file(cohort / "slides" / "欧阳甄仁 B2024-77123.svs") and hits_in_file(next((cohort / "欧阳甄仁 ZY0098765").rglob("欧阳甄仁 0-0.dcm")))
    broken_tables(cohort)
print("ok")
