# SPDX-License-Identifier: Apache-2.0
"""Tiles a second of `hepar shard` beside openslide-python: slides.py PROGRAM [--edge 16384] [--ranks 1,2] [--keep DIR]

Makes a tiled JPEG pyramid of stained tissue at 0.5 um/px, then
  peer     openslide-python read_region().convert('RGB') of the very tiles that hepar takes (decoding alone)
  clam     the same, then resize to 224 and normalise, as CLAM's loader does
  hepar    the whole command `hepar shard`: tissue, decoding, 64 built-in features a tile, store
Rates are per second of process CPU time, so other work on the machine matters little; ranks are compared by wall time.
Needs numpy, Pillow, tifffile, imagecodecs and openslide-python (python3 -m venv; pip install). Nothing is asserted."""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time

import h5py
import numpy
import openslide
import tifffile


def tissue(edge):
    """Pink tissue with dark nuclei in an ellipse on a bright background, row block by row block."""
    random = numpy.random.default_rng(0)
    picture = numpy.full((edge, edge, 3), 244, numpy.uint8)
    x = numpy.arange(edge)
    for y in range(0, edge, 64):
        rows = numpy.arange(y, min(y + 64, edge))
        inside = ((x[None] - edge / 2) / (0.47 * edge)) ** 2 + ((rows[:, None] - edge / 2) / (0.45 * edge)) ** 2 < 1
        nuclei = (random.random((len(rows) // 8, edge // 8 + 1)) < 0.3).repeat(8, 0).repeat(8, 1)[: len(rows), :edge]
        noise = random.integers(-12, 12, (len(rows) // 2, edge // 2, 3)).repeat(2, 0).repeat(2, 1)
        colour = numpy.where(nuclei[..., None], [92, 66, 148], [222, 142, 186]) + noise
        picture[y : y + len(rows)] = numpy.where(inside[..., None], colour, 244).clip(0, 255)
    return picture


def write_slide(path, edge):
    level = tissue(edge)
    with tifffile.TiffWriter(path) as out:
        first = True
        while first or min(level.shape[:2]) >= 512:
            out.write(level, subfiletype=0 if first else 1, tile=(256, 256), compression="jpeg", compressionargs={"level": 80}, photometric="ycbcr", subsampling=(2, 2),
                      resolution=(20000, 20000), resolutionunit="CENTIMETER")
            first = False
            wide = level.astype(numpy.uint16)
            level = ((wide[::2, ::2] + wide[1::2, ::2] + wide[::2, 1::2] + wide[1::2, 1::2] + 2) // 4).astype(numpy.uint8)


def cohort(folder, slide, patients):
    (folder / "patients.csv").write_text("patient_id\n" + "".join(f"P{p}\n" for p in range(patients)))
    (folder / "slides.csv").write_text("patient_id,path\n" + "".join(f"P{p},{slide}\n" for p in range(patients)))
    (folder / "cohort.yaml").write_text("schema: hepar-cohort/1\npatients: patients.csv\nslides: slides.csv\nmodalities:\n  slide: {kind: bag, source: slides, um_per_pixel: 0.5, tile: 256, encoder: builtin}\n")
    return folder / "cohort.yaml"


def shard(program, yaml, out, ranks):
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    launch = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*launch, program, "shard", "--cohort", str(yaml), "--out", str(out), "--fresh"], check=True, capture_output=True, env=environment)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss / 1024


def coordinates(store):
    tiles = []
    for path in sorted((store / "features").glob("*.h5")):
        with h5py.File(path) as shard_file:
            tiles.append(shard_file["slide/coords"][:, 1:])
    return numpy.concatenate(tiles)


def peer(slide, tiles, clam):
    from PIL import Image
    handle = openslide.OpenSlide(str(slide))
    mean, deviation = numpy.float32([0.485, 0.456, 0.406]), numpy.float32([0.229, 0.224, 0.225])
    start = time.process_time()
    for x, y in tiles:
        tile = handle.read_region((int(x), int(y)), 0, (256, 256)).convert("RGB")
        if clam:
            ((numpy.asarray(tile.resize((224, 224), Image.BILINEAR), numpy.float32) / 255 - mean) / deviation).transpose(2, 0, 1).copy()
    return len(tiles) / (time.process_time() - start)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--edge", type=int, default=16384)
    parser.add_argument("--patients", type=int, default=4)
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--keep")
    options = parser.parse_args()
    folder = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="hepar_bench_"))
    folder.mkdir(parents=True, exist_ok=True)
    slide = folder / "slide.tif"
    if not slide.exists():
        write_slide(slide, options.edge)
    yaml, result, walls = cohort(folder, slide, options.patients), {"openslide": openslide.__library_version__, "edge": options.edge}, {}
    for ranks in [int(r) for r in options.ranks.split(",")]:
        wall, cpu, memory = shard(options.program, yaml, folder / "store", ranks)
        tiles = coordinates(folder / "store")
        walls[ranks] = wall
        result[f"hepar_ranks_{ranks}"] = {"tiles": len(tiles), "seconds": round(wall, 2), "tiles_per_cpu_second": round(len(tiles) / cpu, 1), "tiles_per_second": round(len(tiles) / wall, 1), "peak_mb": round(memory)}
    one = tiles[: len(tiles) // options.patients]
    sample = one[:: max(1, len(one) // 1500)]
    result["openslide_python"] = round(peer(slide, sample, False), 1)
    result["clam_loader"] = round(peer(slide, sample, True), 1)
    result["ratio_to_openslide_python"] = round(result["hepar_ranks_1"]["tiles_per_cpu_second"] / result["openslide_python"], 2)
    result["ratio_to_clam_loader"] = round(result["hepar_ranks_1"]["tiles_per_cpu_second"] / result["clam_loader"], 2)
    if 1 in walls and 2 in walls:
        result["two_ranks_over_one"] = round(walls[1] / walls[2], 2)
    print(json.dumps(result, indent=2))


main()
