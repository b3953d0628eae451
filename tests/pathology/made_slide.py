# SPDX-License-Identifier: Apache-2.0
"""Small slides for checks that run the program: one level of uncompressed tiles, which OpenSlide opens."""
import struct

import numpy as np

TILE = 256


def tiled_tiff(path, picture, um_per_pixel):
    """One level of uncompressed tiles, little-endian; resolution in pixels a centimetre."""
    height, width, _ = picture.shape
    across, down = -(-width // TILE), -(-height // TILE)
    padded = np.full((down * TILE, across * TILE, 3), 255, np.uint8)
    padded[:height, :width] = picture
    tiles = [padded[y * TILE:(y + 1) * TILE, x * TILE:(x + 1) * TILE].tobytes() for y in range(down) for x in range(across)]
    at = 8 + sum(map(len, tiles))
    offsets = [8 + i * len(tiles[0]) for i in range(len(tiles))]
    extra = struct.pack("<3H", 8, 8, 8) + b"\0\0" + struct.pack(f"<{len(tiles)}I", *offsets) + struct.pack(f"<{len(tiles)}I", *map(len, tiles))
    resolution = struct.pack("<2I", round(1e7 / um_per_pixel) if um_per_pixel else 1, 1000)
    extra += resolution * 2
    bits, place, counts = at, at + 8, at + 8 + 4 * len(tiles)
    x_resolution = counts + 4 * len(tiles)
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, bits), (259, 3, 1, 1), (262, 3, 1, 2), (277, 3, 1, 3)]
    if um_per_pixel:
        tags += [(282, 5, 1, x_resolution), (283, 5, 1, x_resolution + 8)]
    tags += [(284, 3, 1, 1)] + ([(296, 3, 1, 3)] if um_per_pixel else []) + [(322, 4, 1, TILE), (323, 4, 1, TILE), (324, 4, len(tiles), place), (325, 4, len(tiles), counts)]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<2HII", *tag) for tag in tags) + struct.pack("<I", 0)
    path.write_bytes(struct.pack("<2sHI", b"II", 42, at + len(extra)) + b"".join(tiles) + extra + directory)


def stained(seed, edge=1024):
    random = np.random.default_rng(seed)
    picture = np.full((edge, edge, 3), 244, np.uint8)
    y, x = np.mgrid[:edge, :edge]
    inside = ((x - edge / 2) / (0.42 * edge)) ** 2 + ((y - edge / 2) / (0.3 * edge)) ** 2 < 1
    nuclei = (random.random((edge // 8, edge // 8)) < 0.3).repeat(8, 0).repeat(8, 1)
    colour = np.where(nuclei[..., None], [92, 66, 148], [222, 142, 186]) + random.integers(-12, 12, (edge, edge, 3))
    picture[inside] = colour[inside].clip(0, 255)
    return picture
