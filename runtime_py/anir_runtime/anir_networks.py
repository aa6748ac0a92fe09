"""Codes the networks of an `.anir` file's levels; layers that several networks share are coded once."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anir_runtime.anir_header import Header
from anir_runtime.coder import Coder
from anir_runtime.common_networks import (
    MOST_OFFSET,
    Colours,
    common_trunks,
    has_common,
    offsets_between,
    with_offsets,
)
from anir_runtime.families import Field, families
from anir_runtime.network import Tensors

_LOW_BYTES = 128
"""Offset of the group of a 16-bit tensor's low bytes from the group of its high bytes."""
_OFFSETS, _OFFSET_BITS = 64, 4
"""Group and bits of head offsets, which lead from the common head's codes to those of a head near it."""
_Trunk = dict[str, NDArray[Any]]
"""What has been coded so far of the tensors that networks of one width share, by name."""


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

    def __init__(self, coder: Coder, header: Header) -> None:
        """Prepares to code the networks of a file with this header; the coder is that of its first strip."""
        self.colours: Colours | None = None
        self._coder, self._bits, self._planes = coder, header.bits, header.colours
        self._family = families()[header.family]
        self._trunks: dict[int, _Trunk] = {}

    def code(self, depth: int, channels: int, width: int, tensors: Tensors | None = None) -> Tensors:
        """Codes a network of `depth` layers of `channels` channels, and returns its tensors.

        `width` is the level's quantization step in units, if the family is `lapped`; `tensors` are those to
        encode.
        """
        trunk = self._trunks.setdefault(channels, {})
        shapes = self._family.shapes(depth, channels, self._planes)
        # Values that are given to a coder that decodes do not matter.
        given = tensors or {part: np.zeros(shape, np.float32) for part, (_, shape) in shapes.items()}
        common = self._code_common(depth, channels, width, trunk, given)
        return {part: self._code_part(part, *own, trunk, common, given) for part, own in shapes.items()}

    def _code_part(
        self,
        part: str,
        types: tuple[str, ...],
        shape: tuple[int, ...],
        trunk: _Trunk,
        common: Tensors,
        given: Tensors,
    ) -> NDArray[Any]:
        """Codes the entries of a tensor that the trunk lacks, unless they are common; returns the tensor."""
        name, fields = part.removesuffix(".scale"), self._family.fields
        axis, group = _growing_axis(fields[name]), list(fields).index(name)
        kind = f"int{self._bits}" if name == "weights" else types[0]

        def add(new: range) -> NDArray[Any]:
            """Codes the entries `new` along the axis, or takes them from the common network."""
            if part in common:
                return common[part].take(new, axis)
            return self._code_array(kind, group, given[part].take(new, axis))

        if name.startswith("head"):
            return add(range(shape[axis]))
        return _from_trunk(trunk, part, shape[axis], axis, add)

    def _code_common(self, depth: int, channels: int, width: int, trunk: Tensors, given: Tensors) -> Tensors:
        """Codes whether the new layers and the head are common; returns those tensors that are, by name."""
        if self.colours is None or not has_common(depth, channels, self._planes):
            return {}
        own, have = common_trunks()[channels - self._planes], len(trunk.get("steps", ()))
        layers = own.layers(depth, self._planes)
        result = self._code_if_common(layers, have, given) if have < depth - 1 else {}
        head = self.colours.head(own.head(depth), width)
        return {**result, **(self._code_if_common(head, 0, given) or self._code_if_near(head, given))}

    def _code_if_common(self, common: Tensors, first: int, given: Tensors) -> Tensors:
        """Codes whether tensors equal the common ones from entry `first` on; if so, returns the latter."""
        same = all(np.array_equal(given[name][first:], own[first:]) for name, own in common.items())
        return common if self._coder.bits(1, int(same)) else {}

    def _code_if_near(self, common: Tensors, given: Tensors) -> Tensors:
        """Codes whether the head is near the common one; if so, codes its offsets and returns its tensors."""
        own = offsets_between(common, given, self._planes)
        if not self._coder.bits(1, int(own is not None)):
            return {}
        offsets = np.zeros_like(common["head"][:, self._planes :]) if own is None else own
        numbers = (offsets + MOST_OFFSET).astype(np.uint8)
        coded = self._coder.symbols(_OFFSETS, _OFFSET_BITS, numbers)
        return with_offsets(common, coded.astype(np.int64) - MOST_OFFSET)

    def _code_array(self, kind: str, group: int, given: NDArray[Any]) -> NDArray[Any]:
        """Codes an array of a type; integers have the adaptive probabilities of their group."""
        if kind == "float32":
            return self._code_reals(given)
        bits = int(kind.removeprefix("int"))
        offset = 1 << (bits - 1)
        # Weights of `lapped` that lead to planes are 0, and not in the stream.
        skipped = self._planes if self._family.has_latents and group == 0 else 0
        coded = given[..., skipped:].astype(np.int64) + offset
        if bits == 16:
            high, low = (coded >> 8).astype(np.uint8), (coded & 255).astype(np.uint8)
            high = self._coder.symbols(group, 8, high)
            coded = high.astype(np.int64) << 8 | self._coder.symbols(group + _LOW_BYTES, 8, low)
        else:
            coded = self._coder.symbols(group, bits, coded.astype(np.uint8)).astype(np.int64)
        result = np.zeros(given.shape, np.int16 if bits == 16 else np.int8)
        result[..., skipped:] = coded - offset
        return result

    def _code_reals(self, given: NDArray[Any]) -> NDArray[np.float32]:
        """Codes float32 numbers: for each, how many of its lowest bytes are 0, then its other bytes."""
        words = np.ascontiguousarray(given, np.float32).view(np.uint32)
        result = np.zeros_like(words)
        for i, word in enumerate(words.ravel().tolist()):
            zeros = next((n for n in (3, 2, 1) if not word & ((1 << 8 * n) - 1)), 0)
            zeros = self._coder.bits(2, zeros)
            result.flat[i] = self._coder.bits(32 - 8 * zeros, word >> 8 * zeros) << 8 * zeros
        return result.view(np.float32)


def _from_trunk(
    trunk: _Trunk, part: str, length: int, axis: int, add: Callable[[range], NDArray[Any]]
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
