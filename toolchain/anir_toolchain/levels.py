"""The levels of a picture's `.anir` file: how long they are, and the latents of each."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from anir_runtime.coder import Integers
from anir_runtime.common_networks import has_common
from anir_runtime.lapped_transform import Axis
from anir_runtime.network import Network
from anir_runtime.steps import Step

from anir_toolchain.embedding import Embedded, Refined, embed, refine
from anir_toolchain.space import Space, Subnet

_RATES = (0.03, 0.04, 0.05, 0.07, 0.1, 0.125, 0.15, 0.18, 0.25, 0.35, 0.42, 0.5, 0.75, 1.0, 1.25, 1.5)
"""Bits per pixel of the prefixes of sixteen levels; other numbers of levels are spread over these."""
_REACHES = ((0.085, 4), (0.11, 2), (math.inf, 1))
"""Below so many bits per pixel networks see planes so many pixels away: bench/NOTES.md."""
_HEADER, _ENTRY, _LEVEL = 32, 3, 3
"""Bytes of a file's header and colours, of a level's entry there, and of a level's step and digest, about."""
_MOVE, _MOVE_AT_FIRST, _LONG_PREFIX = 0.22, 0.08, 75
"""Bytes for each code of a head near the common one, about, and in prefixes of fewer bytes for each code."""
_LEAST = 24
"""Bytes of a level's coefficients at least: in a tiny picture, all else is nearly all."""


@dataclass(frozen=True)
class LevelNetwork:
    """What a level of a file has beside coefficients.

    Attributes:
        step: how it refines the coefficients.
        network: that is shown with them, without latents.
    """

    step: Step
    network: Network


def in_order(space: Space) -> list[Subnet]:
    """The subnets in the order of their levels: narrow ones first."""
    return sorted(space.subnets, key=lambda subnet: (subnet.width, subnet.depth))


def level_bytes(count: int, size: tuple[int, int]) -> list[int]:
    """How many bytes each of so many prefixes should have, for a picture of size (W, H) in pixels."""
    return [max(1, int(rate * math.prod(size) / 8 + 1e-6)) for rate in _rates(count)]


def embedded_levels(
    coefficients: Integers, order: Sequence[Subnet], size: tuple[int, int], bits: int
) -> list[Embedded]:
    """The levels of a picture's coefficients, with room for all else that is in their prefixes.

    Args:
        coefficients: of the picture, as `in_units` has them, or of a sample of it: then levels take their
            share of the picture's bytes.
        order: the subnets, one for each level.
        size: (W, H) of the picture in pixels.
        bits: of a hidden weight.
    """
    return embed(coefficients, *_ends_and_reaches(coefficients, order, size, bits))


def refined_levels(
    coefficients: Integers, order: Sequence[Subnet], size: tuple[int, int], bits: int
) -> Iterator[Refined]:
    """What is known at each of the levels in turn, of which `embedded_levels` gives the latents."""
    return refine(coefficients, *_ends_and_reaches(coefficients, order, size, bits))


def _ends_and_reaches(
    coefficients: Integers, order: Sequence[Subnet], size: tuple[int, int], bits: int
) -> tuple[list[int], list[int]]:
    """Bytes of coefficients up to the end of each level, and the reach of its network."""
    prefixes = level_bytes(len(order), size)
    beside = _bytes_beside(order, prefixes, bits, coefficients.shape[2])
    wanted = [end - own for end, own in zip(prefixes, beside, strict=True)]
    cells = math.prod(Axis(pixels, coefficients.shape[-1]).cells for pixels in size)
    share = math.prod(coefficients.shape[:2]) / cells
    ends = [max(int(share * end), _LEAST * (k + 1)) for k, end in enumerate(wanted)]
    reaches = [next(reach for most, reach in _REACHES if rate < most) for rate in _rates(len(order))]
    return ends, reaches


def _rates(count: int) -> list[float]:
    places = np.linspace(0, len(_RATES) - 1, count) if count > 1 else [len(_RATES) - 1]
    return [float(rate) for rate in np.exp(np.interp(places, range(len(_RATES)), np.log(_RATES)))]


def _bytes_beside(order: Sequence[Subnet], prefixes: Sequence[int], bits: int, planes: int) -> list[int]:
    """About what each prefix has beside coefficients: the header, and networks but the common ones."""
    total, layers, result = float(_HEADER + _ENTRY * len(order)), dict[int, int](), list[int]()
    for subnet, prefix in zip(order, prefixes, strict=True):
        total += _LEVEL
        if has_common(subnet.depth, subnet.width, planes):
            moves = planes * (subnet.width - planes)
            total += moves * (_MOVE if prefix > _LONG_PREFIX * moves else _MOVE_AT_FIRST)
        else:
            new = subnet.depth - 1 - layers.get(subnet.width, 0)
            layers[subnet.width] = subnet.depth - 1
            layer = subnet.width * (subnet.width - planes) * bits / 8 + 4
            total += new * layer + planes * subnet.width + 28
        result.append(round(total))
    return result
