# SPDX-License-Identifier: Apache-2.0
"""`hepar synth --raw`: files as hospitals have them, and what `hepar shard` reads out of them tells the latents. Ridge on
pooled features of the store, each centre held out in turn: R2 of every latent, and of permuted ones. 60 patients by default
(so few tell the weaker latents less well: the bar is lower); HEPAR_LONG=1: 300 patients and the bar of the design."""
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

PROGRAM = sys.argv[1]
LONG = os.environ.get("HEPAR_LONG") == "1"
PATIENTS, CENTRES, BAR = (300, 6, 0.30) if LONG else (60, 6, 0.10)
PERMUTED_BAR = 0.02
SEEN_IN = ["ct", "ct", "slide", "slide", "slide", "report"]  # which modality shows latent i


def run(*words, ranks=1, exit_code=0):
    command = [PROGRAM, *map(str, words)]
    if ranks > 1:
        command = ["mpirun", "--oversubscribe", "--allow-run-as-root", "--bind-to", "none", "-n", str(ranks)] + command
    done = subprocess.run(command, capture_output=True, text=True, timeout=1400)
    assert done.returncode == exit_code, f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pooled_volume(values):
    """Mean and percentiles of each phase, and the mean of its middle (40 x 40 x 20 mm)."""
    out = []
    for phase in values.astype(np.float64):
        z, y, x = (n // 2 for n in phase.shape)
        out += [phase.mean(), *np.percentile(phase, [5, 25, 50, 75, 95, 99]), phase[z - 2:z + 2, y - 4:y + 4, x - 4:x + 4].mean()]
    return out


def pooled_bag(values):
    """Mean and quantiles over tiles."""
    values = values.astype(np.float64)
    return np.concatenate([values.mean(0), *np.percentile(values, [10, 50, 90], axis=0)])


def pooled_sequence(values):
    """How often each word of the lexicon stands there."""
    return np.bincount(values.ravel(), minlength=700)[:700].astype(np.float64)


POOL = {"ct": pooled_volume, "slide": pooled_bag, "report": pooled_sequence}


def pooled_features(store):
    """{modality: {patient: pooled}} of what the store says is present."""
    pooled = {name: {} for name in POOL}
    for shard in sorted((store / "features").glob("*.h5")):
        with h5py.File(shard) as file:
            ids = [key.decode() if isinstance(key, bytes) else str(key) for key in file["patient/id"][:]]
            for name, pool in POOL.items():
                values, offsets, present = (file[f"{name}/{part}"] for part in ("values", "offsets", "present"))
                for i, key in enumerate(ids):
                    if not present[i]:
                        continue
                    items = values[offsets[i]:offsets[i + 1]]
                    if name == "ct" and not file["ct/phase_present"][i].all():
                        continue
                    pooled[name][key] = pool(items[0] if name == "ct" else items)
    return pooled


def ridge(x, y, to, penalties):
    """Predictions for `to`, a row a penalty."""
    mean, scale = x.mean(0), x.std(0)
    keep = scale > 1e-6
    a, b = (x[:, keep] - mean[keep]) / scale[keep], (to[:, keep] - mean[keep]) / scale[keep]
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    seen, shown = u.T @ (y - y.mean()), b @ vt.T
    return np.array([y.mean() + shown @ (s / (s ** 2 + penalty) * seen) for penalty in penalties])


def ridge_chosen(x, y, to, centre):
    """The penalty is the one that tells the training centres from each other best: generalised cross-validation has no
    minimum to find where there are more features than patients."""
    penalties = 10.0 ** np.arange(0, 7, 0.5)
    errors = np.zeros(len(penalties))
    for held in sorted(set(centre)):
        test = centre == held
        errors += ((ridge(x[~test], y[~test], x[test], penalties) - y[test]) ** 2).sum(1)
    return ridge(x, y, to, penalties[[errors.argmin()]])[0]


def held_out_r2(x, y, centre):
    predicted, base = np.empty_like(y), np.empty_like(y)
    for held in sorted(set(centre)):
        test = centre == held
        predicted[test], base[test] = ridge_chosen(x[~test], y[~test], x[test], centre[~test]), y[~test].mean()
    return 1 - ((y - predicted) ** 2).sum() / ((y - base) ** 2).sum()


def latents_are_told(cohort, store):
    truth = {row["patient_id"]: row for row in rows(cohort.with_name(cohort.name + ".truth") / "truth.csv")}
    pooled = pooled_features(store)
    for latent, modality in enumerate(SEEN_IN):
        patients = sorted(pooled[modality])
        assert len(patients) >= 0.75 * len(truth), (modality, len(patients))
        x = np.array([pooled[modality][p] for p in patients])
        centre = np.array([truth[p]["centre"] for p in patients])
        y = np.array([float(truth[p][f"latent_{latent}"]) for p in patients])
        told = held_out_r2(x, y, centre)
        shuffle = np.random.default_rng(latent)
        by_chance = np.mean([held_out_r2(x, shuffle.permutation(y), centre) for _ in range(5)])
        print(f"latent {latent} from {modality}: R2 {told:.3f} on held-out centres, permuted {by_chance:.3f} (n {len(patients)})")
        assert told >= BAR, f"latent {latent}: {told} < {BAR}"
        assert by_chance <= PERMUTED_BAR, f"latent {latent} permuted: {by_chance}"


def files_are_the_fields(cohort):
    """Every kind of file is there, and Hepar's own look at it finds what was meant."""
    images, slides = rows(cohort / "imaging.csv"), rows(cohort / "slides.csv")
    assert {row["timing"] for row in images} == {"pre_op", "post_op"}
    shown = json.loads(run("inspect", "--json", *[cohort / row["path"] for row in images]).stdout)
    rules = {series["phase_rule"].split(":")[0] for one in shown for series in one.get("series", []) if series["phase_rule"]}
    assert {"description", "timing"} <= rules, rules
    codes = {note["code"] for one in shown for note in one["notes"]}
    assert {"several_phases", "duplicate", "left_out"} <= codes, codes
    syntaxes = {series["transfer_syntax"] for one in shown for series in one.get("series", [])}
    assert len(syntaxes) >= 3, syntaxes
    assert {row["path"].rsplit(".", 1)[1] for row in slides} == {"svs", "tif"}
    seen = json.loads(subprocess.run([PROGRAM, "inspect", "--json", *[str(cohort / row["path"]) for row in slides]], capture_output=True, text=True).stdout)
    whole = [one for one in seen if one["readable"]]
    assert len(whole) >= 0.9 * len(seen), [one["reason"] for one in seen if not one["readable"]]
    # The scale comes from the vendor's field, the TIFF's (which OpenSlide 4 takes for a vendor's), or the table.
    sources = {one["um_per_pixel_source"] for one in whole}
    assert "vendor" in sources and len(sources) > 1 and any(row["um_per_pixel"] for row in slides), sources
    assert all(one["levels"] == 3 for one in whole), [one["levels"] for one in whole][:5]
    letters = [(cohort / row["path"]).read_bytes() for row in rows(cohort / "reports.csv")]
    chinese = ["肝".encode(code) for code in ("utf-8", "gb18030")]
    assert all(any(word in letter for letter in letters) for word in chinese) and any(b"FINAL DIAGNOSIS" in letter for letter in letters)
    ways, spelt = {"未查", "不详", "/", "N/A"}, {}  # of what was not measured: each centre has its own
    for row in rows(cohort / "patients.csv"):
        spelt.setdefault(row["centre"], set()).update({row["hbsag"], row["pivka"]} & ways)
    assert all(len(own) <= 1 for own in spelt.values()) and len(set().union(*spelt.values())) >= (4 if LONG else 3), spelt


def killed_and_continued(cohort, reference, folder):
    """kill -9 in the middle of raw files: the same store after it, and the journal says who was read when, and how it ended."""
    store, table = folder / "killed", cohort / "cohort.yaml"
    dry = json.loads(run("shard", "--cohort", table, "--out", store, "--dry-run", "--json").stdout)
    assert dry["extracted"] == PATIENTS and dry["source_bytes"] > 1e6 * PATIENTS and dry["predicted_seconds"] > 1, dry
    assert not (store / "store.json").exists()
    process = subprocess.Popen([PROGRAM, "shard", "--cohort", str(table), "--out", str(store)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    written = lambda: sum(path.stat().st_size for path in store.glob("journal/segments/*"))
    while process.poll() is None and written() < 2e5:
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -9, "the run ended before it was killed"
    done = json.loads(run("shard", "--cohort", table, "--out", store, "--json", ranks=2).stdout)
    assert 0 < done["reused"] < PATIENTS and done["extracted"] == PATIENTS - done["reused"], done
    first = json.loads((reference / "store.json").read_text())
    assert done["features_sha256"] == first["features_sha256"] and done["tables_sha256"] == first["tables_sha256"], "killed or not, the same store"
    # Predicted bytes are of the right size.
    assert 0.3 < dry["feature_bytes"] / done["feature_bytes"] < 3, (dry["feature_bytes"], done["feature_bytes"])
    attempts = {row["patient_id"]: row for row in rows(store / "journal" / "attempts.csv")}
    failures = [row for row in rows(store / "failures.csv") if row["reason"] != "series_chosen"]
    assert len(attempts) == PATIENTS and all(int(row["bytes"]) > 0 and float(row["seconds"]) >= 0 for row in attempts.values())
    assert sum(int(row["attempts"]) - int(row["cut_off"]) for row in attempts.values()) in (PATIENTS, PATIENTS + 1), "a torn record is read again"
    for row in failures:
        assert f"{row['modality']}: {row['reason']}" in attempts[row["patient_id"]]["result"], (row, attempts[row["patient_id"]])
    again = json.loads(run("shard", "--cohort", table, "--out", store, "--retry-failed", "--json").stdout)
    failed = {row["patient_id"] for row in failures}
    assert failed and again["extracted"] == len(failed) and again["features_sha256"] == first["features_sha256"], (again, failed)
    twice = {row["patient_id"] for row in rows(store / "journal" / "attempts.csv") if int(row["attempts"]) - int(row["cut_off"]) > 1}
    assert failed <= twice <= failed | set(attempts) and len(twice) <= len(failed) + 1, (failed, twice)


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    cohort, store = folder / "cohort", folder / "store"
    start = time.monotonic()
    run("synth", "--out", cohort, "--patients", PATIENTS, "--centres", CENTRES, "--seed", 11, "--level", "raw")
    print(f"synth: {PATIENTS / (time.monotonic() - start):.1f} patients/s")
    start = time.monotonic()
    run("shard", "--cohort", cohort / "cohort.yaml", "--out", store, ranks=2)
    print(f"shard on 2 ranks: {PATIENTS / (time.monotonic() - start):.1f} patients/s")
    latents_are_told(cohort, store)
    files_are_the_fields(cohort)
    killed_and_continued(cohort, store, folder)
    # A part of a cohort: the others have no slide, for the features of two encoders must not stand in one bag.
    run("synth", "--out", folder / "part", "--patients", 20, "--centres", 3, "--raw", 5, ranks=2)
    run("synth", "--out", folder / "alone", "--patients", 20, "--centres", 3, "--raw", 5)
    bytes_of = lambda root: {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert bytes_of(folder / "part") == bytes_of(folder / "alone"), "the same files on any number of ranks"
    assert not list((folder / "part").rglob("*.h5")) and len(list((folder / "part" / "slides").iterdir())) <= 6
    assert len(list((folder / "part" / "imaging").glob("*.nii"))) > 20
    run("synth", "--out", folder / "none", "--patients", 3, "--centres", 1, "--raw", 4, exit_code=2)
    run("synth", "--out", folder / "none", "--patients", 3, "--centres", 1, "--raw", 1, "--level", "tables", exit_code=2)
