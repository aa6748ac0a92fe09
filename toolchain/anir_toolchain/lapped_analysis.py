"""The forward lapped transform: a picture's coefficients, and the colours that they stand for."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from anir_runtime.coder import Integers
from anir_runtime.common_networks import Colours
from anir_runtime.network import Floats
from numpy.typing import NDArray

from anir_toolchain.embedding import in_units

PITCH = 16
"""Pixels from one cell to the next."""
_TOP_CODE = 127
_BAND = 64
"""Rows of pixels, of whole cells, that are looked at at once: all of what they become is reused memory."""


@dataclass(frozen=True)
class Analysis:
    """A picture in the lapped transform.

    Attributes:
        coefficients: of its planes, int32[rows, columns, N, pitch, pitch], as `in_units` has them.
        colours: that planes in units of UNIT become.
    """

    coefficients: Integers
    colours: Colours


def analyse(image: NDArray[np.uint8], colours: Colours | None = None) -> Analysis:
    """A picture's coefficients, in its own colours or in those of the one that it is part of.

    `image` is uint8[H, W, N].
    """
    colours = colours or colours_of(image)
    rows = -(-len(image) // PITCH)
    return Analysis(in_units(_bands(image, colours), rows), colours)


def planes_of(image: NDArray[np.uint8], colours: Colours) -> Floats:
    """The planes of a picture uint8[H, W, N], float32[H, W, N] in units of half the range of 8-bit levels."""
    # The inverse of the matrix as it is rounded, so that colours do not suffer from that.
    inverse = _TOP_CODE / 127.5 * np.linalg.inv(colours.matrix.astype(np.float64))
    planes: Floats = (image.astype(np.float32) - colours.border) @ inverse.T.astype(np.float32)
    return planes


def colours_of(image: NDArray[np.uint8]) -> Colours:
    """The colours that planes in units of UNIT become, for a picture uint8[H, W, N]."""
    matrix = np.rint(_TOP_CODE * principal_colours(image)).astype(np.int8)
    # All cosines are zero at the picture's top and left borders, where this colour is all that is shown.
    border = np.rint(np.concatenate([image[0], image[:, 0]]).mean(0)).astype(np.uint8)
    return Colours(matrix, border)


def principal_colours(image: NDArray[np.uint8]) -> Floats:
    """Axes of the colour planes, float32[colours, planes], orthonormal, that of the largest variance first.

    Principal components of the differences between neighbouring pixels of `image`, uint8[H, W, N]; of each,
    the largest entry is positive.
    """
    products = np.zeros((image.shape[2],) * 2)
    for top in range(0, len(image), _BAND):
        levels = image[top : top + _BAND + 1].astype(np.float32) / 127.5
        for differences in (np.diff(levels, axis=0), np.diff(levels[:_BAND], axis=1)):
            rows = differences.reshape(-1, image.shape[2])
            products += rows.T.astype(np.float64) @ rows
    _, axes = np.linalg.eigh(products)
    largest = np.abs(axes).argmax(0)
    axes *= np.sign(axes[largest, np.arange(len(axes))])
    return axes[:, ::-1].astype(np.float32)


def transform(planes: Floats, pitch: int) -> Floats:
    """Coefficients [N, rows, columns, pitch, pitch] of planes [H, W, N]."""
    down = _frames(planes.shape[0], pitch)
    return _transform(planes[down.pixels] / down.windows[:, None, None], pitch)


def _bands(image: NDArray[np.uint8], colours: Colours) -> Iterator[Floats]:
    """Coefficients of a picture uint8[H, W, N], as `transform` has them, some rows of cells at a time."""
    down = _frames(image.shape[0], PITCH)
    for top in range(0, len(down.pixels) - PITCH, _BAND):
        # Half a cell more on either side.
        own = slice(top, top + _BAND + PITCH)
        planes = planes_of(image[down.pixels[own]], colours)
        yield _transform(planes / down.windows[own, None, None], PITCH)


class _Frames(NamedTuple):
    """What an axis's cells see, from half a cell before its beginning to half a cell beyond its last cell.

    Attributes:
        pixels: of the axis, mirrored beyond its end, int64[n].
        windows: to divide them by, float32[n]. The outer halves of the first and of the last cell have the
            window 1: the kernel's is divided out, and what is farther out is divided by infinity.
    """

    pixels: NDArray[np.int64]
    windows: Floats


def _frames(length: int, pitch: int) -> _Frames:
    cells, half = -(-length // pitch), pitch // 2
    pixels = np.arange(-half, cells * pitch + half).clip(0, cells * pitch - 1) % (2 * length)
    windows = np.ones(len(pixels), np.float32)
    edge = np.sin(_angles(pitch)[half:pitch])
    windows[:half] = windows[-half:] = np.inf
    windows[half:pitch] = edge
    windows[-pitch:-half] = edge[::-1]
    return _Frames(np.minimum(pixels, 2 * length - 1 - pixels), windows)


def _angles(pitch: int) -> NDArray[np.float64]:
    """Angles θ = (n + ½) π / (2 pitch) of a cell's 2 · pitch samples."""
    return (np.arange(2 * pitch) + 0.5) * math.pi / (2 * pitch)


def _transform(planes: Floats, pitch: int) -> Floats:
    """Coefficients [N, rows, columns, pitch, pitch] of planes [(rows + 1) · pitch, W, N] in frames already.

    For a cell's 2 · pitch samples at angles θ, frequency k is the sum of
    √(2 / pitch) sin θ cos((2k + 1)(θ + π/4)), with the sine as window (Malvar 1992).
    """
    across = _frames(planes.shape[1], pitch)
    # First to [(rows + 1) · pitch, columns, pitch], then to [columns, pitch, rows, pitch].
    result = [
        _along(np.moveaxis(_along(plane[:, across.pixels] / across.windows, pitch), 0, -1), pitch)
        for plane in np.ascontiguousarray(planes.transpose(2, 0, 1))
    ]
    # From [N, columns, frequency across, rows, frequency down].
    return np.stack(result).transpose(0, 3, 1, 4, 2)


def _along(frames: Floats, pitch: int) -> Floats:
    """Coefficients [..., cells, pitch] of the last axis, [..., (cells + 1) · pitch]."""
    angle, odd = _angles(pitch), np.arange(1, 2 * pitch, 2)[:, None]
    kernel = math.sqrt(2 / pitch) * np.sin(angle) * np.cos(odd * (angle + math.pi / 4))
    halves = frames.reshape(*frames.shape[:-1], -1, pitch)
    both = np.concatenate([halves[..., :-1, :], halves[..., 1:, :]], axis=-1)
    result: Floats = both @ kernel.T.astype(np.float32)
    return result
