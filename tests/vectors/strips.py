"""Makes small `.anir` files of large pictures, of either pitch: two strips, with some pixels, and five."""

from base64 import b64encode
from dataclasses import replace
from typing import Any

import numpy as np
from anir_runtime.anir_file import AnirFile
from anir_runtime.anir_header import Header
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.level_step import LevelStep
from anir_runtime.network import Network
from anir_runtime.preview import PreviewRenderer
from anir_toolchain.anir_writer import AnirWriter

from tests import reference
from tests.random_network import colours_of, random_network
from tests.test_coder import lively

STRIPS = 2
HEIGHT = 512
"""Rows of pixels of a strip."""
SIZE = 2048, HEIGHT * STRIPS
WIDTHS = 4000, 2400, 1400
SUBNETS = (2, 4), (3, 5), (2, 6)


def strips_file(pitch: int, strips: int = STRIPS) -> bytes:
    """Returns the file of a grey picture in three levels, with a few large coefficients in each strip."""
    size = SIZE[0], HEIGHT * strips
    writer = AnirWriter(Header("lapped", size, 1, 4, pitch, (), 0), 1 << 16)
    columns, rows = SIZE[0] // pitch, HEIGHT // pitch
    wanted = np.zeros((rows * strips, columns, 1, pitch, pitch), np.int32)
    # The coefficients come early in each strip: after many zeros, later ones would be skipped.
    for seed, row in enumerate((1, *range(rows, rows * strips, rows))):
        first = 128 // pitch
        wanted[row : row + 8, first : first + 16, :, :4, :4] = 8 * lively(8, 16, 4, seed, planes=1)
    writer.begin(wanted, colours_of(1))
    for width, (depth, channels) in zip(WIDTHS, SUBNETS, strict=True):
        writer.refine(LevelStep(width, 1))
        network = random_network("lapped", depth, channels, size, colours=1)
        writer.add(replace(network, latents=None), width)
    return writer.finish([(20, 21, 22)] * len(WIDTHS))


def strips_case(pitch: int) -> dict[str, Any]:
    """Returns both files in base 64, and codes and pixels of the smaller one's levels and other prefixes."""
    data = strips_file(pitch)
    header = AnirFile(data).header
    assert header is not None
    ends = [level.end for level in header.levels]
    x, y = (
        axis_coordinates(SIZE[0], 9, start=131.3, count=251),
        axis_coordinates(SIZE[1], 24, start=4, count=640),
    )
    lengths = [int.from_bytes(data[header.start + 3 * i :][:3], "little") for i in range(2)]
    means = [header.start + 6 + sum(lengths[: 1 + i]) for i in range(2)]
    length = int.from_bytes(data[ends[1] :][:3], "little")
    refined = [ends[1] + 3 + length // 2, ends[1] + 3 + length, ends[2] - 20]
    return {
        "anir": b64encode(data).decode(),
        "five": b64encode(strips_file(pitch, 5)).decode(),
        "starts": [HEIGHT // pitch * strip for strip in range(STRIPS + 1)],
        "x": x.tolist(),
        "y": y.tolist(),
        "levels": [_shown(AnirFile(data[:end]).network(), end, x, y) for end in ends],
        "refined": [_shown(AnirFile(data[:size]).refined(), size, x, y) for size in refined],
        "previews": [
            {"bytes": size, "pixels": PreviewRenderer(preview).start(x, y)(slice(0, len(y))).tolist()}
            for size in (*means, ends[0] - 1)
            if (preview := AnirFile(data[:size]).preview())
        ],
    }


def _shown(network: Network, size: int, x: Any, y: Any) -> dict[str, Any]:
    """Returns what `size` bytes contain: indices and values of codes other than 0, magnitudes, pixels."""
    latents = network.latents
    assert latents is not None
    assert latents.magnitudes is not None
    codes = latents.codes.ravel()
    places = np.flatnonzero(codes)
    return {
        "bytes": size,
        "name": network.name,
        "places": places.tolist(),
        "codes": codes[places].tolist(),
        "magnitudes": latents.magnitudes.tolist(),
        "pixels": reference.pixels(network, x, y).tolist(),
    }
