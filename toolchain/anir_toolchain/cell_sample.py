"""Cells all over a large picture, by which the quality of its levels is told without drawing all of each."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from anir_runtime.coder import Integers
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.lapped_transform import Axis, Floats, seen_by
from anir_runtime.steps import Step
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.lapped_analysis import PITCH
from anir_toolchain.model import Model
from anir_toolchain.space import Subnet

_PIXELS = 2**18
"""Pixels that are drawn, about: PSNR is then within 0.1 dB of that of all."""
_BATCH = 256
"""Cells that are drawn at a time."""


class CellSample:
    """Cells of a picture's lapped transform, at even distances, none of them at the picture's border.

    Attributes:
        pixels: what the picture shows in these cells, one below the other, uint8[n · PITCH, PITCH, N].
    """

    def __init__(self, image: NDArray[np.uint8]) -> None:
        """`image` is uint8[H, W, N], with more than three whole cells along each side."""
        height, width, colours = image.shape
        stride = max(1, round(math.sqrt(height * width / _PIXELS)))
        self._size = width, height
        self._rows, self._columns = (np.arange(1, n // PITCH - 1, stride) for n in (height, width))
        cells = [
            image[PITCH * row : PITCH * (row + 1), PITCH * column : PITCH * (column + 1)]
            for row in self._rows
            for column in self._columns
        ]
        self.pixels = np.stack(cells).reshape(-1, PITCH, colours)

    def near(self, values: Integers) -> Integers:
        """Coefficients of these cells and of those beside them, int32[n, 3, 3, N, PITCH, PITCH].

        They are copied from all of the picture's, int32[rows, columns, N, PITCH, PITCH].
        """
        rows, columns = (own.ravel() for own in np.meshgrid(self._rows, self._columns, indexing="ij"))
        beside = np.arange(-1, 2)
        return values[rows[:, None, None] + beside[:, None], columns[:, None, None] + beside]

    def drawn(self, model: Model, subnet: Subnet, near: Integers, step: Step) -> NDArray[np.uint8]:
        """What a subnet shows in these cells, in the shape of `pixels`.

        Args:
            model: of the subnet.
            subnet: that is drawn.
            near: what is known of the coefficients, as `near` gives it.
            step: of the subnet's level.
        """
        scale = np.float32(2 / PITCH / step.width)
        drawn = []
        for planes in self._planes(near, step.reach):
            seen = _features(planes * scale, subnet.width, step.reach)
            nowhere = torch.zeros(len(seen))
            shown = model.colours_at(subnet, nowhere, nowhere, seen).clamp(0, 1)
            drawn.append((255 * shown).round().to(torch.uint8).numpy())
        return np.concatenate(drawn).reshape(self.pixels.shape)

    def _planes(self, near: Integers, reach: int) -> Iterator[Floats]:
        """The planes of some cells at a time, and `reach` pixels beyond: float32[n, N, side, side]."""
        side = PITCH + 2 * reach
        # Of the cell and of those beside it; all cells within a picture have the same.
        down, across = (
            Axis(pixels, PITCH)
            .cosines(axis_coordinates(pixels, side, PITCH - reach, side), PITCH, range(3))
            .reshape(3 * PITCH, side)
            for pixels in reversed(self._size)
        )
        for first in range(0, len(near), _BATCH):
            # From [n, cells down, cells across, N, frequencies down, frequencies across].
            batch = near[first : first + _BATCH].transpose(0, 3, 1, 4, 2, 5)
            own = batch.reshape(len(batch), -1, 3 * PITCH, 3 * PITCH)
            yield down.T @ own.astype(np.float32) @ across


def _features(planes: Floats, channels: int, reach: int) -> Tensor:
    """What a network's channels see at the inner pixels of planes, float32[n · PITCH², channels that see]."""

    def at(plane: int, right: int, down: int) -> Floats:
        top, left = reach * (1 + down), reach * (1 + right)
        own: Floats = planes[:, plane, top : top + PITCH, left : left + PITCH]
        return own

    middle = at(0, 0, 0)
    seen = [
        at(*place) - middle if place.right or place.down else at(*place)
        for place in seen_by(channels, planes.shape[1])
    ]
    return torch.from_numpy(np.stack(seen, axis=-1).reshape(-1, len(seen)))
