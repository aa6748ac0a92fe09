"""A picture as points to train on: its pixels' coordinates and colours, and random samples of them."""

import math

import numpy as np
import torch
from anir_runtime.coordinates import axis_coordinates
from numpy.typing import NDArray
from torch import Tensor


class Picture:
    """A picture on the device that trains. The index of a pixel is row · W + column.

    Attributes:
        width: W, in pixels.
        height: H, in pixels.
        colours: number of colour channels: 1 for grey, 3 for RGB, 4 for RGB and alpha.
        device: the device of all tensors.
        x: coordinate of each column, float32[W] in [-1, 1].
        y: coordinate of each row, float32[H] in [-1, 1].
    """

    def __init__(self, image: NDArray[np.uint8], device: torch.device) -> None:
        """`image` is uint8[H, W, colours]; it is copied."""
        self.height, self.width, self.colours = image.shape
        self.device = device
        self._pixels = torch.from_numpy(image.copy()).reshape(-1, self.colours).to(device)
        self.x = torch.from_numpy(axis_coordinates(self.width)).to(device)
        self.y = torch.from_numpy(axis_coordinates(self.height)).to(device)

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
        """Returns coordinates x [N], y [N] and colours [N, colours] of pixels by index, all in [-1, 1]."""
        x, y = self.x[index % self.width], self.y[index // self.width]
        return x, y, as_colours(self.pixels(index))

    def pixels(self, index: Tensor) -> Tensor:
        """Returns pixels by index, uint8[N, colours]."""
        return self._pixels[index]

    def random_pixels(self, count: int, generator: torch.Generator) -> Tensor:
        """Returns the indices of `count` independent random pixels."""
        return torch.randint(len(self), (count,), generator=generator).to(self.device)


def cells(size: tuple[int, int], count: int) -> tuple[int, int]:
    """Returns the columns and rows of a grid of about `count` square cells over a picture of size (W, H).

    The cells, which have nothing to do with those of the lapped transform, are no smaller than a pixel.
    """
    cell = math.sqrt(max(1.0, size[0] * size[1] / count))
    return max(1, round(size[0] / cell)), max(1, round(size[1] / cell))


def as_colours(pixels: Tensor) -> Tensor:
    """Converts pixels, uint8, to colours, float32 in [-1, 1]."""
    return pixels.float() / 127.5 - 1
