from itertools import pairwise

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
    coefficients = analyse(waves(*size)).coefficients
    levels = list(refined_levels(coefficients, order, size, bits=4))
    for level, whole in zip(levels, level_bytes(4, size), strict=True):
        assert 0.9 * (whole - 120) < level.end < whole - 40 or level.step.width in (LEAST_WIDTH, MOST_WIDTH)
    assert [level.step.reach for level in levels] == [4, 1, 1, 1]
    # There are no common networks of these widths: the file also holds networks, and so fewer coefficients.
    own = list(refined_levels(coefficients, level_order(Space((2, 3), (21, 25))), size, bits=4))
    assert own[1].end < levels[1].end - 150


def test_a_tiny_picture_has_all_levels() -> None:
    order = level_order(Space((2, 3), (20, 24)))
    levels = list(refined_levels(analyse(blocks(2, 2, 4)).coefficients, order, (8, 8), bits=4))
    assert len(levels) == 4
    assert levels[0].step.width >= levels[-1].step.width
