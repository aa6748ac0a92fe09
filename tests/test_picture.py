import numpy as np
import pytest
import torch
from anir_runtime.coordinates import axis_coordinates
from anir_toolchain.picture import Picture

CPU = torch.device("cpu")


def test_points_are_pixels_at_their_centres() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    picture = Picture(image, CPU)
    assert (len(picture), picture.size) == (35, (7, 5))
    assert np.array_equal(picture.image, image)
    x, y, colours = picture.points(torch.tensor([0, 8, 34]))
    assert x.tolist() == axis_coordinates(7)[[0, 1, 6]].tolist()
    assert y.tolist() == axis_coordinates(5)[[0, 1, 4]].tolist()
    want = image[[0, 1, 4], [0, 1, 6]] / 127.5 - 1
    np.testing.assert_allclose(colours.numpy(), want, atol=1e-6)


def test_the_picture_is_a_copy() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    picture = Picture(image, CPU)
    image[:] = 255
    assert not picture.image.any()


@pytest.mark.parametrize(("size", "count"), [((96, 64), 384), ((300, 20), 200), ((5, 4), 4096), ((1, 1), 8)])
def test_a_jittered_grid_has_a_pixel_in_every_cell(size: tuple[int, int], count: int) -> None:
    width, height = size
    picture = Picture(np.zeros((height, width, 3), np.uint8), CPU)
    index = picture.jittered_grid(count, torch.Generator().manual_seed(0))
    assert 0 <= int(index.min()) <= int(index.max()) < width * height
    count = min(count, width * height)
    assert len(index) == pytest.approx(count, rel=0.15)
    cell = (width * height / count) ** 0.5
    columns, rows = (max(1, round(n / cell)) for n in size)
    cells = {(int(i) // width * rows // height, int(i) % width * columns // width) for i in index.tolist()}
    assert len(cells) > 0.7 * len(index)


def test_samples_are_those_of_the_seed() -> None:
    picture = Picture(np.zeros((40, 30, 3), np.uint8), CPU)
    one, two, other = (picture.jittered_grid(100, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    pixels = picture.random_pixels(5000, torch.Generator().manual_seed(0))
    assert pixels.shape == (5000,)
    assert (int(pixels.min()), int(pixels.max())) == (0, 1199)
