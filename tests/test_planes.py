import numpy as np
import pytest
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.lapped_transform import inputs_of
from anir_runtime.planes import Planes
from anir_toolchain.lapped_synthesis import features_at
from numpy.typing import NDArray

from tests.random_network import random_network

SIZE = 70, 50
Samples = tuple[NDArray[np.float32], NDArray[np.float32]]


def planes_of(channels: int, colours: int = 3, reach: int = 1) -> Planes:
    network = random_network("lapped", 2, channels, SIZE, colours=colours, reach=reach)
    assert network.latents is not None
    return Planes(network.latents, SIZE, channels)


@pytest.mark.parametrize(
    ("pixels", "reach", "channels", "step", "shift", "coordinates"),
    [
        (70, 1, 20, 1, 1, 72),
        (70, 1, 32, 1, 1, 74),
        (70, 4, 32, 1, 4, 86),
        (140, 1, 32, 1, 2, 148),
        (35, 1, 32, 2, 1, 73),
        (35, 2, 32, 1, 1, 39),
        (35, 3, 32, 2, 3, 81),
        # Neighbours at distances that are no multiple of few steps, or would take too many coordinates.
        (69, 1, 32, 1, 69, 5 * 69),
        (7, 1, 32, 1, 7, 35),
        (35, 1, 4, 1, 35, 35),
        (1, 1, 32, 1, 1, 5),
    ],
)
def test_neighbours_of_even_samples_share_coordinates(
    pixels: int, reach: int, channels: int, step: int, shift: int, coordinates: int
) -> None:
    line = planes_of(channels, reach=reach).line(0, axis_coordinates(70, pixels), 70 / pixels)
    assert (line.samples, line.step, line.shift, len(line.cosines)) == (pixels, step, shift, coordinates)


def test_a_line_has_only_open_cells_and_visible_frequencies() -> None:
    planes = planes_of(20)
    native = planes.line(0, axis_coordinates(70)[25:39], 1.0)
    assert (native.cells, native.frequencies) == (slice(1, 3), 8)
    far = planes.line(0, axis_coordinates(70, 7), 10.0)
    assert (far.cells, far.frequencies) == (slice(0, 5), 6)
    assert far.cosines.shape[1] == 5 * 6


UNEVEN = np.sort(np.random.default_rng(0).uniform(-1, 1, 9)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2, 4, 5, 6, 14, 21, 24, 33, 40])
@pytest.mark.parametrize("colours", [1, 3, 4])
@pytest.mark.parametrize(
    "samples",
    [
        (axis_coordinates(70)[20:50], axis_coordinates(50)[:20]),
        (axis_coordinates(70, 35), axis_coordinates(50, 75)),
        (axis_coordinates(70, 12, 20.3, 3), axis_coordinates(50, 1)),
        (UNEVEN, axis_coordinates(50, 25)),
    ],
    ids=["native", "half and larger", "far in", "uneven"],
)
def test_channels_are_those_of_the_transform(channels: int, colours: int, samples: Samples) -> None:
    network = random_network("lapped", 2, channels, SIZE, colours=colours, reach=2)
    assert network.latents is not None
    x, y = samples
    planes = Planes(network.latents, SIZE, channels)
    got = planes.draw(planes.line(1, y, 1.0), planes.line(0, x, 1.0))
    assert planes.seen == len(inputs_of(channels, colours))
    assert got.shape == (planes.seen, len(y) * len(x))
    if channels > 1:
        want = features_at(network.latents, x, y, SIZE, channels)
        np.testing.assert_allclose(got.T.reshape(want.shape), want, atol=2e-4)
