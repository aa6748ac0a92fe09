"""A picture as points to train on: pixels' coordinates and colours, and random samples of them."""

import math

import numpy as np
import torch
from anir_runtime.coordinates import axis_coordinates
from numpy.typing import NDArray
from torch import Tensor


class Picture:
    """A picture on the device that trains. A pixel's index is row · W + column.

    Attributes:
        width: W, in pixels.
        height: H, in pixels.
        colours: 1 for grey, 3 for RGB, 4 for RGB and alpha.
        device: on which all tensors are.
    """

    def __init__(self, image: NDArray[np.uint8], device: torch.device) -> None:
        """`image` is uint8[H, W, colours]; it is copied."""
        self.height, self.width, self.colours = image.shape
        self.device = device
        self._pixels = torch.from_numpy(image.copy()).reshape(-1, self.colours).to(device)
        self._x = torch.from_numpy(axis_coordinates(self.width)).to(device)
        self._y = torch.from_numpy(axis_coordinates(self.height)).to(device)

    def __len__(self) -> int:
        """Number of pixels."""
        return len(self._pixels)

    @property
    def size(self) -> tuple[int, int]:
        """(W, H) in pixels."""
        return self.width, self.height

    @property
    def image(self) -> NDArray[np.uint8]:
        """The picture itself, uint8[H, W, colours]."""
        return self._pixels.reshape(self.height, self.width, self.colours).cpu().numpy()

    def points(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coordinates x [N] and y [N] and colours [N, colours] of pixels by their index, all in [-1, 1]."""
        x, y = self._x[index % self.width], self._y[index // self.width]
        return x, y, self._pixels[index].float() / 127.5 - 1

    def jittered_grid(self, count: int, generator: torch.Generator) -> Tensor:
        """Indices of about `count` pixels: a random one in each cell of a regular grid.

        They cover the picture more evenly than independent pixels, which makes gradients less noisy.
        """
        cell = math.sqrt(max(1.0, self.width * self.height / count))
        columns, rows = (max(1, round(n / cell)) for n in (self.width, self.height))
        # Drawn on the CPU, so that every device draws the same numbers.
        jitter = torch.rand(2, rows, columns, generator=generator)
        j = ((torch.arange(columns) + jitter[0]) * self.width / columns).long().clamp_max(self.width - 1)
        i = ((torch.arange(rows)[:, None] + jitter[1]) * self.height / rows).long().clamp_max(self.height - 1)
        index: Tensor = (i * self.width + j).reshape(-1)
        return index.to(self.device)

    def random_pixels(self, count: int, generator: torch.Generator) -> Tensor:
        """Indices of `count` independent pixels."""
        return torch.randint(len(self), (count,), generator=generator).to(self.device)
