# SPDX-License-Identifier: Apache-2.0
"""What reading raw files takes, beside the readers of others: ingest.py PROGRAM [--edge 8192] [--slices 300] [--rounds 3] [--keep DIR]

Makes a tiled JPEG slide, a CT series and a CT region, then lets take turns
  hepar bench ingest       tiles (tissue, decoding, 64 features), slices (folder to HU), regions (every IBSI feature), on 1 and 2 ranks
  openslide-python         read_region().convert('RGB') of the tiles that hepar takes: decoding alone
  pydicom                  the same series to a float32 volume in order of position
  MIRP, PyRadiomics        the same region with the same settings, 3D
Rates are per second of process CPU time (2 ranks: per wall second too). A reader that is not installed is left out, with the reason.
Needs numpy, Pillow, tifffile, imagecodecs, h5py (python3 -m venv; pip install); the peers are openslide-python, pydicom, mirp, pyradiomics."""
import argparse
import importlib
import json
import os
import pathlib
import statistics
import struct
import subprocess
import tempfile
import time

import numpy

BY = {"tiles": ["openslide-python"], "slices": ["pydicom"], "regions": ["MIRP", "PyRadiomics"]}
LAUNCH = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")


def write_nifti(path, values):
    """NIfTI-1, int16, 2 mm voxels; values in z, y, x."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *values.shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 4, 16)
    struct.pack_into("<8f", header, 76, 1, 2, 2, 2, 0, 0, 0, 0)
    struct.pack_into("<fff", header, 108, 352, 1, 0)
    header[123] = 2
    struct.pack_into("<hh", header, 252, 0, 1)
    struct.pack_into("<12f", header, 280, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0)
    header[344:348] = b"n+1\0"
    path.write_bytes(bytes(header) + values.astype("<i2").tobytes())


def make(folder, edge, slices):
    """cohort.yaml of one slide, one series and one region of about 17,000 voxels."""
    import dicom
    import slides
    if not (folder / "slide.tif").exists():
        slides.write_slide(folder / "slide.tif", edge)
        (folder / "ct").mkdir()
        one = dicom.made_slice()
        for k in range(slices):
            one.ImagePositionPatient = [-170.0, -170.0, 2.5 * k]
            one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.{k + 1}"
            one.save_as(folder / "ct" / f"{k:04d}.dcm")
        random = numpy.random.default_rng(3)
        z, y, x = numpy.mgrid[:48, :64, :64]
        smooth = random.normal(0, 60, (12, 16, 16)).repeat(4, 0).repeat(4, 1).repeat(4, 2)
        write_nifti(folder / "region.nii", 60 + smooth + random.normal(0, 12, smooth.shape))
        write_nifti(folder / "mask.nii", ((x - 32) / 18.0) ** 2 + ((y - 32) / 16.0) ** 2 + ((z - 24) / 14.0) ** 2 < 1)
    head = "schema: hepar-cohort/1\npatients: patients.csv\n"
    (folder / "patients.csv").write_text("patient_id\nP1\nP2\n")
    (folder / "slides.csv").write_text("patient_id,path\nP1,slide.tif\n")
    (folder / "imaging.csv").write_text("patient_id,path,timing,phase,mask\nP1,ct,pre_op,portal,\n")
    (folder / "regions.csv").write_text("patient_id,path,timing,phase,mask\nP1,region.nii,pre_op,portal,mask.nii\n")
    (folder / "tiles.yaml").write_text(head + "slides: slides.csv\nmodalities:\n  slide: {kind: bag, source: slides, um_per_pixel: 0.5, tile: 256, encoder: builtin}\n")
    (folder / "slices.yaml").write_text(head + "imaging: imaging.csv\n")
    (folder / "regions.yaml").write_text(head + "imaging: regions.csv\nradiomics: {by: volume, interpolation: none, discretise: {fbs: 25}}\n")


def hepar(program, yaml, ranks):
    launch = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
    done = subprocess.run([*launch, program, "bench", "ingest", "--cohort", str(yaml), "--rounds", "1", "--json", "--quiet"], check=True, capture_output=True, text=True, env=LAUNCH)
    return {figure["name"]: figure["median"] for figure in json.loads(done.stdout)["figures"]}


def timed(work):
    start = time.process_time()
    made = work()
    return made / (time.process_time() - start)


def openslide_peer(folder, program):
    import openslide
    import slides
    slides.shard(program, folder / "tiles.yaml", folder / "store", 1)
    tiles = slides.coordinates(folder / "store")
    tiles = tiles[:: max(1, len(tiles) // 1000)]

    def read():
        handle = openslide.OpenSlide(str(folder / "slide.tif"))
        for x, y in tiles:
            handle.read_region((int(x), int(y)), 0, (256, 256)).convert("RGB")
        return len(tiles)
    return read


def pydicom_peer(folder, program):
    import dicom
    return lambda: len(dicom.pydicom_series(folder / "ct"))


def mirp_peer(folder, program):
    import mirp

    def measure():
        mirp.extract_features(image=str(folder / "region.nii"), mask=str(folder / "mask.nii"), base_discretisation_method="fixed_bin_size", base_discretisation_bin_width=25,
                              resegmentation_intensity_range=[-1000, 1000], by_slice=False)
        return 1
    return measure


def pyradiomics_peer(folder, program):
    import logging

    import radiomics.featureextractor
    logging.getLogger("radiomics").setLevel(logging.ERROR)
    extractor = radiomics.featureextractor.RadiomicsFeatureExtractor(binWidth=25)

    def measure():
        extractor.execute(str(folder / "region.nii"), str(folder / "mask.nii"))
        return 1
    return measure


PEERS = {"openslide-python": ("openslide", openslide_peer), "pydicom": ("pydicom", pydicom_peer), "MIRP": ("mirp", mirp_peer), "PyRadiomics": ("radiomics", pyradiomics_peer)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--edge", type=int, default=8192)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep")
    options = parser.parse_args()
    folder = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="hepar_bench_"))
    folder.mkdir(parents=True, exist_ok=True)
    make(folder, options.edge, options.slices)
    for what, names in BY.items():
        peers, result = {}, {}
        for name in names:
            try:
                importlib.import_module(PEERS[name][0])
                peers[name] = PEERS[name][1](folder, options.program)
            except ImportError as missing:
                result[name] = f"left out: {missing}"
        rates = {}
        for _ in range(options.rounds):
            for ranks in (1, 2):
                figures = hepar(options.program, folder / f"{what}.yaml", ranks)
                rates.setdefault(f"hepar, {ranks} rank{'s' * (ranks > 1)}, a CPU second", []).append(figures[f"{what} of one core"])
                rates.setdefault(f"hepar, {ranks} rank{'s' * (ranks > 1)}, a second", []).append(figures[what])
            for name, peer in peers.items():
                rates.setdefault(f"{name}, a CPU second", []).append(timed(peer))
        ours = rates["hepar, 1 rank, a CPU second"]
        result.update({name: float(f"{statistics.median(values):.4g}") for name, values in rates.items()})
        for name in peers:
            result[f"ratio to {name}"] = round(statistics.median(a / b for a, b in zip(ours, rates[f"{name}, a CPU second"])), 1)
        result["2 ranks over 1"] = round(statistics.median(b / a for a, b in zip(rates["hepar, 1 rank, a second"], rates["hepar, 2 ranks, a second"])), 2)
        print(json.dumps({what: result}, indent=1), flush=True)


if __name__ == "__main__":
    main()
