"""Codes the networks of an `.anir` file's levels: what the depths of a trunk share stands in a file once."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anir_runtime.coder import Coder
from anir_runtime.common_networks import (
    NEAR,
    Colours,
    common_trunks,
    has_common,
    moves_between,
    near,
)
from anir_runtime.families import Field, families
from anir_runtime.network import Tensors

_HEAD = "head"
_REST = 128
"""First group of the lower bytes of 16-bit codes."""
_MOVES, _MOVE_BITS = 64, 4
"""Group of the moves from the common head to one near it, and their bits."""


def code_colours(coder: Coder, many: int, colours: Colours | None = None) -> Colours:
    """Codes, in the coder's direction, how planes become that many colours; to encode, it is given."""
    given = colours or Colours(np.zeros((many, many), np.int8), np.zeros(many, np.uint8))
    matrix = [coder.bits(8, int(code)) for code in given.matrix.view(np.uint8).ravel()]
    border = [coder.bits(8, int(level)) for level in given.border]
    codes = np.array(matrix, np.uint8).view(np.int8).reshape(given.matrix.shape)
    return Colours(codes, np.array(border, np.uint8))


class NetworkCoder:
    """Codes tensors of networks, one level after the other, in the direction of its coder.

    The hidden layers and filter banks of networks with as many channels are those of one trunk, which ends
    earlier where there are fewer layers. Each network has a head of its own. Where there is a common network
    of the same size, one bit each tells whether new layers and the head are that network's; a head may also
    be near that network's.

    Attributes:
        colours: how planes become colours, if the family is `lapped`.
    """

    def __init__(self, coder: Coder, family: str, bits: int, planes: int) -> None:
        """For networks of that family with hidden weights of so many bits, and so many colour planes."""
        self.colours: Colours | None = None
        self._coder, self._bits, self._planes = coder, bits, planes
        self._family = families()[family]
        self._trunks: dict[int, Tensors] = {}

    def code(
        self, depth: int, channels: int, width: int = 0, tensors: Mapping[str, NDArray[Any]] | None = None
    ) -> Tensors:
        """The tensors of a network of that size. To encode, they are given.

        Args:
            depth: number of layers.
            channels: of each layer.
            width: of the level, if the family is `lapped`.
            tensors: of the network, to encode.
        """
        trunk = self._trunks.setdefault(channels, {})
        common = self._code_common(depth, channels, width, trunk, tensors)
        shapes = self._family.shapes(depth, channels, self._planes)
        return {part: self._code_part(part, *own, trunk, common, tensors) for part, own in shapes.items()}

    def _code_part(
        self,
        part: str,
        types: tuple[str, ...],
        shape: tuple[int, ...],
        trunk: Tensors,
        common: Mapping[str, NDArray[Any]],
        tensors: Mapping[str, NDArray[Any]] | None,
    ) -> NDArray[Any]:
        """A tensor of that shape, as far as the trunk does not have it; what is common has no codes."""
        name, fields = part.removesuffix(".scale"), self._family.fields
        axis, group = _growing_axis(fields[name]), list(fields).index(name)
        kind = f"int{self._bits}" if name == "weights" else types[0]

        def add(new: range) -> NDArray[Any]:
            """The entries `new` along the axis."""
            if part in common:
                return common[part].take(new, axis)
            given = None if tensors is None else tensors[part].take(new, axis)
            return self._code_array(kind, (*shape[:axis], len(new), *shape[axis + 1 :]), group, given)

        if name.startswith(_HEAD):
            return add(range(shape[axis]))
        return _from_trunk(trunk, part, shape[axis], axis, add)

    def _code_common(
        self,
        depth: int,
        channels: int,
        width: int,
        trunk: Tensors,
        tensors: Mapping[str, NDArray[Any]] | None,
    ) -> Mapping[str, NDArray[Any]]:
        """The common network's new layers and head, if one bit each tells that they are the network's."""
        if self.colours is None or not has_common(depth, channels, self._planes):
            return {}
        own, have = common_trunks()[channels - self._planes], len(trunk.get("steps", ()))
        layers = own.layers(depth, self._planes)
        result = self._code_if_common(layers, have, tensors) if have < depth - 1 else {}
        head = self.colours.head(own.head(depth), width)
        return {**result, **(self._code_if_common(head, 0, tensors) or self._code_if_near(head, tensors))}

    def _code_if_common(
        self,
        common: Mapping[str, NDArray[Any]],
        first: int,
        tensors: Mapping[str, NDArray[Any]] | None,
    ) -> Mapping[str, NDArray[Any]]:
        """These tensors, if those of the network are the same from their entry `first` on, which is coded."""
        same = tensors is not None and all(
            np.array_equal(tensors[name][first:], own[first:]) for name, own in common.items()
        )
        return common if self._coder.bits(1, int(same)) else {}

    def _code_if_near(
        self, common: Mapping[str, NDArray[Any]], tensors: Mapping[str, NDArray[Any]] | None
    ) -> Mapping[str, NDArray[Any]]:
        """A head near the common one, if it is such a head."""
        own = None if tensors is None else moves_between(common, tensors, self._planes)
        if not self._coder.bits(1, int(own is not None)):
            return {}
        inner = common["head"][:, self._planes :]
        numbers = np.zeros(inner.shape, np.uint8) if own is None else (own + NEAR).astype(np.uint8)
        return near(common, self._coder.symbols(_MOVES, _MOVE_BITS, numbers).astype(np.int64) - NEAR)

    def _code_array(
        self, kind: str, shape: tuple[int, ...], group: int, given: NDArray[Any] | None
    ) -> NDArray[Any]:
        """An array of that type and shape; integers by what was in their group before."""
        if kind == "float32":
            return self._code_reals(shape, given)
        bits = int(kind.removeprefix("int"))
        offset = 1 << (bits - 1)
        codes = np.zeros(shape, np.int64) if given is None else given.astype(np.int64) + offset
        # No weights of `lapped` lead to its planes: those are not in the stream.
        skipped = self._planes if self._family.has_latents and group == 0 and len(shape) > 2 else 0
        told = codes[..., skipped:]
        if bits == 16:
            high, low = (told >> 8).astype(np.uint8), (told & 255).astype(np.uint8)
            high = self._coder.symbols(group, 8, high)
            told = high.astype(np.int64) << 8 | self._coder.symbols(group + _REST, 8, low)
        else:
            told = self._coder.symbols(group, bits, told.astype(np.uint8)).astype(np.int64)
        result = np.zeros(shape, np.int16 if bits == 16 else np.int8)
        result[..., skipped:] = told - offset
        return result

    def _code_reals(self, shape: tuple[int, ...], given: NDArray[Any] | None) -> NDArray[np.float32]:
        """Float32 numbers without the bytes at their ends that are zero: how many these are comes first."""
        count = int(np.prod(shape))
        words = (
            np.zeros(count, np.uint32)
            if given is None
            else np.ascontiguousarray(given, np.float32).view(np.uint32)
        )
        result = np.zeros(count, np.uint32)
        for i, word in enumerate(int(own) for own in words.ravel()):
            zeros = next((n for n in (3, 2, 1) if not word & ((1 << 8 * n) - 1)), 0)
            zeros = self._coder.bits(2, zeros)
            result[i] = self._coder.bits(32 - 8 * zeros, word >> 8 * zeros) << 8 * zeros
        return result.view(np.float32).reshape(shape)


def _from_trunk(
    trunk: Tensors, part: str, length: int, axis: int, add: Callable[[range], NDArray[Any]]
) -> NDArray[Any]:
    """A tensor up to a length along an axis; what its trunk lacks of it is added first."""
    known = trunk.get(part)
    missing = range(0 if known is None else known.shape[axis], length)
    if missing:
        rest = add(missing)
        trunk[part] = rest if known is None else np.concatenate([known, rest], axis)
    return trunk[part].take(range(length), axis)


def _growing_axis(field: Field) -> int:
    """The axis along which deeper networks have more; the first one of what all depths share whole."""
    return next((i for i, length in enumerate(field.shape) if length in ("L", "D")), 0)
