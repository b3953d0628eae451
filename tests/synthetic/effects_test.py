# SPDX-License-Identifier: Apache-2.0
"""What `hepar synth` puts into features, tables and courses, measured by another program: sizes and shapes, shares of what is
missing, differences between centres, and the effects of the design, each within four standard errors."""
import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # such small matrices are not worth threads that wait for one another
import h5py
import numpy as np

PROGRAM = sys.argv[1]
PATIENTS, CENTRES, TILES, WIDTH = 700, 6, 200, 384


def run(*words):
    return subprocess.run([PROGRAM, *map(str, words)], check=True, capture_output=True, text=True, timeout=600).stdout


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def by_patient(table):
    return {row["patient_id"]: row for row in table}


def near(value, expected, error, what):
    assert abs(value - expected) <= 4 * error, f"{what}: {value:.3f}, expected {expected:.3f} within {4 * error:.3f}"


def least_squares(design, outcome):
    """Coefficients and their standard errors."""
    coefficients, *_ = np.linalg.lstsq(design, outcome, rcond=None)
    left = outcome - design @ coefficients
    variance = (left ** 2).sum(axis=0) / (len(design) - design.shape[1])
    return coefficients, np.sqrt(np.diag(np.linalg.inv(design.T @ design))[:, None] * np.atleast_1d(variance)[None, :])


class Cohort:
    def __init__(self, folder):
        self.folder = folder
        self.patients = by_patient(rows(folder / "patients.csv"))
        self.truth = by_patient(rows(folder.with_name(folder.name + ".truth") / "truth.csv"))
        self.centres = sorted({row["centre"] for row in self.patients.values()})
        self.slides, self.images = {}, {}
        for row in rows(folder / "slides.csv"):
            with h5py.File(folder / row["path"]) as file:
                assert file["features"].dtype == np.dtype("<f2") and file["features"].shape[1] == WIDTH, row
                self.slides.setdefault(row["patient_id"], []).append(file["features"][...].astype("f4"))
        for row in rows(folder / "imaging.csv"):
            content = (folder / row["path"]).read_bytes()
            assert len(content) == 352 + 2 * 32 * 32 * 16, row
            self.images.setdefault(row["patient_id"], {})[row["phase"]] = np.frombuffer(content, "<i2", offset=352).reshape(16, 32, 32).astype("f8")

    def latent(self, keys, number):
        return np.array([float(self.truth[key][f"latent_{number}"]) for key in keys])

    def in_centre(self, keys):
        return np.array([[self.patients[key]["centre"] == centre for centre in self.centres] for key in keys], "f8")


def sizes_and_shapes(cohort):
    counts = np.log([sum(len(slide) for slide in slides) for slides in cohort.slides.values()])
    near(np.median(counts), np.log(TILES), 1.2533 * 0.8 / np.sqrt(len(counts)), "median of log tiles")
    near(counts.std(), 0.8, 0.8 / np.sqrt(2 * len(counts)), "log-normal spread of tiles")
    middle = np.sort(counts)[[len(counts) // 10, -len(counts) // 10]] - np.log(TILES)
    assert np.all(np.abs(np.abs(middle) - 1.2816 * 0.8) < 0.2), f"no log-normal: a tenth lies beyond {middle}"
    assert all(set(phases) == {"arterial", "portal"} for phases in cohort.images.values()), "2 x 16 x 32 x 32"
    assert any(len(slides) == 2 for slides in cohort.slides.values())
    shown = json.loads(run("inspect", "--json", *[cohort.folder / row["path"] for row in rows(cohort.folder / "reports.csv")[::4]]))
    tokens = [one["tokens"] for one in shown]
    assert min(tokens) >= 64, f"a report of {min(tokens)} tokens"
    assert {one["language"] for one in shown} == {"zh", "en"}


def what_is_missing(cohort, tables):
    def share(there, n, expected, what):
        near(1 - there / n, expected, np.sqrt(expected * (1 - expected) / n), f"share without {what}")
    reports = {row["patient_id"] for row in rows(cohort.folder / "reports.csv")}
    for there, expected, what in ((cohort.images, 0.05, "CT"), (cohort.slides, 0.10, "slides"), (reports, 0.08, "reports")):
        share(len(there), PATIENTS, expected, what)
    for column, spellings, expected in (("hbsag", ["未查"], 0.03), ("afp", ["NA"], 0.05), ("pivka", ["未查"], 0.15), ("albumin", [""], 0.02), ("mvi", ["NA"], 0.04), ("satellite", [""], 0.05)):
        share(sum(row[column] not in spellings for row in tables), len(tables), expected, column)
    truth = rows(cohort.folder.with_name("tables.truth") / "truth.csv")
    followed = {row["patient_id"] for row in rows(cohort.folder.with_name("tables") / "follow_up.csv")}
    share(len(followed), len(truth), 0.007, "follow-up")
    for what, expected in ((lambda r: r["prior_therapy"] == "1", 0.010), (lambda r: r["margin"] == "R1", 0.010), (lambda r: r["metastasis"] == "1", 0.006), (lambda r: r["histology"] == "ICC", 0.008)):
        near(np.mean([what(row) for row in tables]), expected, np.sqrt(expected / len(tables)), "share of the ineligible")
    ages = np.array([float(row["age"]) for row in tables])
    assert 0.02 < np.mean((ages < 18) | (ages > 75)) < 0.06 and ages.max() > 80


def centres_differ(cohort, tables):
    """Scanner, stain, referral, habit, units and limits; beyond what patients differ by chance."""
    air = {}
    for key, phases in cohort.images.items():
        air.setdefault(cohort.patients[key]["centre"], []).append([phases["arterial"][:, 0, :].mean() + 1000, phases["arterial"][:, 0, :].std()])
    level = {centre: np.array(values) for centre, values in air.items()}
    offsets, noise = (np.array([level[centre][:, column].mean() for centre in cohort.centres]) for column in (0, 1))
    assert offsets.std() > 2 and all(level[centre][:, 0].std() < 2 for centre in cohort.centres), "one scanner, one offset"
    assert np.all((noise > 9) & (noise < 23)) and noise.std() > 1.5, noise
    keys = list(cohort.slides)
    means = np.array([np.concatenate(cohort.slides[key]).mean(axis=0) for key in keys])
    belongs = cohort.in_centre(keys)
    stain = (belongs.T @ means) / belongs.sum(axis=0)[:, None]
    apart = [np.linalg.norm(stain[a] - stain[b]) for a in range(CENTRES) for b in range(a)]
    assert min(apart) > 4 and max(apart) < 8, f"stains lie {min(apart):.1f} to {max(apart):.1f} apart, about 4 times the square root of 2 by design"
    grouped = {}
    for row in tables:
        grouped.setdefault(row["centre"], []).append(row)
    size = [np.mean([np.log(float(row["size"])) for row in group]) for group in grouped.values()]
    chance = 0.55 / np.sqrt(min(map(len, grouped.values())))
    assert np.std(size) > 1.5 * chance, f"referral: mean log sizes differ by {np.std(size):.3f}"
    limits = {centre: {row["afp"] for row in group if row["afp"].startswith(">")} for centre, group in grouped.items()}
    assert all(len(one) <= 1 for one in limits.values()) and {">30000"} <= set().union(*limits.values()) <= {">60500", ">30000"}, limits
    assert any(not one for one in limits.values()), "every laboratory has one limit"
    assert "ug/L" in (cohort.folder / "cohort.yaml").read_text(encoding="utf-8")
    followed = {}
    centre_of = {row["patient_id"]: row["centre"] for row in tables}
    for row in rows(cohort.folder.with_name("tables") / "follow_up.csv"):
        followed.setdefault(centre_of[row["patient_id"]], []).append(float(row["last_contact_day"]) / 30.4375)
    longest = [np.quantile(days, 0.99) for days in followed.values()]
    assert max(longest) - min(longest) > 10 and 40 < min(longest) and max(longest) < 100, longest
    treated = {}
    for row in rows(cohort.folder.with_name("tables.truth") / "truth.csv"):
        treated.setdefault(row["centre"], []).append(row["intended_arm"] != "surgery")
    assert np.ptp([np.mean(one) for one in treated.values()]) > 0.1, "every centre treats alike"


def features_show_the_latents(cohort):
    keys = list(cohort.slides)
    means = np.array([np.concatenate(cohort.slides[key]).mean(axis=0) for key in keys])
    design = np.hstack([np.array([cohort.latent(keys, l) for l in (2, 3, 4)]).T, cohort.in_centre(keys)])
    coefficients, errors = least_squares(design, means)
    for at, expected in enumerate((3.0, 3.0, 7.0 * 0.15)):
        near(np.linalg.norm(coefficients[at]), expected, np.linalg.norm(errors[at]), f"shift of the mean tile by slide latent {at + 2}")
    for latent in (0, 1, 5):
        other, error = least_squares(np.hstack([design, cohort.latent(keys, latent)[:, None]]), means)
        assert np.linalg.norm(other[-1]) < 2 * np.linalg.norm(error[-1]), f"slides show latent {latent}, which is not theirs"
    # The direction in which a patient's tiles differ most tells the tumour from the rest.
    shares = []
    for key in sorted(keys, key=lambda one: -sum(map(len, cohort.slides[one])))[:20]:
        tiles = np.concatenate(cohort.slides[key])
        left = tiles - tiles.mean(axis=0)
        along = left @ np.linalg.svd(left, full_matrices=False)[2][0]
        high = along > (along.min() + along.max()) / 2
        shares.append(min(high.mean(), 1 - high.mean()))
    near(np.mean(shares), 0.15, 0.005, "share of tumour tiles")
    # Tumours above 7 cm hold the middle of the liver, wherever they lie.
    large = [key for key in cohort.images if float(cohort.patients[key]["size"]) > 7]
    for latent, phase, expected, level in ((0, "arterial", 22, 110), (1, "portal", 18, 92)):
        lesion = np.array([cohort.images[key][phase][7:9, 15:17, 13:15].mean() for key in large])
        slope, error = least_squares(np.hstack([cohort.latent(large, latent)[:, None], np.ones((len(large), 1))]), lesion)
        near(slope[0], expected, error[0, 0], f"enhancement by latent {latent}")
        near(slope[1], level, error[1, 0] + 3, f"{phase} lesion")
    signs = {r"Ki-67(约| index )5%": -1, r"Ki-67(约| index )20%": 0, r"Ki-67(约| index )60%": 1}
    texts = {row["patient_id"]: (cohort.folder / row["path"]).read_text(encoding="utf-8") for row in rows(cohort.folder / "reports.csv")}
    for pattern, sign in signs.items():
        shown = [key for key, text in texts.items() if re.search(pattern, text)]
        near(cohort.latent(shown, 5).mean(), 0.987 * sign, 0.75 / np.sqrt(len(shown)), f"latent 5 of {pattern}")


def cox(design, time, event):
    """Breslow's partial likelihood by Newton's method: coefficients and standard errors."""
    order = np.argsort(-time)
    x, event = design[order], event[order]
    beta = np.zeros(design.shape[1])
    for _ in range(12):
        weight = np.exp(x @ beta)
        zero, first = np.cumsum(weight), np.cumsum(weight[:, None] * x, axis=0)
        second = np.cumsum(weight[:, None, None] * x[:, :, None] * x[:, None, :], axis=0)
        mean = first / zero[:, None]
        gradient = (x - mean)[event].sum(axis=0)
        information = (second / zero[:, None, None] - mean[:, :, None] * mean[:, None, :])[event].sum(axis=0)
        step = np.linalg.solve(information, gradient)
        beta += step
        if np.abs(step).max() < 1e-9:
            break
    return beta, np.sqrt(np.diag(np.linalg.inv(information)))


def course(truth, arm):
    """Months to recurrence or death without it, and whether it was recurrence."""
    recurrence, death = (np.array([float(row[f"{arm}_{what}_months"] or 1e9) for row in truth]) for what in ("recurrence", "death"))
    return np.minimum(recurrence, death), (recurrence <= death) & (recurrence < 1e9)  # 1e9: neither within twenty years


def hazards_are_the_literature_s(folder):
    tables, truth = rows(folder / "patients.csv"), by_patient(rows(folder.with_name("tables.truth") / "truth.csv"))
    whole = [row for row in tables if row["mvi"] != "NA" and row["afp"] != "NA" and not row["afp"].startswith(">") and row["pivka"] != "未查" and not row["pivka"].startswith(">")
             and row["differentiation"] and row["satellite"] and row["albumin"] and row["bilirubin"]]
    effects = [("M1", lambda r: r["mvi"] == "M1", np.log(1.4)), ("M2", lambda r: r["mvi"] == "M2", np.log(2.1)), ("size, cm", lambda r: min(float(r["size"]), 15), np.log(1.06)),
               ("multiple", lambda r: r["number"] == "multiple", np.log(1.5)), ("ln AFP", lambda r: np.log(max(float(r["afp"]), 0.05)), np.log(1.08)),
               ("poor", lambda r: r["differentiation"] == "poor", np.log(1.3)), ("cirrhosis", lambda r: r["cirrhosis"] == "1", np.log(1.2)), ("satellite", lambda r: r["satellite"] == "1", np.log(1.6)),
               ("ln PIVKA-II", lambda r: np.log(max(float(r["pivka"]), 0.05)), 0.28), ("albumin", lambda r: float(r["albumin"]), -0.09), ("ln bilirubin", lambda r: np.log(float(r["bilirubin"])), 0.60)]
    effects += [(f"latent {l}", lambda r, l=l: float(truth[r["patient_id"]][f"latent_{l}"]), weight) for l, weight in enumerate((0.54, 0.46, 0.46, 0.38, 0.46, 0.46))]
    centres = sorted({row["centre"] for row in whole})[1:]
    design = np.array([[float(value(row)) for _, value, _ in effects] + [float(row["centre"] == centre) for centre in centres] for row in whole])
    time, recurred = course([truth[row["patient_id"]] for row in whole], "surgery")
    beta, error = cox(design - design.mean(axis=0), time, recurred)
    for at, (what, _, expected) in enumerate(effects):
        near(beta[at], expected, error[at], f"log hazard ratio of {what}")
    assert np.std(np.append(beta[len(effects):], 0)) > 0.05, "no baseline of its own in any centre"
    # Treated and not treated are the same patients: both courses of each, from the latest start on.
    mvi = [truth[row["patient_id"]] for row in tables if row["mvi"] in ("M1", "M2")]
    both = [course(mvi, arm) for arm in ("surgery", "tace")]
    free = np.minimum(both[0][0], both[1][0]) > 2
    time, recurred = (np.concatenate([one[part][free] for one in both]) for part in (0, 1))
    treated = np.repeat([0.0, 1.0], free.sum())
    risk = np.tile([float(row["log_hazard"]) for row, keep in zip(mvi, free) if keep], 2)
    beta, error = cox(np.stack([treated, risk], axis=1), time, recurred)
    near(beta[0], np.log(0.70), error[0], "log hazard ratio of TACE with MVI")
    near(beta[1], 1, error[1], "the hazard is what the truth says")


with tempfile.TemporaryDirectory() as temporary:
    work = pathlib.Path(temporary)
    run("synth", "--out", work / "cohort", "--patients", PATIENTS, "--centres", CENTRES, "--seed", 11)
    run("synth", "--out", work / "tables", "--patients", 6000, "--centres", 12, "--seed", 12, "--level", "tables")
    features, tables = Cohort(work / "cohort"), rows(work / "tables" / "patients.csv")
    sizes_and_shapes(features)
    what_is_missing(features, tables)
    centres_differ(features, tables)
    features_show_the_latents(features)
    hazards_are_the_literature_s(work / "tables")
print("the features, tables and courses are those of the design")
