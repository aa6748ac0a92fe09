"""The forward lapped transform: a picture's coefficients, before they are quantized."""

import math
from dataclasses import dataclass

import numpy as np
from anir_runtime.lapped_transform import PITCHES, Floats
from numpy.typing import NDArray


@dataclass(frozen=True)
class Coefficients:
    """A picture in the lapped transform.

    Attributes:
        values: float32[N, A, B, pitch, pitch] over colour plane, cell along the scan, cell across the scan,
            and frequency along and across the scan, in units of half the range of 8-bit levels.
        down: whether the scan goes down columns of cells; otherwise it goes along rows, to the right.
    """

    values: Floats
    down: bool


def analyse(image: NDArray[np.uint8]) -> list[Coefficients]:
    """A picture's coefficients with each of PITCHES, in its principal colours; `image` is uint8[H, W, N]."""
    planes = centred_planes(image)
    return [_scanned(_transform_planes(planes, pitch)) for pitch in PITCHES]


def centred_planes(image: NDArray[np.uint8]) -> Floats:
    """A picture uint8[H, W, N] less its border's mean colour, in its principal colours, float32[H, W, N]."""
    levels = image.astype(np.float32) / 127.5
    # All cosines are zero at the picture's top and left borders, where this colour is all that is shown.
    border = np.concatenate([levels[0], levels[:, 0]]).mean(0)
    planes: Floats = (levels - border) @ principal_colours(image)
    return planes


def analyse_planes(planes: Floats, pitch: int, down: bool) -> Coefficients:
    """The coefficients of colour planes float32[H, W, N], with a given pitch and direction of the scan."""
    values = _transform_planes(planes, pitch)
    return Coefficients(values if down else _turned(values), down)


def principal_colours(image: NDArray[np.uint8]) -> Floats:
    """Axes of the colour planes, float32[colours, planes], orthonormal, that of the largest variance first.

    Principal components of the differences between neighbouring pixels of `image`, uint8[H, W, N].
    """
    levels = image.astype(np.float32) / 127.5
    differences = np.concatenate([np.diff(levels, axis=axis).reshape(-1, image.shape[2]) for axis in (0, 1)])
    _, axes = np.linalg.eigh(differences.T.astype(np.float64) @ differences)
    return axes[:, ::-1].astype(np.float32)


def _scanned(values: Floats) -> Coefficients:
    """Coefficients [N, rows, columns, pitch, pitch], scanned in the direction in which means differ less."""
    means = values[..., 0, 0]
    down, right = (float(np.abs(np.diff(means, axis=axis)).sum()) for axis in (1, 2))
    return Coefficients(values, True) if down < right else Coefficients(_turned(values), False)


def _turned(values: Floats) -> Floats:
    """Columns for rows: [N, rows, columns, k, l] as [N, columns, rows, l, k]."""
    return values.transpose(0, 2, 1, 4, 3)


def _transform_planes(planes: Floats, pitch: int) -> Floats:
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
