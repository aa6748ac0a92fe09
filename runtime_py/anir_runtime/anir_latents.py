"""Latents of the coefficients that the coder of an `.anir` file knows: codes number the magnitudes."""

import numpy as np
from numpy.typing import NDArray

from anir_runtime.coder import Integers
from anir_runtime.errors import AnirError
from anir_runtime.lapped_transform import FEWEST
from anir_runtime.network import Latents

_MOST_MAGNITUDES = 1 << 15
"""Different magnitudes of a level's coefficients at most, so that their numbers fit into int16."""
_LARGE = 1 << 22
"""Size from which on a table with an entry for each size would take more memory than it is worth."""


def latents_of(values: Integers, step: float, pitch: int, reach: int) -> Latents:
    """Latents of coefficients int32[rows, columns, N, pitch, pitch] in units, which are worth a step.

    Raises AnirError if there are more different magnitudes than codes can number.
    """
    means = values[..., 0, 0]
    # Means are told as differences in the direction in which they are smaller.
    down = int(np.abs(np.diff(means, axis=0)).sum()) < int(np.abs(np.diff(means, axis=1)).sum())
    differences = np.diff(means, axis=0 if down else 1, prepend=np.int32(0))
    # Hardly one coefficient in ten is not zero.
    places = np.flatnonzero(values.reshape(-1) != 0)
    row, column, plane, u, v = np.unravel_index(places, values.shape)
    others = values.reshape(-1)[places]
    others[(u == 0) & (v == 0)] = 0
    magnitudes = _magnitudes(np.concatenate([others, differences.ravel()]))

    used = max(FEWEST, 1 + int(max(u.max(initial=0), v.max(initial=0))))
    rows, columns, planes = differences.shape
    codes = np.zeros((planes, rows, columns, used, used), np.int16)
    codes[plane, row, column, u, v] = _numbered(others, magnitudes)
    codes[..., 0, 0] = _numbered(differences, magnitudes).transpose(2, 0, 1)
    ordered = codes if down else np.ascontiguousarray(codes.transpose(0, 2, 1, 4, 3))
    return Latents(ordered, float(np.float32(step)), pitch, down, reach, magnitudes.astype(np.float32))


def _magnitudes(values: Integers) -> Integers:
    """The magnitudes that occur, ascending from 0."""
    sizes = np.abs(values)
    if sizes.max(initial=0) < _LARGE:
        # A look-up takes a fraction of the time of sorting.
        occurs = np.zeros(int(sizes.max(initial=0)) + 1, np.bool_)
        occurs[0] = True
        occurs[sizes] = True
        found = np.flatnonzero(occurs)
    else:
        found = np.unique(np.append(sizes, 0))
    if len(found) > _MOST_MAGNITUDES:
        raise AnirError("has more different coefficients than a picture needs")
    return found.astype(np.int32)


def _numbered(values: Integers, magnitudes: Integers) -> NDArray[np.int16]:
    """Codes of values: their signs, times the numbers of their magnitudes."""
    sizes = np.abs(values)
    if magnitudes[-1] >= _LARGE:
        numbers = np.searchsorted(magnitudes, sizes).astype(np.int16)
    else:
        table = np.zeros(magnitudes[-1] + 1, np.int16)
        table[magnitudes] = np.arange(len(magnitudes))
        numbers = table[sizes]
    signed: NDArray[np.int16] = np.where(values < 0, -numbers, numbers)
    return signed
