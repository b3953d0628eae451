# SPDX-License-Identifier: Apache-2.0
"""Tiles a second of `hepar shard` beside openslide-python: slides.py PROGRAM [--edge 16384] [--ranks 1,2] [--rounds 3] [--keep DIR] [--large EDGE]

Makes a tiled JPEG pyramid of stained tissue at 0.5 um/px, then
  peer     openslide-python read_region().convert('RGB') of the very tiles that hepar takes (decoding alone)
  clam     the same, then resize to 224 and normalise, as CLAM's loader does
  hepar    the whole command `hepar shard`: tissue, decoding, 64 built-in features a tile, store
Rates are per second of process CPU time, so other work on the machine matters little; ranks are compared by wall time.
The peer and hepar take turns, ROUNDS times; medians are shown, the ratio is taken round by round.
Needs numpy, Pillow, tifffile, imagecodecs and openslide-python (python3 -m venv; pip install). Nothing is asserted."""
import argparse
import io
import json
import os
import pathlib
import statistics
import struct
import subprocess
import tempfile
import time

import h5py
import numpy
import openslide
import PIL.Image
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


def ycbcr_tiles(level):
    """tifffile hands JPEG what it is given, so colours are converted here; the edges of the last tiles repeat."""
    for y in range(0, level.shape[0], 256):
        for x in range(0, level.shape[1], 256):
            tile = numpy.asarray(PIL.Image.fromarray(level[y : y + 256, x : x + 256]).convert("YCbCr"))
            yield numpy.pad(tile, ((0, 256 - tile.shape[0]), (0, 256 - tile.shape[1]), (0, 0)), "edge")


def write_slide(path, edge):
    level = tissue(edge)
    with tifffile.TiffWriter(path, bigtiff=True) as out:
        first = True
        while first or min(level.shape[:2]) >= 512:
            out.write(ycbcr_tiles(level), shape=level.shape, dtype="uint8", subfiletype=0 if first else 1, tile=(256, 256), compression="jpeg", compressionargs={"level": 80},
                      photometric="ycbcr", subsampling=(2, 2), resolution=(20000, 20000), resolutionunit="CENTIMETER")
            first = False
            wide = level.astype(numpy.uint16)
            level = ((wide[::2, ::2] + wide[1::2, ::2] + wide[::2, 1::2] + wide[1::2, 1::2] + 2) // 4).astype(numpy.uint8)


def jpeg(picture):
    stream = io.BytesIO()
    PIL.Image.fromarray(picture).save(stream, "JPEG", quality=85, subsampling=2)
    return stream.getvalue()


def write_large_slide(path, edge):
    """A BigTIFF of edge x edge px at 0.25 um/px, four levels a factor of 4 apart, whose tiles share a few JPEG streams: as many pixels as a
    scanner gives, in a small file. Tissue fills an ellipse of half its area."""
    random = numpy.random.default_rng(7)
    empty = numpy.full((256, 256, 3), 244, numpy.uint8)
    streams = [jpeg(empty)]
    for _ in range(32):
        nuclei = (random.random((32, 32)) < 0.3).repeat(8, 0).repeat(8, 1)
        colour = numpy.where(nuclei[..., None], [92, 66, 148], [222, 142, 186]) + random.integers(-12, 12, (256, 256, 3))
        streams.append(jpeg(colour.clip(0, 255).astype(numpy.uint8)))
    with open(path, "wb") as out:
        out.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))
        places = []
        for stream in streams:
            places.append((out.tell(), len(stream)))
            out.write(stream)
        link = 8
        for level in range(4):
            size = edge // 4**level
            across = -(-size // 256)
            tiles = [(x, y) for y in range(across) for x in range(across)]
            inside = [((x + 0.5) / across - 0.5) ** 2 / 0.4**2 + ((y + 0.5) / across - 0.5) ** 2 / 0.4**2 < 1 for x, y in tiles]
            chosen = [places[1 + (x * 7 + y * 13) % 32] if tissue_there else places[0] for (x, y), tissue_there in zip(tiles, inside)]
            offsets = out.tell()
            out.write(struct.pack(f"<{len(tiles)}Q", *(place for place, _ in chosen)))
            counts = out.tell()
            out.write(struct.pack(f"<{len(tiles)}Q", *(count for _, count in chosen)))
            tags = [(254, 4, 1, int(level > 0)), (256, 4, 1, size), (257, 4, 1, size), (258, 3, 3, 8 | 8 << 16 | 8 << 32), (259, 3, 1, 7), (262, 3, 1, 6), (277, 3, 1, 3),
                    (282, 5, 1, 40000 | 1 << 32), (283, 5, 1, 40000 | 1 << 32), (284, 3, 1, 1), (296, 3, 1, 3), (322, 4, 1, 256), (323, 4, 1, 256),
                    (324, 16, len(tiles), offsets), (325, 16, len(tiles), counts), (530, 3, 2, 2 | 2 << 16)]
            at = out.tell()
            out.write(struct.pack("<Q", len(tags)) + b"".join(struct.pack("<HHQQ", *tag) for tag in tags) + struct.pack("<Q", 0))
            out.seek(link)
            out.write(struct.pack("<Q", at))
            link = at + 8 + 20 * len(tags)
            out.seek(0, 2)


def cohort(folder, slide, patients):
    (folder / "patients.csv").write_text("patient_id\n" + "".join(f"P{p}\n" for p in range(patients)))
    (folder / "slides.csv").write_text("patient_id,path\n" + "".join(f"P{p},{slide}\n" for p in range(patients)))
    (folder / "cohort.yaml").write_text("schema: hepar-cohort/1\npatients: patients.csv\nslides: slides.csv\nmodalities:\n  slide: {kind: bag, source: slides, um_per_pixel: 0.5, tile: 256, encoder: builtin}\n")
    return folder / "cohort.yaml"


def shard(program, yaml, out, ranks):
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    launch = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
    before, start = os.times(), time.perf_counter()
    subprocess.run([*launch, program, "shard", "--cohort", str(yaml), "--out", str(out), "--fresh"], check=True, capture_output=True, env=environment)
    wall, after = time.perf_counter() - start, os.times()
    peak = max(json.loads((out / "summary.json").read_text())["peak_memory_bytes"]) / 2**20  # as each rank says of itself
    return wall, after.children_user + after.children_system - before.children_user - before.children_system, peak


def coordinates(store):
    tiles = []
    for path in sorted((store / "features").glob("*.h5")):
        with h5py.File(path) as shard_file:
            tiles.append(shard_file["slide/coords"][:, 1:])
    return numpy.concatenate(tiles)


def peer(slide, tiles, clam):
    handle = openslide.OpenSlide(str(slide))
    mean, deviation = numpy.float32([0.485, 0.456, 0.406]), numpy.float32([0.229, 0.224, 0.225])
    start = time.process_time()
    for x, y in tiles:
        tile = handle.read_region((int(x), int(y)), 0, (256, 256)).convert("RGB")
        if clam:
            ((numpy.asarray(tile.resize((224, 224), PIL.Image.BILINEAR), numpy.float32) / 255 - mean) / deviation).transpose(2, 0, 1).copy()
    return len(tiles) / (time.process_time() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--edge", type=int, default=16384)
    parser.add_argument("--patients", type=int, default=4)
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep")
    parser.add_argument("--large", type=int, metavar="EDGE", help="only the peak memory of a slide of so many pixels an edge, such as 120000")
    options = parser.parse_args()
    folder = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="hepar_bench_"))
    folder.mkdir(parents=True, exist_ok=True)
    if options.large:
        write_large_slide(folder / "large.tif", options.large)
        wall, cpu, memory = shard(options.program, cohort(folder, folder / "large.tif", 1), folder / "store", 1)
        print(json.dumps({"edge": options.large, "tiles": len(coordinates(folder / "store")), "cpu_seconds": round(cpu, 1), "peak_mb": round(memory)}))
        return
    slide = folder / "slide.tif"
    if not slide.exists():
        write_slide(slide, options.edge)
    yaml = cohort(folder, slide, options.patients)
    result, rates, ranks = {"openslide": openslide.__library_version__, "edge": options.edge}, {}, [int(r) for r in options.ranks.split(",")]
    shard(options.program, yaml, folder / "store", 1)  # where the tiles are, and the file in the page cache
    tiles = coordinates(folder / "store")
    one = tiles[: len(tiles) // options.patients]
    sample = one[:: max(1, len(one) // 1500)]
    for _ in range(options.rounds):
        for count in ranks:
            wall, cpu, memory = shard(options.program, yaml, folder / "store", count)
            rates.setdefault(f"hepar_ranks_{count}", []).append((len(tiles) / cpu, len(tiles) / wall, memory))
        for name, clam in (("openslide_python", False), ("clam_loader", True)):
            rates.setdefault(name, []).append((peer(slide, sample, clam),))
    for count in ranks:
        rows = rates[f"hepar_ranks_{count}"]
        result[f"hepar_ranks_{count}"] = {"tiles": len(tiles), "tiles_per_cpu_second": round(statistics.median(row[0] for row in rows), 1),
                                          "tiles_per_second": round(statistics.median(row[1] for row in rows), 1), "peak_mb": round(max(row[2] for row in rows))}
    for name in ("openslide_python", "clam_loader"):
        result[name] = round(statistics.median(row[0] for row in rates[name]), 1)
        result[f"ratio_to_{name}"] = round(statistics.median(ours[0] / theirs[0] for ours, theirs in zip(rates[f"hepar_ranks_{ranks[0]}"], rates[name])), 2)
    if 1 in ranks and 2 in ranks:
        result["two_ranks_over_one"] = round(statistics.median(two[1] / one_rank[1] for two, one_rank in zip(rates["hepar_ranks_2"], rates["hepar_ranks_1"])), 2)
        result["two_ranks_over_one_by_cpu_time"] = round(2 * statistics.median(two[0] / one_rank[0] for two, one_rank in zip(rates["hepar_ranks_2"], rates["hepar_ranks_1"])), 2)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
