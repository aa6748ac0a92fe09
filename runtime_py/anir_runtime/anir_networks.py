"""Codes the networks of an `.anir` file's levels; layers that several networks share are coded once."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anir_runtime.coder import Coder
from anir_runtime.common_networks import (
    MOST_OFFSET,
    Colours,
    common_trunks,
    has_common,
    moves_between,
    with_offsets,
)
from anir_runtime.families import Field, families
from anir_runtime.network import Tensors

_HEAD = "head"
_LOW_BYTES = 128
"""Offset of the group of a 16-bit tensor's low bytes from the group of its high bytes."""
_OFFSETS, _OFFSET_BITS = 64, 4
"""Group and bits of head offsets, which lead from the common head's codes to those of a head near it."""


def code_colours(coder: Coder, many: int, colours: Colours | None = None) -> Colours:
    """Codes, in the coder's direction, how planes become `many` colours; `colours` is used to encode only."""
    given = colours or Colours(np.zeros((many, many), np.int8), np.zeros(many, np.uint8))
    matrix = [coder.bits(8, int(code)) for code in given.matrix.view(np.uint8).ravel()]
    border = [coder.bits(8, int(level)) for level in given.border]
    codes = np.array(matrix, np.uint8).view(np.int8).reshape(given.matrix.shape)
    return Colours(codes, np.array(border, np.uint8))


class NetworkCoder:
    """Codes the tensors of networks, level by level, in its coder's direction.

    Networks with the same number of channels share a trunk of hidden layers and filter banks, of which each
    uses as many as its depth needs; each network has its own head. If there is a common network of the same
    size, one bit says whether the new layers are that network's, and another whether the head is. A head may
    also be near the common one: then its offsets are coded, small integer offsets to the common head's codes.

    Attributes:
        colours: how planes become colours; None unless the family is `lapped`.
    """

    def __init__(self, coder: Coder, family: str, bits: int, planes: int) -> None:
        """Prepares to code networks.

        Args:
            coder: coder of the file's first strip.
            family: family of the networks.
            bits: bits of a hidden weight, 4 or 8.
            planes: number of colour planes.
        """
        self.colours: Colours | None = None
        self._coder, self._bits, self._planes = coder, bits, planes
        self._family = families()[family]
        self._trunks: dict[int, Tensors] = {}

    def code(
        self, depth: int, channels: int, width: int = 0, tensors: Mapping[str, NDArray[Any]] | None = None
    ) -> Tensors:
        """Codes a network, and returns its tensors.

        Args:
            depth: number of layers.
            channels: channels of each layer.
            width: the level's quantization step in units, if the family is `lapped`.
            tensors: the network's tensors, to encode.
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
        """Codes the entries of a tensor that the trunk lacks, unless they are common; returns the tensor."""
        name, fields = part.removesuffix(".scale"), self._family.fields
        axis, group = _growing_axis(fields[name]), list(fields).index(name)
        kind = f"int{self._bits}" if name == "weights" else types[0]

        def add(new: range) -> NDArray[Any]:
            """Codes the entries `new` along the axis, or takes them from the common network."""
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
        """Codes whether the new layers and the head are common; returns those tensors that are, by name."""
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
        """Codes whether tensors equal the common ones from entry `first` on; if so, returns the latter."""
        same = tensors is not None and all(
            np.array_equal(tensors[name][first:], own[first:]) for name, own in common.items()
        )
        return common if self._coder.bits(1, int(same)) else {}

    def _code_if_near(
        self, common: Mapping[str, NDArray[Any]], tensors: Mapping[str, NDArray[Any]] | None
    ) -> Mapping[str, NDArray[Any]]:
        """Codes whether the head is near the common one; if so, codes its offsets and returns its tensors."""
        own = None if tensors is None else moves_between(common, tensors, self._planes)
        if not self._coder.bits(1, int(own is not None)):
            return {}
        inner = common["head"][:, self._planes :]
        numbers = np.zeros(inner.shape, np.uint8) if own is None else (own + MOST_OFFSET).astype(np.uint8)
        return with_offsets(
            common, self._coder.symbols(_OFFSETS, _OFFSET_BITS, numbers).astype(np.int64) - MOST_OFFSET
        )

    def _code_array(
        self, kind: str, shape: tuple[int, ...], group: int, given: NDArray[Any] | None
    ) -> NDArray[Any]:
        """Codes an array of a type and shape; integers have the adaptive probabilities of their group."""
        if kind == "float32":
            return self._code_reals(shape, given)
        bits = int(kind.removeprefix("int"))
        offset = 1 << (bits - 1)
        codes = np.zeros(shape, np.int64) if given is None else given.astype(np.int64) + offset
        # Weights of `lapped` that lead to planes are 0, and not in the stream.
        skipped = self._planes if self._family.has_latents and group == 0 and len(shape) > 2 else 0
        coded = codes[..., skipped:]
        if bits == 16:
            high, low = (coded >> 8).astype(np.uint8), (coded & 255).astype(np.uint8)
            high = self._coder.symbols(group, 8, high)
            coded = high.astype(np.int64) << 8 | self._coder.symbols(group + _LOW_BYTES, 8, low)
        else:
            coded = self._coder.symbols(group, bits, coded.astype(np.uint8)).astype(np.int64)
        result = np.zeros(shape, np.int16 if bits == 16 else np.int8)
        result[..., skipped:] = coded - offset
        return result

    def _code_reals(self, shape: tuple[int, ...], given: NDArray[Any] | None) -> NDArray[np.float32]:
        """Codes float32 numbers: for each, how many of its lowest bytes are 0, then its other bytes."""
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
    """Returns a tensor up to a length along an axis; `add` first makes the entries that its trunk lacks."""
    known = trunk.get(part)
    missing = range(0 if known is None else known.shape[axis], length)
    if missing:
        rest = add(missing)
        trunk[part] = rest if known is None else np.concatenate([known, rest], axis)
    return trunk[part].take(range(length), axis)


def _growing_axis(field: Field) -> int:
    """Returns the axis along which deeper networks' tensors are longer; 0 if all depths share them whole."""
    return next((i for i, length in enumerate(field.shape) if length in ("L", "D")), 0)
