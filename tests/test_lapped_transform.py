import json

import numpy as np
import pytest
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.lapped_transform import (
    Axis,
    coefficients,
    from_lanes,
    inputs_of,
    lattice,
)
from anir_runtime.network import Latents

from tests.vectors.make import FOLDER

VECTORS = json.loads((FOLDER / "lapped_transform.json").read_text())


def test_windows_cosines_and_channels_are_those_of_the_shared_vectors() -> None:
    for case in VECTORS["axes"]:
        axis, at = Axis(case["pixels"], case["pitch"]), np.array(case["at"], np.float32)
        np.testing.assert_allclose(axis.windows(at), case["windows"], atol=2e-6)
        np.testing.assert_allclose(axis.cosines(at, case["frequencies"]), case["cosines"], atol=2e-6)
    for case in VECTORS["seen_by"]:
        assert [[*own] for own in inputs_of(case["channels"], case["planes"])] == case["seen"]


@pytest.mark.parametrize(("pixels", "pitch"), [(64, 16), (96, 32)])
def test_cosines_of_all_cells_are_orthogonal_at_pixels(pixels: int, pitch: int) -> None:
    own = Axis(pixels, pitch).cosines(axis_coordinates(pixels), pitch).reshape(-1, pixels).astype(np.float64)
    product = own @ own.T / (pitch / 2)
    np.testing.assert_allclose(product, np.eye(pixels), atol=1e-4)


def test_squared_windows_add_up_to_one() -> None:
    for pixels, pitch in ((70, 16), (16, 16), (5, 32)):
        windows = Axis(pixels, pitch).windows(axis_coordinates(pixels, 300))
        np.testing.assert_allclose((windows**2).sum(0), 1, atol=1e-9)


@pytest.mark.parametrize("span", [(-1, -0.9), (-0.3, -0.29), (0, 0), (0.4, 1), (-1.1, 1.1)])
def test_all_windows_but_those_of_open_cells_are_zero(span: tuple[float, float]) -> None:
    axis, at = Axis(200, 16), np.linspace(*span, 50, dtype=np.float32)
    largest = np.abs(axis.windows(at)).max(1)
    open_cells = axis.open_cells(at)
    assert {*np.flatnonzero(largest > 1e-9)} <= {*open_cells}
    assert len(open_cells) <= np.count_nonzero(largest > 1e-9) + 2
    own = axis.cosines(at, 5, open_cells)
    np.testing.assert_array_equal(own, axis.cosines(at, 5)[open_cells.start : open_cells.stop])


def test_cells_cover_the_picture() -> None:
    assert lattice((100, 40), 16, down=False) == (7, 3)
    assert lattice((100, 40), 16, down=True) == (3, 7)
    assert lattice((1, 1), 32, down=True) == (1, 1)


@pytest.mark.parametrize("down", [False, True])
def test_dc_codes_add_up_along_the_scan(down: bool) -> None:
    codes = np.zeros((1, 3, 2, 4, 4), np.int16)
    codes[0, :, 1, 0, 0] = 2, -1, 3
    codes[0, 1, 0, 2, 3] = -3
    values = coefficients(Latents(codes, 8.0, 16, down, 1, np.array([0, 2, 5, 48], np.float32)))
    assert values.shape == ((1, 3, 4, 2, 4) if down else (1, 2, 4, 3, 4))
    along = values[0] if down else values[0].transpose(2, 3, 0, 1)
    assert along[:, 0, 1, 0].tolist() == [5, 3, 51]
    assert along[1, 2, 0, 3] == -48
    assert np.count_nonzero(values) == 4


@pytest.mark.parametrize("apart", [False, True])
def test_lanes_are_rows_of_cells_plane_after_plane(apart: bool) -> None:
    codes = np.arange(3 * 2 * 5 * 16, dtype=np.int16).reshape(3, 2, 5, 4, 4)
    lanes = [
        codes[planes, :, row].ravel()
        for planes in ([[p] for p in range(3)] if apart else [[0, 1, 2]])
        for row in range(5)
    ]
    np.testing.assert_array_equal(from_lanes(np.stack(lanes, 1), 3, (2, 5), 4, apart), codes)


def test_channels_take_neighbours_in_the_order_of_the_format() -> None:
    sides, corners = [(-1, 0), (0, -1), (0, 1), (1, 0)], [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    for planes in (1, 3, 4):
        seen = inputs_of(60, planes)
        assert seen[:planes] == [(plane, 0, 0) for plane in range(planes)]
        assert seen[planes:] == [
            *((0, *place) for place in sides + corners),
            *((1, *place) for place in sides),
            *((2, *place) for place in sides),
            *((0, 2 * right, 2 * down) for right, down in sides),
            *((1, *place) for place in corners),
            *((2, *place) for place in corners),
        ]


def test_at_least_one_channel_is_constant() -> None:
    for planes, channels in ((1, 4), (3, 20), (3, 31), (4, 32)):
        seen = inputs_of(channels, planes)
        assert seen == inputs_of(60, planes)[: channels - 1]
        assert len(seen) == channels - 1
