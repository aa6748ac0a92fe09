"""The forward lapped transform: a picture's coefficients, and the colour planes that they belong to."""

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

_TOP_CODE = 127
"""Code of an entry of 1 in the matrix from planes to colours."""
_BAND = 64
"""Rows of pixels, whole cells, that are processed at a time, so that intermediate arrays stay small."""


@dataclass(frozen=True)
class Analysis:
    """A picture's lapped transform.

    Attributes:
        coefficients: of its planes, int32[rows, columns, N, pitch, pitch], as `in_units` returns them.
        colours: the map from planes, in units of UNIT, to colours.
    """

    coefficients: Integers
    colours: Colours

    @property
    def pitch(self) -> int:
        """Pixels from one cell to the next: 16 or 32."""
        return int(self.coefficients.shape[-1])


def analyse(image: NDArray[np.uint8], pitch: int, colours: Colours | None = None) -> Analysis:
    """Transforms a picture uint8[H, W, N] in cells of `pitch` × `pitch` pixels.

    Its planes are those of `colours`, by default the picture's own; for a sample, those of the whole picture.
    """
    colours = colours or colours_of(image)
    rows = -(-len(image) // pitch)
    return Analysis(in_units(_bands(image, pitch, colours), rows), colours)


def coefficients_of_part(
    image: NDArray[np.uint8], part: tuple[slice, slice], pitch: int, colours: Colours
) -> Integers:
    """Returns the coefficients of a part of a picture uint8[H, W, N], as `Analysis` has them.

    `part` has the rows and columns of pixels; both begin at a cell, and may end beyond the picture.
    """
    # One more cell on either side, where windows overlap.
    near = [slice(max(0, own.start - pitch), own.stop + pitch) for own in part]
    inner = [
        slice((own.start - around.start) // pitch, -(-(own.stop - around.start) // pitch))
        for own, around in zip(part, near, strict=True)
    ]
    bands = _bands(image[near[0], near[1]], pitch, colours)
    cells = np.concatenate(list(bands), axis=1)[:, inner[0], inner[1]]
    return in_units([cells], cells.shape[1])


def planes_of(image: NDArray[np.uint8], colours: Colours) -> Floats:
    """Returns the planes of a picture uint8[H, W, N], float32[H, W, N] in units of 127.5 8-bit levels."""
    # The inverse of the rounded matrix, so that its rounding costs no accuracy.
    inverse = _TOP_CODE / 127.5 * np.linalg.inv(colours.matrix.astype(np.float64))
    planes: Floats = (image.astype(np.float32) - colours.border) @ inverse.T.astype(np.float32)
    return planes


def colours_of(image: NDArray[np.uint8]) -> Colours:
    """Returns the map from planes, in units of UNIT, to colours that suits a picture uint8[H, W, N]."""
    matrix = np.rint(_TOP_CODE * principal_colours(image)).astype(np.int8)
    # At the picture's top and left borders all cosines are zero, so that only this colour is shown there.
    border = np.rint(np.concatenate([image[0], image[:, 0]]).mean(0)).astype(np.uint8)
    return Colours(matrix, border)


def principal_colours(image: NDArray[np.uint8]) -> Floats:
    """Returns orthonormal axes of the colour planes, float32[colours, planes], by descending variance.

    They are the principal components of the differences between neighbouring pixels of `image`,
    uint8[H, W, N]; the sign of each makes its largest entry positive.
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


def _bands(image: NDArray[np.uint8], pitch: int, colours: Colours) -> Iterator[Floats]:
    """Yields a picture's coefficients, as `_transform` returns them, some rows of cells at a time."""
    down = _frames(image.shape[0], pitch)
    for top in range(0, len(down.pixels) - pitch, _BAND):
        # Half a cell more on either side, where the windows overlap.
        own = slice(top, top + _BAND + pitch)
        yield _transform(planes_of(image[down.pixels[own]], colours) / down.windows[own, None, None], pitch)


class _Frames(NamedTuple):
    """The samples under the windows of an axis's cells, from half a cell before it to half a cell after it.

    Attributes:
        pixels: index of the pixel of each sample, mirrored beyond the axis's end, int64[n].
        windows: what to divide each sample by before the transform, float32[n]. In the outer halves of the
            first and last cell the window has to be 1: there the kernel's own window is divided out, and
            samples farther out are divided by infinity.
    """

    pixels: NDArray[np.int64]
    windows: Floats


def _frames(length: int, pitch: int) -> _Frames:
    """Returns the samples along an axis of `length` pixels."""
    cells, half = -(-length // pitch), pitch // 2
    pixels = np.arange(-half, cells * pitch + half).clip(0, cells * pitch - 1) % (2 * length)
    windows = np.ones(len(pixels), np.float32)
    edge = np.sin(_angles(pitch)[half:pitch])
    windows[:half] = windows[-half:] = np.inf
    windows[half:pitch] = edge
    windows[-pitch:-half] = edge[::-1]
    return _Frames(np.minimum(pixels, 2 * length - 1 - pixels), windows)


def _transform(planes: Floats, pitch: int) -> Floats:
    """Returns coefficients [N, rows, columns, pitch, pitch] of planes [(rows + 1) · pitch, W, N].

    The rows are the samples of `_Frames`, divided by its windows.
    """
    across, kernel = _frames(planes.shape[1], pitch), _kernel(pitch)
    # First to [(rows + 1) · pitch, columns, pitch], then to [columns, pitch, rows, pitch].
    result = [
        _along(np.moveaxis(_along(plane[:, across.pixels] / across.windows, kernel), 0, -1), kernel)
        for plane in np.ascontiguousarray(planes.transpose(2, 0, 1))
    ]
    # From [N, columns, frequency across, rows, frequency down].
    return np.stack(result).transpose(0, 3, 1, 4, 2)


def _along(frames: Floats, kernel: Floats) -> Floats:
    """Transforms the last axis, [..., (cells + 1) · pitch], to coefficients [..., cells, pitch]."""
    halves = frames.reshape(*frames.shape[:-1], -1, len(kernel))
    both = np.concatenate([halves[..., :-1, :], halves[..., 1:, :]], axis=-1)
    result: Floats = both @ kernel.T
    return result


def _kernel(pitch: int) -> Floats:
    """Returns what turns a cell's samples into its coefficients, [pitch, 2 · pitch] (Malvar 1992).

    Coefficient k is the sum of the samples times √(2 / pitch) sin θ cos((2k + 1)(θ + π/4)).
    """
    angles, odd = _angles(pitch), np.arange(1, 2 * pitch, 2)[:, None]
    result = math.sqrt(2 / pitch) * np.sin(angles) * np.cos(odd * (angles + math.pi / 4))
    return result.astype(np.float32)


def _angles(pitch: int) -> NDArray[np.float64]:
    """Returns the angles θ of the 2 · pitch samples under a cell's window, which is sin θ."""
    return (np.arange(2 * pitch) + 0.5) * math.pi / (2 * pitch)
