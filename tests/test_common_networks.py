import numpy as np
import pytest
from anir_runtime.common_networks import (
    COLOUR_PER_UNIT,
    DEPTHS,
    INNER,
    Colours,
    common_trunks,
    from_bytes,
    has_common,
    offsets_between,
    to_bytes,
    with_offsets,
)

from tests.random_network import COLOURS


def test_common_networks_have_four_bits_and_no_weights_from_or_to_planes() -> None:
    trunks = common_trunks()
    assert tuple(trunks) == INNER
    for inner, trunk in trunks.items():
        assert trunk.weights.shape == (4, inner, inner)
        layers = trunk.layers(3, planes=3)
        assert layers["weights"].shape == (2, inner + 3, inner + 3)
        assert np.array_equal(layers["weights"][:, 3:, 3:], trunk.weights[:2])
        assert not layers["weights"][:, :3].any()
        assert not layers["weights"][..., :3].any()
        assert (trunk.weights.min(), trunk.weights.max()) == (-8, 7)
        assert (trunk.steps > 0).all()
        assert all(trunk.head(depth).any() for depth in DEPTHS)


def test_common_networks_round_trip_through_bytes() -> None:
    data = to_bytes(common_trunks())
    assert len(data) == sum(16 + 2 * n**2 + 12 * n for n in INNER)
    assert to_bytes(from_bytes(data)) == data


def test_a_head_is_multiplied_by_the_colour_matrix() -> None:
    planes_head = np.zeros((3, 9), np.int8)
    planes_head[:, 2] = 64, -32, 100
    planes_head[:, 8] = 127, 127, 127
    head = COLOURS.head(planes_head, 1000)
    assert head["head"][:, :3].tolist() == COLOURS.matrix.tolist()
    exact = COLOURS.matrix.astype(float) @ planes_head / 128
    assert np.abs(head["head"][:, 3:] - np.clip(exact, -127, 127)).max() <= 0.5
    # The exact value is 210, beyond the largest code.
    assert head["head"][0, 11] == 127
    assert head["head.scale"].tolist() == [COLOUR_PER_UNIT * np.float32(1000)] * 3
    assert head["head.bias"] == pytest.approx(COLOURS.border / 255)


def test_codes_of_heads_are_rounded_half_up() -> None:
    colours = Colours(np.array([[64, 0, 0], [0, -64, 0], [0, 0, 64]], np.int8), np.zeros(3, np.uint8))
    planes_head = np.zeros((3, 9), np.int8)
    planes_head[:, 1] = 1
    assert colours.head(planes_head, 64)["head"][:, 4].tolist() == [1, 0, 1]


def test_head_offsets_are_recovered_from_two_heads() -> None:
    head = COLOURS.head(common_trunks()[17].head(3), 1000)
    offsets = np.arange(51).reshape(3, 17) % 16 - 8
    moved = with_offsets(head, offsets)
    assert moved["head"][:, :3].tolist() == head["head"][:, :3].tolist()
    assert (moved["head"][:, 3:].astype(int) - head["head"][:, 3:]).tolist() == offsets.tolist()
    found = offsets_between(head, moved, 3)
    assert found is not None
    assert found.tolist() == offsets.tolist()


def test_codes_with_offsets_are_clamped_but_those_of_planes_stay() -> None:
    # The same numbers as in web_demo/tests/unit/common_networks.test.ts.
    codes = [[-128, 127, -127, -120, -119, 0, 120, 121], [3, -4, 1, 2, 3, 4, 5, 6]]
    offsets = [[-1, -8, -8, 7, 7, 7], [-8, -7, 0, 1, 6, 7]]
    moved = with_offsets({"head": np.array(codes, np.int8)}, np.array(offsets))["head"]
    assert moved.dtype == np.int8
    assert moved.tolist() == [[-128, 127, -127, -127, -127, 7, 127, 127], [3, -4, -7, -5, 3, 5, 11, 13]]


@pytest.mark.parametrize("name", ["head", "head.scale", "head.bias"])
def test_heads_that_differ_by_more_than_offsets_have_none(name: str) -> None:
    head = COLOURS.head(common_trunks()[17].head(3), 1000)
    other = {**head, name: head[name].copy()}
    other[name][0] += 8
    assert offsets_between(head, other, 3) is None


@pytest.mark.parametrize(("depth", "channels", "planes"), [(1, 20, 3), (6, 20, 3), (2, 12, 3), (2, 20, 4)])
def test_there_are_no_common_networks_of_other_sizes(depth: int, channels: int, planes: int) -> None:
    assert not has_common(depth, channels, planes)
    assert has_common(2, 20, 3)
