from itertools import pairwise

import numpy as np
import pytest
from anir_runtime.level_step import LEAST_WIDTH, MOST_WIDTH
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.levels import level_bytes, level_order, refined_levels
from anir_toolchain.space import Space, Subnet

from tests.lapped_pictures import blocks, waves


def test_narrow_networks_come_first() -> None:
    names = [subnet.name for subnet in level_order(Space((2, 3), (8, 12)))]
    assert names == ["d2w8", "d3w8", "d2w12", "d3w12"]


SUBNETS = level_order(Space((2, 3, 4, 5), (20, 24, 28, 32)))
"""The subnets that have common networks, for three planes."""


def test_bytes_of_levels_grow_by_similar_factors() -> None:
    sizes = level_bytes(SUBNETS, (768, 512), 3)
    assert (sizes[0], sizes[-1]) == (int(0.03 * 49152), int(1.5 * 49152))
    assert all(1.15 < b / a < 1.55 for a, b in pairwise(sizes))
    assert level_bytes(SUBNETS[:2], (2, 1), 3) == [1, 1]


@pytest.mark.parametrize("planes", [1, 3, 4])
def test_some_of_the_subnets_have_the_same_bytes_as_among_all(planes: int) -> None:
    every = [Subnet(own.depth, own.width - 3 + planes) for own in SUBNETS]
    sizes = level_bytes(every, (768, 512), planes)
    for chosen in ([0, 1], [4, 7, 15], [11]):
        assert level_bytes([every[i] for i in chosen], (768, 512), planes) == [sizes[i] for i in chosen]


def test_levels_without_common_networks_span_all_rates() -> None:
    size, order = (800, 400), level_order(Space((2, 3), (21, 25)))
    first, *_, last = level_bytes(order, size, 3)
    assert (first, last) == (1200, 60000)
    assert level_bytes(order[1:2], size, 3) == [60000]


def test_levels_leave_room_for_side_information_and_reach_falls() -> None:
    order, size = level_order(Space((2, 3), (20, 24))), (256, 192)
    coefficients = analyse(waves(*size), 16).coefficients
    levels = list(refined_levels(coefficients, order, size, bits=4))
    for level, whole in zip(levels, level_bytes(order, size, 3), strict=True):
        assert 0.9 * (whole - 120) < level.end < whole - 40 or level.step.width in (LEAST_WIDTH, MOST_WIDTH)
    assert [level.step.reach for level in levels] == [4, 4, 2, 1]
    # There are no common networks of these widths: the file also holds networks.
    others = level_order(Space((2, 3), (21, 25)))
    own = list(refined_levels(coefficients, others, size, bits=4))
    room, more = (
        level_bytes(subnets, size, 3)[1] - known[1].end for subnets, known in ((order, levels), (others, own))
    )
    assert more > room + 150


@pytest.mark.parametrize("pitch", [16, 32])
def test_bytes_of_a_sample_s_levels_follow_its_share_of_significant_coefficients(pitch: int) -> None:
    order, size = level_order(Space((2, 3), (20, 24))), (512, 512)
    image = np.full((512, 512, 3), 128, np.uint8)
    image[:256, :256] = blocks(64, 64, 4)
    coefficients = analyse(image, pitch).coefficients
    half = 256 // pitch
    whole = [level.step.width for level in refined_levels(coefficients, order, size, 4)]
    # A quarter and a half of the picture, both with nearly all of its significant coefficients.
    for columns in (slice(half), slice(None)):
        levels = refined_levels(coefficients, order, size, 4, coefficients[:half, columns])
        assert [level.step.width for level in levels] == pytest.approx(whole, rel=0.3)


def test_a_tiny_picture_has_all_levels() -> None:
    order = level_order(Space((2, 3), (20, 24)))
    levels = list(refined_levels(analyse(blocks(2, 2, 4), 16).coefficients, order, (8, 8), bits=4))
    assert len(levels) == 4
    assert levels[0].step.width >= levels[-1].step.width
