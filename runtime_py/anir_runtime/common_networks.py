"""Networks of the family `lapped` that pictures may share, so that a file need not hold them.

They correct what coarse coefficients of any photograph lack, as they learned from pictures of scikit-image
and matplotlib (bench/common_networks.py). What they see and give is in units of a level's width, so that they
suit any width.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

INNER = (17, 21, 25, 29)
"""Channels of the networks beside those of the planes, which they leave alone."""
DEPTHS = (2, 3, 4, 5)
_PLANES = 3
"""Planes of the pictures that they learned from; a fourth plane gets what the third one gets."""
_LAYERS = DEPTHS[-1] - 1
WORTH = np.float32(1.5 / 127.5 / 64 / 254)
"""Share of the colours' range that a code of 1 of `Colours.matrix` stands for at a coefficient of 1."""
NEAR = 8
"""How far codes of a head near the common one may be from that one's: from -8 to 7."""
_SHIFT = 7
"""A head's code of 128 stands for one unit of a plane."""


@dataclass(frozen=True)
class CommonTrunk:
    """The networks of one width, which share their layers, with n channels beside the planes.

    Attributes:
        weights: codes of the hidden matrices over (input, output), int8[4, n, n], of 4 bits.
        steps: of each matrix, float32[4].
        heads: for each depth, what to add to the planes: int8[4, 3, n], in 1/128 of the level's width.
    """

    weights: NDArray[np.int8]
    steps: NDArray[np.float32]
    heads: NDArray[np.int8]

    def layers(self, depth: int, planes: int) -> dict[str, NDArray[Any]]:
        """The hidden layers of a network of that depth, by the names of docs/format.md."""
        around = ((0, 0), (planes, 0), (planes, 0))
        return {"weights": np.pad(self.weights[: depth - 1], around), "steps": self.steps[: depth - 1]}

    def head(self, depth: int) -> NDArray[np.int8]:
        """The head of one depth, int8[3, n]."""
        own: NDArray[np.int8] = self.heads[DEPTHS.index(depth)]
        return own


@dataclass(frozen=True)
class Colours:
    """How planes become colours.

    Attributes:
        matrix: int8[N, N] over (colour, plane).
        border: colour where all planes are 0, uint8[N].
    """

    matrix: NDArray[np.int8]
    border: NDArray[np.uint8]

    def head(self, planes_head: NDArray[np.int8], width: int) -> Mapping[str, NDArray[Any]]:
        """The head of a network of a level of that width, by the names of docs/format.md.

        Args:
            planes_head: what the network adds to planes, int8[3, n], as `CommonTrunk` has it.
            width: of the level, in units.
        """
        rows = np.minimum(np.arange(len(self.matrix)), _PLANES - 1)
        sums = self.matrix.astype(np.int32) @ planes_head[rows].astype(np.int32)
        inner = ((sums + (1 << (_SHIFT - 1))) >> _SHIFT).clip(-127, 127)
        codes = np.concatenate([self.matrix, inner], 1)
        scale = WORTH * np.float32(width)
        return {
            "head": codes.astype(np.int8),
            "head.scale": np.full(len(codes), scale, np.float32),
            "head.bias": self.border.astype(np.float32) / np.float32(255),
        }


def near(head: Mapping[str, NDArray[Any]], moves: NDArray[np.integer]) -> Mapping[str, NDArray[Any]]:
    """The head whose codes are moved by so much, [N, n], at the channels behind the planes."""
    codes = head["head"].astype(np.int64)
    codes[:, codes.shape[1] - moves.shape[1] :] += moves
    return {**head, "head": codes.clip(-127, 127).astype(np.int8)}


def moves_between(
    head: Mapping[str, NDArray[Any]], other: Mapping[str, NDArray[Any]], planes: int
) -> NDArray[np.int64] | None:
    """The moves, [N, n], by which a head becomes another one; nothing if that is not `near` it."""
    away = other["head"][:, planes:].astype(np.int64) - head["head"][:, planes:]
    moves: NDArray[np.int64] = away.clip(-NEAR, NEAR - 1)
    is_near = all(np.array_equal(own, other[name]) for name, own in near(head, moves).items())
    return moves if is_near else None


@cache
def common_trunks() -> dict[int, CommonTrunk]:
    """The common networks, by the number of their channels beside the planes."""
    data = files("anir_runtime").joinpath("common_networks.bin").read_bytes()
    return from_bytes(data)


def has_common(depth: int, channels: int, planes: int) -> bool:
    """Whether there is a common network of that size."""
    return depth in DEPTHS and channels - planes in INNER


def from_bytes(data: bytes) -> dict[int, CommonTrunk]:
    """The inverse of `to_bytes`."""
    trunks, at = dict[int, CommonTrunk](), 0

    def take(dtype: str, *shape: int) -> NDArray[Any]:
        nonlocal at
        values = np.frombuffer(data, dtype, math.prod(shape), at).reshape(shape)
        at += values.nbytes
        return values

    for n in INNER:
        steps = take("<f4", _LAYERS).astype(np.float32)
        pairs = take("i1", _LAYERS * n**2 // 2, 1)
        codes = np.concatenate([pairs << 4, pairs], 1) >> 4
        trunks[n] = CommonTrunk(codes.reshape(_LAYERS, n, n), steps, take("i1", len(DEPTHS), _PLANES, n))
    return trunks


def to_bytes(trunks: Mapping[int, CommonTrunk]) -> bytes:
    """For each width, ascending: steps as float32, then the codes of weights and of heads.

    Weights are two to a byte, the first in the lower half.
    """
    parts = list[NDArray[Any]]()
    for trunk in (trunks[n] for n in INNER):
        pairs = trunk.weights.reshape(-1, 2)
        parts += [trunk.steps.astype("<f4"), pairs[:, 0] & 15 | pairs[:, 1] << 4, trunk.heads]
    return b"".join(part.tobytes() for part in parts)
