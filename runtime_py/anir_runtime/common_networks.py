"""Networks of the family `lapped` that pictures may share, so that a file need not hold them.

They correct what coarse coefficients of any photograph lack, as they learned from pictures of scikit-image
and matplotlib (bench/common_networks.py). What they see and give is in units of a level's width, so that they
suit any width.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTHS = (12, 16, 20, 24)
DEPTHS = (2, 3, 4, 5)
_PLANES = 3
_LAYERS = DEPTHS[-1] - 1
_SHIFT = 7
"""A head's code of 128 stands for one unit of a plane."""


@dataclass(frozen=True)
class CommonTrunk:
    """The networks of one width C, which share their layers.

    Attributes:
        weights: codes of the hidden matrices over (input, output), int8[4, C, C], of 4 bits; none lead to or
            come from the planes.
        steps: of each matrix, float32[4].
        heads: for each depth, what to add to the planes: int8[4, 3, C], in 1/128 of the level's width; 0 for
            the planes.
    """

    weights: NDArray[np.int8]
    steps: NDArray[np.float32]
    heads: NDArray[np.int8]

    def head(self, depth: int) -> NDArray[np.int8]:
        """The head of one depth, int8[3, C]."""
        own: NDArray[np.int8] = self.heads[DEPTHS.index(depth)]
        return own


@dataclass(frozen=True)
class Colours:
    """How planes become colours.

    Attributes:
        matrix: int8[3, 3] over (colour, plane).
        worth: of a code of the matrix for coefficients in units, float32.
        border: colour where all planes are 0, uint8[3].
    """

    matrix: NDArray[np.int8]
    worth: float
    border: NDArray[np.uint8]

    def head(self, planes_head: NDArray[np.int8], width: int) -> Mapping[str, NDArray[Any]]:
        """The head of a network of a level of that width, by the names of docs/format.md.

        Args:
            planes_head: what the network adds to planes, int8[3, C], as `CommonTrunk` has it.
            width: of the level, in units.
        """
        sums = self.matrix.astype(np.int32) @ planes_head.astype(np.int32)
        codes = ((sums + (1 << (_SHIFT - 1))) >> _SHIFT).clip(-127, 127)
        codes[:, :_PLANES] = self.matrix
        scale = np.float32(self.worth) * np.float32(width)
        return {
            "head": codes.astype(np.int8),
            "head.scale": np.full(len(codes), scale, np.float32),
            "head.bias": self.border.astype(np.float32) / np.float32(255),
        }


@cache
def common_trunks() -> dict[int, CommonTrunk]:
    """The common networks, by width."""
    data = files("anir_runtime").joinpath("common_networks.bin").read_bytes()
    return from_bytes(data)


def has_common(depth: int, channels: int, planes: int) -> bool:
    """Whether there is a common network of that size."""
    return depth in DEPTHS and channels in WIDTHS and planes == _PLANES


def from_bytes(data: bytes) -> dict[int, CommonTrunk]:
    """The inverse of `to_bytes`."""
    trunks, at = dict[int, CommonTrunk](), 0
    for width in WIDTHS:
        own = width - _PLANES
        steps = np.frombuffer(data, "<f4", _LAYERS, at).astype(np.float32)
        at += steps.nbytes
        weights = np.zeros((_LAYERS, width, width), np.int8)
        weights[:, _PLANES:, _PLANES:] = np.frombuffer(data, np.int8, _LAYERS * own**2, at).reshape(
            _LAYERS, own, own
        )
        at += _LAYERS * own**2
        heads = np.zeros((len(DEPTHS), _PLANES, width), np.int8)
        heads[..., _PLANES:] = np.frombuffer(data, np.int8, len(DEPTHS) * _PLANES * own, at).reshape(
            len(DEPTHS), _PLANES, own
        )
        at += len(DEPTHS) * _PLANES * own
        trunks[width] = CommonTrunk(weights, steps, heads)
    return trunks


def to_bytes(trunks: Mapping[int, CommonTrunk]) -> bytes:
    """For each width, ascending: steps as float32, weights without those of planes, and heads likewise."""
    parts = list[bytes]()
    for width in WIDTHS:
        trunk = trunks[width]
        parts.append(trunk.steps.astype("<f4").tobytes())
        parts.append(trunk.weights[:, _PLANES:, _PLANES:].tobytes())
        parts.append(trunk.heads[..., _PLANES:].tobytes())
    return b"".join(parts)
