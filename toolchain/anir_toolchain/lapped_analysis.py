"""The forward lapped transform: a picture's coefficients, and the colours that they stand for."""

import math
from dataclasses import dataclass

import numpy as np
from anir_runtime.coder import Integers
from anir_runtime.common_networks import Colours
from anir_runtime.lapped_transform import Floats
from numpy.typing import NDArray

from anir_toolchain.embedding import in_units

PITCH = 16
"""Pixels from one cell to the next."""
_TOP_CODE = 127
_BAND = 256
"""Rows of pixels that are looked at at once, which takes less memory than all."""


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
    return Analysis(in_units(transform(planes_of(image, colours), PITCH)), colours)


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
    return np.stack([_transform(np.ascontiguousarray(plane), pitch) for plane in planes.transpose(2, 0, 1)])


def _transform(plane: Floats, pitch: int) -> Floats:
    """Coefficients [rows, columns, pitch, pitch] of one plane [H, W], mirrored beyond its end to whole cells.

    For a cell's 2 · pitch samples at angles θ = (n + ½) π / (2 pitch), frequency k is the sum of
    √(2 / pitch) sin θ cos((2k + 1)(θ + π/4)), with the sine as window (Malvar 1992).
    """
    angle = (np.arange(2 * pitch) + 0.5) * math.pi / (2 * pitch)
    odd = np.arange(1, 2 * pitch, 2)[:, None]
    kernel = (math.sqrt(2 / pitch) * np.sin(angle) * np.cos(odd * (angle + math.pi / 4))).astype(np.float32)
    for _ in range(2):
        length, outer = plane.shape[-1], [(0, 0)] * (plane.ndim - 1)
        cells = -(-length // pitch)
        plane = np.pad(plane, [*outer, (0, cells * pitch - length)], "symmetric")
        # The outer halves of the first and of the last cell have the window 1: the kernel's is divided out.
        half = pitch // 2
        edge = np.sin(angle[half : 2 * half]).astype(np.float32)
        plane[..., :half] /= edge
        plane[..., -half:] /= edge[::-1]
        halves = np.pad(plane, [*outer, (half, half)])
        halves = halves.reshape(*plane.shape[:-1], cells + 1, pitch)
        frames = np.concatenate([halves[..., :-1, :], halves[..., 1:, :]], axis=-1)
        # First from [H, W] to [columns, pitch, H], then to [columns, pitch, rows, pitch].
        plane = np.moveaxis(frames @ kernel.T, 0, -1) if plane.ndim == 2 else frames @ kernel.T
    return plane.transpose(2, 0, 3, 1)
