# SPDX-License-Identifier: Apache-2.0
"""A store as other programs read it: h5py, numpy and xxhash recompute what the page of sharding/store says of every data set."""
import csv
import hashlib
import json
import pathlib
import sys
import tempfile

import h5py
import numpy as np
import xxhash

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests" / "store"))
import made_cohort  # noqa: E402

KINDS = {"ct": ("<f2", (2, 4, 8, 8)), "slide": ("<f2", (made_cohort.WIDTH,)), "report": ("<i4", ())}
PAGE = 4096


def texts(dataset):
    return [text.decode() for text in dataset[:]]


def table(folder, name):
    rows = {}
    for row in csv.DictReader(open(folder / f"{name}.csv", newline="")):
        rows.setdefault(row["patient_id"], []).append(row)
    return rows


def plain_and_aligned(file, path):
    """Every data set is contiguous and unfiltered; the large ones lie on pages, and their bytes stand where HDF5 says."""
    raw = path.read_bytes()

    def check(name, node):
        if not isinstance(node, h5py.Dataset):
            return
        assert node.chunks is None and node.compression is None and node.id.get_create_plist().get_nfilters() == 0, name
        if node.size == 0 or node.dtype.kind == "O":
            return
        offset = node.id.get_offset()
        assert offset is not None and (node.nbytes < PAGE or offset % PAGE == 0), f"{name} lies at {offset}"
        assert raw[offset:offset + node.nbytes] == node[...].tobytes(), f"{name}: other bytes at its offset"
    file.visititems(check)


def modality_holds(file, name, keys, reasons):
    dtype, item = KINDS[name]
    group = file[name]
    values, offsets, present, reason, hashes = (group[part][...] for part in ("values", "offsets", "present", "reason", "xxh3"))
    assert values.dtype == np.dtype(dtype) and values.shape[1:] == item, (name, values.dtype, values.shape)
    assert offsets.dtype == np.dtype("<i8") and present.dtype == reason.dtype == np.dtype("u1") and hashes.dtype == np.dtype("<u8")
    assert len(offsets) == len(keys) + 1 and len(present) == len(reason) == len(hashes) == len(keys)
    assert offsets[0] == 0 and offsets[-1] == len(values) and np.all(np.diff(offsets) >= 0)
    items = np.diff(offsets)
    assert np.array_equal(present == 1, items > 0) and np.array_equal(present == 1, reason == reasons.index("present"))
    assert np.all(np.isfinite(values.astype("f8")))
    for i in range(len(keys)):
        mine = values[offsets[i]:offsets[i + 1]]
        assert hashes[i] == (xxhash.xxh3_64_intdigest(mine.tobytes()) if items[i] else 0), f"{name} of {keys[i]}: another hash"
    return items


def bags_hold(file, keys, items, slides, folder):
    coords, offsets = file["slide/coords"][...], file["slide/offsets"][...]
    assert coords.dtype == np.dtype("<i4") and coords.shape == (items.sum(), 3) and np.all(coords[:, 0] == 0)
    for i, key in enumerate(keys):
        if items[i]:
            with h5py.File(folder / slides[key][0]["path"]) as source:
                assert np.array_equal(coords[offsets[i]:offsets[i + 1], 1:], source["coords"][...]), key
                assert np.array_equal(file["slide/values"][offsets[i]:offsets[i + 1]], source["features"][...].astype("<f2")), key


def volumes_hold(file, keys, items, images, folder):
    """The grid of 8 x 8 x 4 voxels of 10 mm lies about the middle of an image of 24 x 24 x 8 voxels of 2.5 x 2.5 x 5 mm, in LPS."""
    middle = np.array([-2.5 * 23 / 2, -2.5 * 23 / 2, 5 * 7 / 2])
    expected = np.hstack([np.diag([10.0, 10.0, 10.0]), (middle - 10 * (np.array([8, 8, 4]) - 1) / 2)[:, None]])
    affine, phases = file["ct/affine"][...], file["ct/phase_present"][...]
    assert affine.dtype == np.dtype("<f8") and affine.shape == (len(keys), 12) and phases.shape == (len(keys), 2)
    for i, key in enumerate(keys):
        there = [any(row["phase"] == phase and (folder / row["path"]).exists() for row in images.get(key, [])) for phase in ("arterial", "portal")]
        assert list(phases[i] == 1) == there and (items[i] == 1) == any(there), key
        if items[i]:
            assert np.allclose(affine[i].reshape(3, 4), expected), (key, affine[i].reshape(3, 4))


def facts_hold(file, keys, items):
    facts = file["facts"]
    for name, fact in facts.items():
        assert {"value", "state", "source", "confidence"} == set(fact), name
        assert all(len(fact[part]) == len(keys) for part in fact), name
        state, confidence, said = fact["state"][...], fact["confidence"][...], texts(fact["value"])
        assert state.dtype == np.dtype("u1") and np.all(state <= 2) and np.all((confidence >= 0) & (confidence <= 1)), name
        assert all(text or state[i] == 1 for i, text in enumerate(said)), f"{name}: a known fact without a value"
    for name, counts in items.items():
        assert texts(facts[f"{name}.readable"]["value"]) == ["true" if n else "false" for n in counts], name
        assert texts(facts[f"{name}.items"]["value"]) == [str(n) for n in counts], name
    assert texts(facts["slide.count"]["value"]) == ["1" if n else "0" for n in items["slide"]]
    mvi = facts["report.mvi"]
    assert all((texts(mvi["value"])[i], mvi["state"][i]) == ("M1", 0) for i in range(len(keys)) if items["report"][i])
    size = facts["report.size_mm"]
    assert all(float(texts(size["value"])[i]) == 35 for i in range(len(keys)) if items["report"][i])


def manifest_holds(store, manifest, shards):
    for shard in manifest["shards"]:
        path = store / "features" / shard["file"]
        assert path.stat().st_size == shard["bytes"] and hashlib.sha256(path.read_bytes()).hexdigest() == shard["sha256"]
    assert hashlib.sha256((store / "tables.h5").read_bytes()).hexdigest() == manifest["tables_sha256"]

    def compact(value):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n"
    lines = compact(manifest["settings"]) + "".join(compact(m) for m in manifest["modalities"] if m["kind"] != "vector")
    lines += "".join(shard["sha256"] + "\n" for shard in sorted(manifest["shards"], key=lambda one: one["sha256"]))
    assert hashlib.sha256(lines.encode()).hexdigest() == manifest["features_sha256"]
    assert sum(manifest["patients"].values()) == sum(shards)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "cohort"
        store = pathlib.Path(name) / "store"
        made_cohort.run(PROGRAM, "shard", "--cohort", made_cohort.make(folder, n=120), "--out", store, ranks=2)
        manifest = json.loads((store / "store.json").read_text())
        slides, images, shards = table(folder, "slides"), table(folder, "imaging"), []
        for shard in manifest["shards"]:
            path = store / "features" / shard["file"]
            with h5py.File(path) as file:
                keys = texts(file["patient/id"])
                assert len(keys) == shard["patients"]
                plain_and_aligned(file, path)
                assert {name: file[name[1:]].id.get_offset() for name in shard["data_sets"]} == shard["data_sets"]
                items = {name: modality_holds(file, name, keys, manifest["reasons"]) for name in KINDS}
                bags_hold(file, keys, items["slide"], slides, folder)
                volumes_hold(file, keys, items["ct"], images, folder)
                facts_hold(file, keys, items)
                assert all(0 < counts.sum() and np.any(counts == 0) for counts in items.values()), "every kind is there, and lacks somewhere"
                shards.append(len(keys))
        manifest_holds(store, manifest, shards)
    print(f"{sum(shards)} patients of {len(shards)} shards are what the page says")


main()
