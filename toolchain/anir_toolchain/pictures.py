"""Pictures as points to train on side by side: as many of each, in one tensor."""

from collections.abc import Sequence

import torch
from torch import Tensor

from anir_toolchain.picture import Picture, as_colours, cells


class Pictures:
    """P pictures on one device, of which a step takes N points each."""

    def __init__(self, pictures: Sequence[Picture], count: int) -> None:
        """`count` is about N: that of the `cells` of each picture, which has to be the same for all."""
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
        """Indices of pixels, int64[P, N]: a random one in each cell of a regular grid over each picture.

        They cover a picture more evenly than independent pixels, which makes gradients less noisy. All
        pictures have the random numbers that each would have alone.
        """
        # Drawn on the CPU, so that every device draws the same numbers; from there without waiting.
        pinned = self._device.type == "cuda"
        drawn = torch.rand(2, self._points, generator=generator, pin_memory=pinned)
        jitter = drawn.to(self._device, non_blocking=True)
        column, row = self._cell % self._columns, self._cell // self._columns
        j = ((column + jitter[0]) * self._width / self._columns).long().minimum(self._width - 1)
        i = ((row + jitter[1]) * self._height / self._rows).long().minimum(self._height - 1)
        return i * self._width + j

    def points(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coordinates x and y, float32[P, N], and colours, float32[P, N, colours], of pixels by index."""
        x = self._x[self._first_x + index % self._width]
        y = self._y[self._first_y + index // self._width]
        each = [picture.pixels(own) for picture, own in zip(self._pictures, index, strict=True)]
        return x, y, as_colours(torch.stack(each))


def _end_to_end(axes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Axes as one tensor, and where each begins in it, int64[P, 1]."""
    lengths = torch.tensor([len(axis) for axis in axes])
    return torch.cat(list(axes)), (lengths.cumsum(0) - lengths)[:, None].to(axes[0].device)
