# SPDX-License-Identifier: Apache-2.0
"""What a data manager looks at: preview/, quality.csv and quality.html are the same bytes on any rank count, come back when they are
lost, name everybody by study key alone, and show what was read and what was not."""
import csv
import json
import pathlib
import re
import struct
import sys
import tempfile
from html.parser import HTMLParser

import h5py
import numpy as np

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "tests" / "store"), str(SOURCE / "tests" / "pathology")]
import made_cohort  # noqa: E402
import made_slide  # noqa: E402

SECRET = "ZHANGSAN-330102"  # in every file name; nowhere else


def make(folder):
    folder.mkdir()
    made_slide.tiled_tiff(folder / f"{SECRET}-a.tif", made_slide.stained(1), 2.0)
    made_slide.tiled_tiff(folder / f"{SECRET}-b.tif", made_slide.stained(2), 2.0)
    made_slide.tiled_tiff(folder / f"{SECRET}-noscale.tif", made_slide.stained(3), None)
    (folder / f"{SECRET}-broken.tif").write_bytes(b"II*\0 this is no slide")
    values = np.random.default_rng(4).integers(-100, 200, (8, 24, 24))
    mask = np.zeros((8, 24, 24), int)
    mask[2:5, 6:12, 8:15] = 1
    made_cohort.write_nifti(folder / f"{SECRET}-ct.nii", values)
    made_cohort.write_nifti(folder / f"{SECRET}-mask.nii", mask)
    rows = {"patients": [["patient_id", "centre"], ["K 1/肝", "C1"], ["K2", "C1"], ["K3", "C2"], ["K4", "C2"], ["K5", "C2"]],
            "slides": [["patient_id", "path"], ["K 1/肝", f"{SECRET}-a.tif"], ["K2", f"{SECRET}-broken.tif"], ["K3", f"{SECRET}-noscale.tif"],
                       ["K4", f"{SECRET}-a.tif"], ["K4", f"{SECRET}-b.tif"]],
            "imaging": [["patient_id", "path", "timing", "phase", "mask"], ["K 1/肝", f"{SECRET}-ct.nii", "pre_op", "arterial", f"{SECRET}-mask.nii"],
                        ["K5", f"{SECRET}-gone.nii", "pre_op", "portal", ""]]}
    for name, table in rows.items():
        made_cohort.write_csv(folder / f"{name}.csv", table)
    (folder / "cohort.yaml").write_text(
        "schema: hepar-cohort/1\npatients: patients.csv\nslides: slides.csv\nimaging: imaging.csv\nmodalities:\n"
        "  slide: {kind: bag, source: slides, um_per_pixel: 2.0, tile: 64, encoder: builtin}\n"
        "  ct: {kind: volume, source: imaging, timing: pre_op, phases: [arterial, portal], grid: [8, 8, 4], spacing_mm: [5, 5, 5]}\n"
        "eligibility:\n  - {id: sharp, text: slide in focus, require: 'slide.blur < 0.5', on_unknown: exclude, stage: analysis}\n")
    return folder / "cohort.yaml"


def looked_at(store):
    """Name -> bytes of all that a person looks at."""
    return {str(path.relative_to(store)): path.read_bytes() for path in [*sorted((store / "preview").iterdir()), store / "quality.csv", store / "quality.html"]}


def size_of_jpeg(data):
    assert data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9", "no whole JPEG"
    at = 2
    while data[at + 1] not in (0xC0, 0xC2):
        at += 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
    height, width = struct.unpack(">HH", data[at + 5:at + 9])
    return width, height


class Page(HTMLParser):
    """Every element is closed, in order; every picture is part of the page."""

    def __init__(self):
        super().__init__()
        self.open, self.pictures = [], 0

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.pictures += 1
            assert dict(attributes)["src"].startswith("data:image/jpeg;base64,/9j/") and dict(attributes)["alt"]
        elif tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag


def rows_say_what_was_found(store):
    rows = {(row["patient_id"], row["modality"], row["item"]): row for row in csv.DictReader(open(store / "quality.csv", encoding="utf-8"))}
    assert sorted(rows) == sorted([("K 1/肝", "slide", "1"), ("K 1/肝", "ct", "arterial"), ("K 1/肝", "ct", "portal"), ("K2", "slide", "1"), ("K3", "slide", "1"),
                                   ("K4", "slide", "1"), ("K4", "slide", "2"), ("K5", "ct", "arterial"), ("K5", "ct", "portal")]), sorted(rows)
    good = rows["K 1/肝", "slide", "1"]
    ellipse = 3.14159 * 0.42 * 0.3 * (1024 * 0.002) ** 2
    assert good["state"] == "present" and good["source"] == "whole slide" and abs(float(good["tissue_mm2"]) / ellipse - 1) < 0.05, good
    assert float(good["um_per_pixel"]) == 2 and good["um_per_pixel_source"] == "tiff" and int(good["tiles"]) > 20, good
    assert 0 <= float(good["blur"]) <= 1 and len(good["stain_eosin"].split()) == 3 and float(good["background"]) > 240, good
    assert rows["K2", "slide", "1"]["state"] == "unsupported" and rows["K3", "slide", "1"]["state"] == "no_scale", rows
    assert "no_scale" in rows["K3", "slide", "1"]["attention"] and not rows["K3", "slide", "1"]["preview"]
    arterial = rows["K 1/肝", "ct", "arterial"]
    assert arterial["spacing_mm"] == "2.5 2.5 5" and arterial["slices"] == "8" and float(arterial["mask_ml"]) == 3 * 6 * 7 * 2.5 * 2.5 * 5 / 1000, arterial
    assert rows["K 1/肝", "ct", "portal"]["state"] == "missing_phase" and rows["K5", "ct", "portal"]["state"] == "missing_phase"
    for row in rows.values():
        if row["preview"]:
            size_of_jpeg((store / "preview" / row["preview"]).read_bytes())
    named = {row["preview"] for row in rows.values() if row["preview"]}
    assert named == {path.name for path in (store / "preview").iterdir()} and len(named) == 4, named
    assert size_of_jpeg((store / "preview" / good["preview"]).read_bytes()) == (256, 256), "the overview is 8 um a pixel"
    return rows


def page_shows_it(store):
    text = (store / "quality.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert not page.open and page.pictures == 4, (page.open, page.pictures)
    assert not re.search(r"""(src|href)\s*=\s*["'](?!#|data:)|https?://|@import|url\(|<script""", text), "the page asks for something from elsewhere"
    for part in ("K 1/肝", "no_scale", "slide: unsupported", "prefers-color-scheme", "@media print", "@media (max-width", "slide in focus"):
        assert part in text, part


def nothing_identifies(store):
    for path in store.rglob("*"):
        assert SECRET not in path.name
        if path.is_file() and path.parent.name not in ("segments", "shards"):
            assert SECRET.encode() not in path.read_bytes(), path


def lost_pictures_come_back(cohort, store, before):
    made_cohort.run(PROGRAM, "inspect", store, "--verify")
    picture = sorted((store / "preview").iterdir())[0]
    data = picture.read_bytes()
    picture.write_bytes(data[:-3] + b"xyz")
    damaged = made_cohort.run(PROGRAM, "inspect", store, "--verify", check=False)
    assert damaged.returncode == 4 and picture.name in damaged.stdout + damaged.stderr, damaged
    picture.unlink()
    missing = made_cohort.run(PROGRAM, "inspect", store, "--verify", check=False)
    assert missing.returncode == 4 and "3 pictures instead of 4" in missing.stdout + missing.stderr, missing
    features = made_cohort.content(store)
    done = json.loads(made_cohort.run(PROGRAM, "shard", "--cohort", cohort, "--out", store, "--json", ranks=2).stdout)
    assert done["extracted"] == 1 and done["shards_written"] == 0, done
    assert looked_at(store) == before and made_cohort.content(store) == features
    made_cohort.run(PROGRAM, "inspect", store, "--verify")
    # What is asked for again gives the same pictures and leaves none behind.
    made_cohort.run(PROGRAM, "shard", "--cohort", cohort, "--out", store, "--retry-failed")
    assert looked_at(store) == before
    table = cohort.parent / "slides.csv"
    table.write_text("".join(line for line in table.read_text().splitlines(True) if "-b.tif" not in line))
    made_cohort.run(PROGRAM, "shard", "--cohort", cohort, "--out", store)
    assert len(list((store / "preview").iterdir())) == 3, "a picture of a slide that the cohort no longer has"
    made_cohort.run(PROGRAM, "inspect", store, "--verify")


def imported_features_say_what_is_known(folder, store):
    """A store without raw files has no pictures, and still a table and a page: tiles, and the resolution in each tool's way of saying it."""
    said = {"K2": ("coords", {"target_magnification": 20, "patch_size": 256}, "0.5", "target_magnification"), "K3": ("/", {"tile_size_um": 256.0, "tile_size_px": 224}, "1.14286", "tile_size_um"),
            "K4": ("coords", {"patch_size": 256, "patch_level": 0}, "", ""), "K5": ("coords", {"um_per_pixel": 0.25}, "0.25", "um_per_pixel")}
    for tiles, (patient, (place, attributes, _, _)) in enumerate(said.items(), 5):
        with h5py.File(folder / f"{patient}.h5", "w") as file:
            file["features"], file["coords"] = np.ones((tiles, 8), "f4"), np.zeros((tiles, 2), int)
            file[place].attrs.update(attributes)
    made_cohort.write_csv(folder / "tiles.csv", [["patient_id", "path"], *([patient, f"{patient}.h5"] for patient in said)])
    cohort = folder / "features.yaml"
    cohort.write_text("schema: hepar-cohort/1\npatients: patients.csv\nslides: tiles.csv\nmodalities:\n  slide: {kind: bag, source: slides}\n")
    made_cohort.run(PROGRAM, "shard", "--cohort", cohort, "--out", store)
    page = (store / "quality.html").read_text(encoding="utf-8")
    assert not (store / "preview").exists() and "Who entered" in page and page.count("imported tile features") == 4, page.count("imported tile features")
    rows = list(csv.DictReader(open(store / "quality.csv", encoding="utf-8")))
    told = [(row["patient_id"], row["state"], row["source"], row["tiles"], row["um_per_pixel"], row["um_per_pixel_source"], row["attention"]) for row in rows]
    assert told == [(patient, "present", "imported tile features", str(tiles), um, source, "") for tiles, (patient, (_, _, um, source)) in enumerate(said.items(), 5)], told


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    cohort = make(folder / "cohort")
    for ranks in (1, 2, 3):
        made_cohort.run(PROGRAM, "shard", "--cohort", cohort, "--out", folder / f"s{ranks}", ranks=ranks)
    one = looked_at(folder / "s1")
    for ranks in (2, 3):
        assert looked_at(folder / f"s{ranks}") == one, f"{ranks} ranks show other things than 1"
    rows_say_what_was_found(folder / "s1")
    page_shows_it(folder / "s1")
    nothing_identifies(folder / "s1")
    lost_pictures_come_back(cohort, folder / "s2", one)
    imported_features_say_what_is_known(cohort.parent, folder / "features")
print("preview, table and page are there, the same on any rank count, and name nobody")
