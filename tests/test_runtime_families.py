import json
from typing import Any

import numpy as np
import pytest
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.families import families
from anir_runtime.network import Latents, Network
from numpy.typing import NDArray

from tests import reference
from tests.pixels import assert_same_pixels
from tests.random_network import random_network
from tests.vectors.make import FOLDER

FAMILIES = sorted(families())


def _draw(
    network: Network,
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    spacing: tuple[float, float] = (1, 1),
) -> NDArray[np.uint8]:
    return families()[network.family].renderer(network).start(x, y, spacing)(slice(0, len(y)))


def _tensor(state: dict[str, Any]) -> NDArray[Any]:
    return np.array(state["values"], state["type"]).reshape(state["shape"])


@pytest.mark.parametrize("family", FAMILIES)
def test_networks_of_the_shared_vectors_are_drawn_as_stated(family: str) -> None:
    for case in json.loads((FOLDER / f"network-{family}.json").read_text()):
        tensors = {name: _tensor(state) for name, state in case["tensors"].items()}
        own = case.get("latents")
        latents = None
        if own:
            magnitudes = np.array(own["magnitudes"], np.float32)
            latents = Latents(**(own | {"codes": _tensor(own["codes"]), "magnitudes": magnitudes}))
        network = Network(family, tuple(case["size"]), case["bits"], tensors, latents)
        for own in ({**case, "spacing": (1, 1)}, *case["smaller"]):
            x, y = (np.array(own[axis], np.float32) for axis in "xy")
            got = _draw(network, x, y, own["spacing"])
            assert np.abs(got.astype(int) - own["pixels"]).max() <= 1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("depth", [2, 3, 4, 5])
@pytest.mark.parametrize("channels", [4, 13, 48])
@pytest.mark.parametrize("bits", [4, 8])
def test_every_network_is_drawn_as_its_formula_says(
    family: str, depth: int, channels: int, bits: int
) -> None:
    network = random_network(
        family, depth, channels, (70, 50), bits, seed=depth, down=depth % 2 == 0, reach=1 + bits // 8
    )
    x, y = axis_coordinates(70), axis_coordinates(50)
    assert_same_pixels(_draw(network, x, y), reference.pixels(network, x, y))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("colours", [1, 4])
@pytest.mark.parametrize("channels", [5, 33])
def test_grey_and_transparent_networks_are_drawn_as_their_formula_says(
    family: str, colours: int, channels: int
) -> None:
    network = random_network(family, 3, channels, (70, 50), colours=colours, reach=2)
    x, y = axis_coordinates(70), axis_coordinates(50)
    drawn = _draw(network, x, y)
    assert drawn.shape == (50, 70, colours)
    assert_same_pixels(drawn, reference.pixels(network, x, y))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("x", "y"),
    [
        (axis_coordinates(70, 300), axis_coordinates(50, 200)),
        (axis_coordinates(70, 400, 20.3, 7), axis_coordinates(50, 61, 30, 2.5)),
        (axis_coordinates(70, 1), axis_coordinates(50, 90)),
        (axis_coordinates(70, 9), axis_coordinates(50, 1)),
    ],
    ids=["larger", "far in", "a column", "a row"],
)
def test_any_part_can_be_drawn_at_any_size(
    family: str, x: NDArray[np.float32], y: NDArray[np.float32]
) -> None:
    network = random_network(family, 3, 24, (70, 50))
    assert_same_pixels(_draw(network, x, y), reference.pixels(network, x, y))


@pytest.mark.parametrize("size", [(35, 25), (35, 50), (59, 41), (9, 3), (1, 1)])
@pytest.mark.parametrize("reach", [1, 4])
def test_lapped_pictures_below_native_size_are_averages(size: tuple[int, int], reach: int) -> None:
    network = random_network("lapped", 3, 33, (70, 50), reach=reach)
    x, y = (axis_coordinates(pixels, own) for pixels, own in zip((70, 50), size, strict=True))
    spacing = 70 / size[0], 50 / size[1]
    assert_same_pixels(_draw(network, x, y, spacing), reference.pixels(network, x, y, spacing))


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("colours", [1, 3])
def test_lapped_networks_of_one_to_three_channels_can_be_drawn(channels: int, colours: int) -> None:
    network = random_network("lapped", 3, channels, (70, 50), colours=colours)
    x, y = axis_coordinates(70), axis_coordinates(50)
    assert_same_pixels(_draw(network, x, y), reference.pixels(network, x, y))


@pytest.mark.parametrize(("to_planes", "from_planes"), [(0, 0), (0, 3), (3, 0), (3, 3)])
@pytest.mark.parametrize("channels", [4, 12, 40])
def test_lapped_layers_may_have_weights_from_and_to_planes_or_not(
    to_planes: int, from_planes: int, channels: int
) -> None:
    network = random_network("lapped", 4, channels, (70, 50))
    weights = network.tensors["weights"]
    weights[:, :3] = from_planes
    weights[..., :3] = 0
    weights[:, 3:9, 1] = to_planes
    x, y = axis_coordinates(70), axis_coordinates(50)
    assert_same_pixels(_draw(network, x, y), reference.pixels(network, x, y))


@pytest.mark.parametrize(("pitch", "order"), [(16, 16), (32, 4), (32, 20)])
def test_latents_of_either_pitch_can_be_drawn(pitch: int, order: int) -> None:
    network = random_network("lapped", 2, 9, (100, 70), pitch=pitch, order=order, down=True)
    x, y = axis_coordinates(100), axis_coordinates(70)
    assert_same_pixels(_draw(network, x, y), reference.pixels(network, x, y))


def test_shapes_follow_from_a_networks_size() -> None:
    for family in FAMILIES:
        network = random_network(family, 4, 10, (40, 30))
        shapes = families()[family].shapes(4, 10, 3)
        assert shapes.keys() == network.tensors.keys()
        for name, (types, shape) in shapes.items():
            assert network.tensors[name].shape == shape
            assert str(network.tensors[name].dtype) in types
