"""A sample of a large picture: blocks from all over it, side by side, which stand for it in training."""

import math

import numpy as np
from numpy.typing import NDArray

_PIXELS = 2**20
"""Pixels of a sample, about; of pictures up to twice as large, all is taken."""
_BLOCK = 256
"""Side of a block in pixels: smaller ones have more seams, which cost bits that the picture does not."""


def is_large(image: NDArray[np.uint8]) -> bool:
    """Whether less of a picture uint8[H, W, N] will do."""
    return math.prod(image.shape[:2]) > 2 * _PIXELS


def sample_of(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture itself, uint8[H, W, N], or a sample of it if it is large."""
    if not is_large(image):
        return image
    height, width = image.shape[:2]
    blocks = _PIXELS / _BLOCK**2
    down = _starts(height, (blocks * height / width) ** 0.5)
    across = _starts(width, (blocks * width / height) ** 0.5)
    rows = [np.hstack([image[y : y + _BLOCK, x : x + _BLOCK] for x in across]) for y in down]
    return np.vstack(rows)


def _starts(length: int, count: float) -> list[int]:
    """Where about so many blocks along an axis of so many pixels begin, evenly spread."""
    most = max(1, length // _BLOCK)
    return [int(x) for x in np.linspace(0, max(0, length - _BLOCK), min(max(1, round(count)), most))]
