"""Several pictures as points to train on together: equally many of each, in one tensor."""

from collections.abc import Sequence

import torch
from torch import Tensor

from anir_toolchain.picture import Picture, as_colours, cells


class Pictures:
    """P pictures on one device, from each of which a step takes N points."""

    def __init__(self, pictures: Sequence[Picture], count: int) -> None:
        """Sets up grids of `cells` with about `count` cells; N, their exact number, must be equal for all."""
        device = pictures[0].device

        def column(numbers: Sequence[int]) -> Tensor:
            return torch.tensor(numbers, device=device)[:, None]

        grids = [cells(picture.size, count) for picture in pictures]
        self._pictures, self._device = pictures, device
        self._points = grids[0][0] * grids[0][1]
        self._columns, self._rows = (column(numbers) for numbers in zip(*grids, strict=True))
        self._width = column([picture.width for picture in pictures])
        self._height = column([picture.height for picture in pictures])
        self._cell = torch.arange(self._points, device=device)
        self._x, self._first_x = _end_to_end([picture.x for picture in pictures])
        self._y, self._first_y = _end_to_end([picture.y for picture in pictures])

    def jittered_grid(self, generator: torch.Generator) -> Tensor:
        """Returns indices of pixels, int64[P, N]: a random pixel in each cell of each picture's grid.

        They cover a picture more evenly than independent pixels, which makes gradients less noisy. All
        pictures get the same random numbers as each would get alone.
        """
        # Drawn on the CPU, so that numbers do not depend on the device; copied to it asynchronously.
        pinned = self._device.type == "cuda"
        drawn = torch.rand(2, self._points, generator=generator, pin_memory=pinned)
        jitter = drawn.to(self._device, non_blocking=True)
        column, row = self._cell % self._columns, self._cell // self._columns
        j = ((column + jitter[0]) * self._width / self._columns).long().minimum(self._width - 1)
        i = ((row + jitter[1]) * self._height / self._rows).long().minimum(self._height - 1)
        return i * self._width + j

    def points(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns coordinates x, y, float32[P, N], and colours, float32[P, N, colours], by index."""
        x = self._x[self._first_x + index % self._width]
        y = self._y[self._first_y + index // self._width]
        each = [picture.pixels(own) for picture, own in zip(self._pictures, index, strict=True)]
        return x, y, as_colours(torch.stack(each))


def _end_to_end(axes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Concatenates axes to one tensor, and returns it with the index of each one's start, int64[P, 1]."""
    lengths = torch.tensor([len(axis) for axis in axes])
    return torch.cat(list(axes)), (lengths.cumsum(0) - lengths)[:, None].to(axes[0].device)
