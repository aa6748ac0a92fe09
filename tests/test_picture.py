import numpy as np
import torch
from anir_runtime.coordinates import axis_coordinates
from anir_toolchain.picture import Picture, cells

CPU = torch.device("cpu")


def test_points_are_pixel_centres_and_their_colours() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    picture = Picture(image, CPU)
    assert (len(picture), picture.size) == (35, (7, 5))
    assert np.array_equal(picture.image, image)
    x, y, colours = picture.points(torch.tensor([0, 8, 34]))
    assert x.tolist() == axis_coordinates(7)[[0, 1, 6]].tolist()
    assert y.tolist() == axis_coordinates(5)[[0, 1, 4]].tolist()
    want = image[[0, 1, 4], [0, 1, 6]] / 127.5 - 1
    np.testing.assert_allclose(colours.numpy(), want, atol=1e-6)


def test_a_picture_copies_its_pixels() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    picture = Picture(image, CPU)
    image[:] = 255
    assert not picture.image.any()


def test_a_grid_has_the_wanted_number_of_cells_or_one_for_each_pixel() -> None:
    assert cells((96, 64), 384) == (24, 16)
    assert cells((64, 96), 384) == (16, 24)
    assert cells((5, 4), 4096) == (5, 4)
    assert cells((4000, 1), 100) == (632, 1)
    assert cells((1, 1), 8) == (1, 1)


def test_random_pixels_depend_on_the_seed_alone() -> None:
    picture = Picture(np.zeros((40, 30, 3), np.uint8), CPU)
    one, two, other = (picture.random_pixels(5000, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert one.shape == (5000,)
    assert (int(one.min()), int(one.max())) == (0, 1199)
