"""Pictures in parts: where these lie, and how they are put together."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def stretches(length: int, longest: int) -> Iterator[slice]:
    """Columns or rows in parts of about equal length."""
    count = -(-length // longest)
    for i in range(count):
        yield slice(i * length // count, (i + 1) * length // count)


def put(tile: NDArray[np.uint8], rgb: NDArray[np.uint8]) -> None:
    """Copies uint8[3, h·w] to a view uint8[h, w, 3]."""
    # One colour after the other: long strides, not threes.
    for channel, values in enumerate(rgb.reshape(3, *tile.shape[:2])):
        tile[..., channel] = values
