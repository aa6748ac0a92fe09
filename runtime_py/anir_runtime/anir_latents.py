"""Converts coefficients of an `.anir` file to `Latents`: codes are indices of the magnitudes that occur."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from anir_runtime.coder import Integers
from anir_runtime.errors import AnirError
from anir_runtime.lapped_transform import LEAST_FREQUENCIES
from anir_runtime.network import Latents

_MOST_MAGNITUDES = 1 << 15
"""Most distinct magnitudes of a level's coefficients, so that int16 codes can number them."""
_LARGE = 1 << 22
"""Magnitude from which on a look-up table, with one entry per magnitude, would take too much memory."""
_PART = 1 << 20
"""Coefficients that are converted at a time, about, as each may take a dozen bytes meanwhile."""


def latents_of(bands: Sequence[Integers], step: float, pitch: int, reach: int) -> Latents:
    """Converts coefficients to latents.

    Args:
        bands: coefficients in units, with the cells' means at frequency (0, 0), in bands of rows of cells
            (strips) from top to bottom: int32[rows, columns, N, pitch, pitch] each.
        step: value of one unit.
        pitch: pixels from one cell to the next.
        reach: see `Latents`.

    Raises:
        AnirError: if there are more distinct magnitudes than codes can number.
    """
    means = np.concatenate([band[..., 0, 0] for band in bands])
    # The scan goes in the direction in which differences of means are smaller.
    down = int(np.abs(np.diff(means, axis=0)).sum()) < int(np.abs(np.diff(means, axis=1)).sum())
    differences = np.diff(means, axis=0 if down else 1, prepend=np.int32(0))

    known, seen = _Magnitudes(), np.zeros((pitch, pitch), np.bool_)
    known.add(differences.ravel())
    for _, places, others in _parts(bands):
        known.add(others)
        seen.ravel()[places & pitch**2 - 1] = True
    magnitudes = known.ascending()
    used = max(LEAST_FREQUENCIES, 1 + int(np.argwhere(seen).max(initial=0)))

    rows, columns, planes = differences.shape
    codes = np.empty((planes, *((rows, columns) if down else (columns, rows)), used, used), np.int16)
    own = codes if down else codes.transpose(0, 2, 1, 4, 3)
    for part, places, others in _parts(bands):
        numbers = np.zeros((*own[0, *part].shape[:2], planes, pitch, pitch), np.int16)
        numbers.reshape(-1)[places] = _numbered(others, magnitudes)
        own[:, *part] = numbers[..., :used, :used].transpose(2, 0, 1, 3, 4)
    own[..., 0, 0] = _numbered(differences, magnitudes).transpose(2, 0, 1)
    return Latents(codes, float(np.float32(step)), pitch, down, reach, magnitudes.astype(np.float32))


def _parts(bands: Sequence[Integers]) -> Iterator[tuple[tuple[slice, slice], NDArray[np.int64], Integers]]:
    """Splits bands into parts of about `_PART` coefficients.

    Yields:
        The part's rows and columns of cells in the picture, the indices in the flattened part of its nonzero
        coefficients other than means, and these coefficients.
    """
    rows, columns = (max(1, _PART // own.size) for own in (bands[0][0], bands[0][0, 0]))
    # The number of coefficients of a cell's plane is a power of two; the first one is its mean.
    last = bands[0][0, 0, 0].size - 1
    first = 0
    for band in bands:
        for row, column in product(range(0, len(band), rows), range(0, band.shape[1], columns)):
            own = band[row : row + rows, column : column + columns].reshape(-1)
            # Typically fewer than one coefficient in ten is nonzero.
            places = np.flatnonzero(own != 0)
            places = places[places & last != 0]
            end = first + min(row + rows, len(band))
            yield (slice(first + row, end), slice(column, column + columns)), places, own[places]
        first += len(band)


class _Magnitudes:
    """The set of magnitudes that occur; a table marks the small ones, which is much faster than sorting."""

    def __init__(self) -> None:
        self._small = np.zeros(_LARGE, np.bool_)
        self._small[0] = True
        self._end = 1
        self._large = np.zeros(0, np.int32)

    def add(self, values: Integers) -> None:
        """Adds the magnitudes of values. Raises AnirError if there are too many distinct ones."""
        sizes = np.abs(values)
        self._end = max(self._end, 1 + int(sizes.max(initial=0)))
        if self._end > _LARGE:
            self._large = np.union1d(self._large, sizes[sizes >= _LARGE])
            self._check(len(self._large))
            sizes = sizes[sizes < _LARGE]
        self._small[sizes] = True

    def ascending(self) -> Integers:
        """Returns the magnitudes that occur, ascending from 0. Raises AnirError if there are too many."""
        found = np.concatenate([np.flatnonzero(self._small[: self._end]).astype(np.int32), self._large])
        self._check(len(found))
        return found

    def _check(self, count: int) -> None:
        if count > _MOST_MAGNITUDES:
            raise AnirError("has more different coefficients than a picture needs")


def _numbered(values: Integers, magnitudes: Integers) -> NDArray[np.int16]:
    """Returns the codes of values: each one's sign times the index of its magnitude in `magnitudes`."""
    sizes = np.abs(values)
    if magnitudes[-1] >= _LARGE:
        numbers = np.searchsorted(magnitudes, sizes).astype(np.int16)
    else:
        table = np.zeros(magnitudes[-1] + 1, np.int16)
        table[magnitudes] = np.arange(len(magnitudes))
        numbers = table[sizes]
    signed: NDArray[np.int16] = np.where(values < 0, -numbers, numbers)
    return signed
