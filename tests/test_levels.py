from itertools import pairwise

import numpy as np
import pytest
from anir_runtime.level_step import LEAST_WIDTH, MOST_WIDTH
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.levels import level_bytes, level_order, refined_levels
from anir_toolchain.space import Space

from tests.lapped_pictures import blocks, waves


def test_narrow_networks_come_first() -> None:
    names = [subnet.name for subnet in level_order(Space((2, 3), (8, 12)))]
    assert names == ["d2w8", "d3w8", "d2w12", "d3w12"]


def test_bytes_of_levels_grow_by_similar_factors() -> None:
    sizes = level_bytes(16, (768, 512))
    assert (sizes[0], sizes[-1]) == (int(0.03 * 49152), int(1.5 * 49152))
    assert all(1.15 < b / a < 1.55 for a, b in pairwise(sizes))
    assert level_bytes(2, (768, 512)) == [sizes[0], sizes[-1]]
    assert level_bytes(1, (800, 100)) == [15000]
    assert level_bytes(2, (2, 1)) == [1, 1]


def test_levels_leave_room_for_side_information_and_reach_falls() -> None:
    order, size = level_order(Space((2, 3), (20, 24))), (256, 192)
    coefficients = analyse(waves(*size), 16).coefficients
    levels = list(refined_levels(coefficients, order, size, bits=4))
    for level, whole in zip(levels, level_bytes(4, size), strict=True):
        assert 0.9 * (whole - 120) < level.end < whole - 40 or level.step.width in (LEAST_WIDTH, MOST_WIDTH)
    assert [level.step.reach for level in levels] == [4, 1, 1, 1]
    # There are no common networks of these widths: the file also holds networks, and so fewer coefficients.
    own = list(refined_levels(coefficients, level_order(Space((2, 3), (21, 25))), size, bits=4))
    assert own[1].end < levels[1].end - 150


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
