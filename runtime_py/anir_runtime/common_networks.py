"""Common networks of the family `lapped`, which come with the runtime, so that files need not hold them.

They correct quantization errors of photographs' coefficients, and were trained on pictures of scikit-image
and matplotlib (bench/common_networks.py). Their inputs and outputs are relative to a level's quantization
step, its width, so that they suit any width.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anir_runtime.network import Tensors

INNER = (17, 21, 25, 29)
"""Numbers of channels of the networks, without the channels of the planes, which pass through unchanged."""
DEPTHS = (2, 3, 4, 5)
"""Depths of the networks."""
_PLANES = 3
"""Planes of the pictures that the networks were trained on; a fourth plane is treated as the third one."""
_LAYERS = DEPTHS[-1] - 1
COLOUR_PER_UNIT = np.float32(1.5 / 127.5 / 64 / 254)
"""Colour, in [0, 1], that a code of 1 in `Colours.matrix` gives to a plane of one unit."""
MOST_OFFSET = 8
"""Bound of head offsets: codes of a near head differ from the common head's by -8 to 7."""
_SHIFT = 7
"""Codes of `CommonTrunk.heads` are in units of 2⁻⁷ of the level's width."""


@dataclass(frozen=True)
class CommonTrunk:
    """The common networks with n channels besides those of the planes, which share their hidden layers.

    Attributes:
        weights: 4-bit codes of the hidden matrices over (matrix, input, output), int8[4, n, n].
        steps: step size of each matrix, float32[4].
        heads: for each depth, the weights by which channels are added to planes, in 1/128 of the level's
            width: int8[4, 3, n].
    """

    weights: NDArray[np.int8]
    steps: NDArray[np.float32]
    heads: NDArray[np.int8]

    def layers(self, depth: int, planes: int) -> Tensors:
        """Returns the hidden layers' tensors of the network of a depth, by name (docs/format.md)."""
        around = ((0, 0), (planes, 0), (planes, 0))
        return {"weights": np.pad(self.weights[: depth - 1], around), "steps": self.steps[: depth - 1]}

    def head(self, depth: int) -> NDArray[np.int8]:
        """Returns the entry of `heads` for a depth, int8[3, n]."""
        own: NDArray[np.int8] = self.heads[DEPTHS.index(depth)]
        return own


@dataclass(frozen=True)
class Colours:
    """How planes become colours.

    Attributes:
        matrix: codes of the weights of planes in colours, int8[N, N] over (colour, plane).
        border: colour where all planes are 0, uint8[N].
    """

    matrix: NDArray[np.int8]
    border: NDArray[np.uint8]

    def head(self, planes_head: NDArray[np.int8], width: int) -> Tensors:
        """Returns the tensors of a common network's head, by name (docs/format.md).

        Args:
            planes_head: the weights by which channels are added to planes: see `CommonTrunk.head`.
            width: the level's quantization step in units.
        """
        rows = np.minimum(np.arange(len(self.matrix)), _PLANES - 1)
        sums = self.matrix.astype(np.int32) @ planes_head[rows].astype(np.int32)
        inner = ((sums + (1 << (_SHIFT - 1))) >> _SHIFT).clip(-127, 127)
        codes = np.concatenate([self.matrix, inner], 1)
        scale = COLOUR_PER_UNIT * np.float32(width)
        return {
            "head": codes.astype(np.int8),
            "head.scale": np.full(len(codes), scale, np.float32),
            "head.bias": self.border.astype(np.float32) / np.float32(255),
        }


def with_offsets(head: Tensors, offsets: NDArray[np.integer]) -> Tensors:
    """Returns a head with offsets, [N, n], added to its codes for the channels after those of the planes."""
    codes = head["head"].copy()
    inner = codes[:, codes.shape[1] - offsets.shape[1] :]
    inner[:] = (inner + offsets.astype(np.int64)).clip(-127, 127)
    return {**head, "head": codes}


def offsets_between(head: Tensors, other: Tensors, planes: int) -> NDArray[np.int64] | None:
    """Returns the offsets, [N, n], that turn a head into the other one; None if no offsets do."""
    away = other["head"][:, planes:].astype(np.int64) - head["head"][:, planes:]
    offsets: NDArray[np.int64] = away.clip(-MOST_OFFSET, MOST_OFFSET - 1)
    is_near = all(np.array_equal(own, other[name]) for name, own in with_offsets(head, offsets).items())
    return offsets if is_near else None


@cache
def common_trunks() -> dict[int, CommonTrunk]:
    """Returns the common networks by their number n of channels besides those of the planes."""
    data = files("anir_runtime").joinpath("common_networks.bin").read_bytes()
    return from_bytes(data)


def has_common(depth: int, channels: int, planes: int) -> bool:
    """Returns whether there is a common network of this size."""
    return depth in DEPTHS and channels - planes in INNER


def from_bytes(data: bytes) -> dict[int, CommonTrunk]:
    """Inverts `to_bytes`."""
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
    """Serializes trunks by ascending number n of channels: float32 steps, codes of weights, codes of heads.

    Weights are stored two to a byte, the first one in the lower half.
    """
    parts = list[NDArray[Any]]()
    for trunk in (trunks[n] for n in INNER):
        pairs = trunk.weights.reshape(-1, 2)
        parts += [trunk.steps.astype("<f4"), pairs[:, 0] & 15 | pairs[:, 1] << 4, trunk.heads]
    return b"".join(part.tobytes() for part in parts)
