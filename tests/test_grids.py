import numpy as np
import pytest
import torch
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.grids import Grid
from numpy.typing import NDArray
from torch.nn import functional

PICTURE = np.random.default_rng(0).normal(size=(1, 3, 8, 12)).astype(np.float32)
GRID = Grid(PICTURE, "part", "rows", "columns")


def _grid_sample(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    points = torch.from_numpy(np.stack(np.meshgrid(x, y), axis=-1)[None])
    samples: NDArray[np.float32] = functional.grid_sample(
        torch.from_numpy(PICTURE), points, "bilinear", "border", align_corners=False
    ).numpy()
    return samples


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (axis_coordinates(96), axis_coordinates(64)),
        (axis_coordinates(12), axis_coordinates(8)),  # cells' own places
        (axis_coordinates(96, 50, 3.3, 7.7), axis_coordinates(64, 20, 60.5, 3.5)),  # a crop, enlarged
        (axis_coordinates(3), axis_coordinates(1)),
        (np.array([-1.5, -1, 1, 1.5], np.float32), np.array([2, -2], np.float32)),
    ],
    ids=["whole", "cells", "crop", "small", "border and beyond"],
)
def test_features_are_interpolated_as_by_torch(x: NDArray[np.float32], y: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(GRID.sample(x, y), _grid_sample(x, y), atol=2e-6)


def test_a_tile_takes_only_the_cells_that_its_points_lie_between() -> None:
    x, y = axis_coordinates(12, 5, 4, 2), axis_coordinates(8, 9, 7, 1)
    feeds = GRID.feeds(GRID.row_weights(y), GRID.column_weights(x))
    np.testing.assert_array_equal(feeds["part"], PICTURE[:, :, 6:8, 3:7])
    assert feeds["rows"].shape == (9, 2)
    assert feeds["columns"].shape == (4, 5)
    np.testing.assert_allclose(feeds["columns"].sum(0), 1, rtol=1e-6)
