import pytest
from anir_runtime.errors import AnirError
from anir_toolchain.space import Space, Subnet


def test_the_default_space_of_a_kodak_picture_has_the_posters_two_subnets() -> None:
    space = Space.default(768, 512)
    assert space == Space((2, 3, 4, 5), (48, 64, 96, 128))
    assert {"d3w64", "d2w128"} <= {s.name for s in space.subnets}
    assert len(space.subnets) == 16


@pytest.mark.parametrize(
    ("size", "widths"),
    [((1, 1), (16, 20, 32, 44)), ((384, 256), (24, 32, 48, 64)), ((9000, 6000), (96, 128, 192, 256))],
)
def test_widths_follow_the_square_root_of_the_pixels_within_bounds(
    size: tuple[int, int], widths: tuple[int, ...]
) -> None:
    assert Space.default(*size).widths == widths


def test_names_round_trip_and_bad_ones_are_refused() -> None:
    assert Subnet.parse("d3w64") == Subnet(3, 64)
    assert Subnet(12, 384).name == "d12w384"
    for name in ("", "d3", "3w64", "d3w64 ", "d-3w64", "D3W64"):
        with pytest.raises(AnirError, match="no subnet name"):
            Subnet.parse(name)
    with pytest.raises(AnirError, match="there are d2w8, d2w16, d3w8, d3w16"):
        Space((2, 3), (8, 16)).find("d4w8")


@pytest.mark.parametrize(
    ("depths", "widths"),
    [((), (8,)), ((1,), (8,)), ((3, 2), (8,)), ((2,), (8, 8)), ((2,), (0, 8)), ((2, 99), (8,))],
)
def test_invalid_spaces_are_refused(depths: tuple[int, ...], widths: tuple[int, ...]) -> None:
    with pytest.raises(AnirError):
        Space(depths, widths)
