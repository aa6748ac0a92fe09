"""Coordinates of pixels: x and y each span [-1, 1] over the whole picture."""

import numpy as np
from numpy.typing import NDArray


def axis_coordinates(
    n: int, size: int | None = None, start: float = 0.0, count: float | None = None
) -> NDArray[np.float32]:
    """Returns the coordinates of samples along one axis of a picture, which is `n` pixels long.

    The stretch [start, start + count) in native pixels, by default the whole axis, is drawn at `size`
    samples, by default `n`. Sample k lies at (start + (k + 0.5) · count / size) · 2 / n - 1, so that pixel j
    of n lies at its centre, (2j + 1) / n - 1.

    Returns:
        float32[size], computed in float64 and rounded once.
    """
    count = n - start if count is None else count
    size = n if size is None else size
    samples = (np.arange(size, dtype=np.float64) + 0.5) * count / size + start
    return (samples * 2 / n - 1).astype(np.float32)
