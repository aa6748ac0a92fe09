"""The levels of a picture's `.anir` file: the bytes that each may take, and its coefficients or latents."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from anir_runtime.anir_header import RATES as _THOUSANDTHS
from anir_runtime.coder import Integers
from anir_runtime.common_networks import DEPTHS, INNER, has_common
from anir_runtime.level_step import LEAST_WIDTH, LevelStep
from anir_runtime.network import Network
from numpy.typing import NDArray

from anir_toolchain.embedding import Refined, SmallIntegers, encode_levels
from anir_toolchain.space import Space, Subnet

RATES = [rate / 1000 for rate in _THOUSANDTHS]
"""Bits per pixel of the prefixes of sixteen levels; interpolated where there are no common networks."""
BITS_PER_COEFFICIENT = 5
"""Estimated bits that a level takes for each significant coefficient (bench/NOTES.md)."""
_REACHES = ((0.085, 4), (0.11, 2), (math.inf, 1))
"""Pairs (bits per pixel, reach): a level has the reach of the first pair above its rate (bench/NOTES.md)."""
_HEADER_BYTES = 36
"""Bytes for a file's header and colours, without the levels' entries: 30, and some to spare for offsets."""
_ENTRY_BYTES = 3
"""Estimated bytes of a level's entry in the header."""
_PREDICTED_ENTRY_BYTES = 2
"""The same where the header predicts the level's length: in files of sixteen levels."""
_LEVEL_BYTES = 3
"""Estimated bytes of a level's step and digest."""
_OFFSET_BYTES = 0.22
"""Estimated bytes of a head offset, that is of a head's difference from the common one (docs/format.md)."""
_EARLY_OFFSET_BYTES = 0.08
"""The same in short prefixes."""
_LONG_PREFIX = 75
"""Bytes per head offset up to which a prefix counts as short."""
_LEAST_BYTES = 24
"""Least bytes of coefficients for each level; in a tiny picture side information would leave none."""


@dataclass(frozen=True)
class LevelNetwork:
    """What a level of a file has besides coefficients.

    Attributes:
        step: how the level refines the coefficients.
        network: the network that is drawn with them, without latents.
    """

    step: LevelStep
    network: Network


def level_order(space: Space) -> list[Subnet]:
    """Returns the subnets in the order of their levels: by width, then by depth."""
    return sorted(space.subnets, key=lambda subnet: (subnet.width, subnet.depth))


def level_bytes(order: Sequence[Subnet], size: tuple[int, int], planes: int) -> list[int]:
    """Returns the target bytes of the prefix of each subnet's level.

    Args:
        order: the subnets, one for each level.
        size: (W, H) of the picture in pixels.
        planes: number of the picture's planes.
    """
    return [max(1, int(rate * math.prod(size) / 8 + 1e-6)) for rate in _rates(order, planes)]


def refined_levels(
    coefficients: Integers,
    order: Sequence[Subnet],
    size: tuple[int, int],
    bits: int,
    sample: Integers | None = None,
    left_out: Sequence[SmallIntegers] = (),
) -> Iterator[Refined]:
    """Yields the levels of a picture's coefficients, with room for the side information in their prefixes.

    Args:
        coefficients: the picture's, as `in_units` returns them.
        order: the subnets, one for each level.
        size: (W, H) of the picture in pixels.
        bits: bits of a hidden weight.
        sample: those coefficients that are encoded instead of all, with the bytes scaled down in proportion.
        left_out: for each level what to subtract from the encoded coefficients; nothing by default.
    """
    planes = coefficients.shape[2]
    prefixes = level_bytes(order, size, planes)
    side = _side_bytes(order, prefixes, bits, planes)
    wanted = [end - own for end, own in zip(prefixes, side, strict=True)]
    if sample is not None:
        wanted = _scaled(wanted, coefficients, sample)
    ends = [max(end, _LEAST_BYTES * number) for number, end in enumerate(wanted, start=1)]
    reaches = [next(reach for most, reach in _REACHES if rate < most) for rate in _rates(order, planes)]
    return encode_levels(coefficients if sample is None else sample, ends, reaches, left_out=left_out)


def _scaled(ends: Sequence[int], whole: Integers, sample: Integers) -> list[int]:
    """Returns the bytes up to the ends of a sample's levels, given those of the whole picture's levels.

    A level's bytes are about proportional to its number of significant coefficients, of which a sample may
    have more or fewer than its share of the cells.
    """
    share = math.prod(sample.shape[:2]) / math.prod(whole.shape[:2])
    own = np.abs(sample).reshape(-1)
    places = [max(0, len(own) - round(share * 8 * end / BITS_PER_COEFFICIENT) - 1) for end in ends]
    own.partition(places)
    significant = np.maximum(own[places], LEAST_WIDTH)
    known = _counts([own], significant)
    found = share * _counts(whole, significant)
    return [int(end) for end in share * np.array(ends) * (known + 1) / (found + 1)]


def _counts(parts: Iterable[Integers], least: Integers) -> NDArray[np.int64]:
    """Returns how many coefficients of all parts have at least each of the given magnitudes."""
    counts = np.zeros(len(least), np.int64)
    for part in parts:
        sizes = np.abs(part)
        counts += [np.count_nonzero(sizes >= own) for own in least]
    return counts


def _rates(order: Sequence[Subnet], planes: int) -> list[float]:
    """Returns the bits per pixel of the prefix of each subnet's level.

    Subnets that have common networks have the rates for which these were trained, also without the others.
    """
    if all(has_common(subnet.depth, subnet.width, planes) for subnet in order):
        default = [(depth, inner + planes) for inner in INNER for depth in DEPTHS]
        return [RATES[default.index((subnet.depth, subnet.width))] for subnet in order]
    at = np.linspace(0, len(RATES) - 1, len(order)) if len(order) > 1 else [len(RATES) - 1]
    return [float(rate) for rate in np.exp(np.interp(at, range(len(RATES)), np.log(RATES)))]


def _side_bytes(order: Sequence[Subnet], prefixes: Sequence[int], bits: int, planes: int) -> list[int]:
    """Estimates the bytes of header and side information in each prefix."""
    entry = _PREDICTED_ENTRY_BYTES if len(order) == len(RATES) else _ENTRY_BYTES
    total, layers, result = float(_HEADER_BYTES + entry * len(order)), dict[int, int](), list[int]()
    for subnet, prefix in zip(order, prefixes, strict=True):
        total += _LEVEL_BYTES
        if has_common(subnet.depth, subnet.width, planes):
            offsets = planes * (subnet.width - planes)
            total += offsets * (_OFFSET_BYTES if prefix > _LONG_PREFIX * offsets else _EARLY_OFFSET_BYTES)
        else:
            new = subnet.depth - 1 - layers.get(subnet.width, 0)
            layers[subnet.width] = subnet.depth - 1
            layer = subnet.width * (subnet.width - planes) * bits / 8 + 4
            total += new * layer + planes * subnet.width + 28
        result.append(round(total))
    return result
