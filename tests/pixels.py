"""Checks that two drawings show the same picture."""

import numpy as np
from numpy.typing import NDArray


def assert_same_pixels(got: NDArray[np.uint8], want: NDArray[np.uint8]) -> None:
    """Asserts that no 8-bit value differs by more than 1, and at most one in a thousand differs at all."""
    assert got.dtype == want.dtype == np.uint8
    assert got.shape == want.shape
    difference = np.abs(got.astype(int) - want)
    assert difference.max() <= 1
    assert (difference > 0).mean() <= 1e-3
