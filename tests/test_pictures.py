import numpy as np
import pytest
import torch
from anir_toolchain.picture import Picture, cells
from anir_toolchain.pictures import Pictures

CPU = torch.device("cpu")


def _random(width: int, height: int, colours: int = 3) -> Picture:
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, colours)).astype(np.uint8)
    return Picture(pixels, CPU)


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("size", "count"), [((96, 64), 384), ((300, 20), 200), ((5, 4), 4096), ((1, 1), 8)])
def test_a_jittered_grid_has_a_pixel_in_every_cell(size: tuple[int, int], count: int) -> None:
    width, height = size
    columns, rows = cells(size, count)
    (index,) = Pictures([_random(*size)], count).jittered_grid(_seeded(0)).tolist()
    assert len(index) == columns * rows
    for cell, pixel in enumerate(index):
        row, column = divmod(pixel, width)
        assert column == pytest.approx((cell % columns + 0.5) * width / columns, abs=width / columns / 2 + 1)
        assert row == pytest.approx((cell // columns + 0.5) * height / rows, abs=height / rows / 2 + 1)
        assert row < height


def test_a_jittered_grid_depends_on_the_seed_and_its_own_picture_alone() -> None:
    wide, high, large = _random(30, 20), _random(20, 30), _random(60, 40)
    together = Pictures([wide, high, large], 54).jittered_grid(_seeded(1))
    assert together.shape == (3, 54)
    for own, index in zip((wide, high, large), together, strict=True):
        alone = Pictures([own], 54)
        assert torch.equal(alone.jittered_grid(_seeded(1))[0], index)
        assert not torch.equal(alone.jittered_grid(_seeded(2))[0], index)


def test_points_are_those_of_each_picture() -> None:
    pictures = [_random(30, 20), _random(20, 30), _random(60, 40)]
    together = Pictures(pictures, 54)
    index = together.jittered_grid(_seeded(1))
    x, y, colours = together.points(index)
    assert (x.shape, colours.shape) == ((3, 54), (3, 54, 3))
    for i, picture in enumerate(pictures):
        own = picture.points(index[i])
        assert all(torch.equal(want, got) for want, got in zip(own, (x[i], y[i], colours[i]), strict=True))
