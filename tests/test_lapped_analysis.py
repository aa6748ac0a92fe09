import numpy as np
import pytest
from anir_toolchain.lapped_analysis import analyse, analyse_planes, principal_colours

from tests.lapped_pictures import blocks, waves


@pytest.mark.parametrize("pitch", [16, 32])
def test_the_transform_is_orthonormal(pitch: int) -> None:
    planes = np.random.default_rng(0).normal(size=(64, 96, 3)).astype(np.float32)
    values = analyse_planes(planes, pitch, down=True).values
    assert values.shape == (3, 64 // pitch, 96 // pitch, pitch, pitch)
    for plane in range(3):
        assert np.square(values[plane]).sum() == pytest.approx(np.square(planes[..., plane]).sum(), rel=1e-4)


def test_the_scan_only_turns_coefficients() -> None:
    planes = np.random.default_rng(0).normal(size=(40, 60, 3)).astype(np.float32)
    down, right = (analyse_planes(planes, 16, down) for down in (True, False))
    assert down.values.shape == (3, 3, 4, 16, 16)
    assert np.array_equal(right.values, down.values.transpose(0, 2, 1, 4, 3))
    turned = analyse_planes(planes.transpose(1, 0, 2), 16, down=True)
    assert np.allclose(turned.values, right.values, atol=1e-5)


def test_the_scan_goes_where_means_differ_less() -> None:
    stripes = np.random.default_rng(0).integers(0, 256, (16, 1, 3)).astype(np.uint8)
    picture = stripes.repeat(16, 0).repeat(256, 1)
    assert {own.down for own in analyse(picture)} == {False}
    assert {own.down for own in analyse(picture.transpose(1, 0, 2))} == {True}


def test_colour_planes_are_orthonormal_and_the_first_varies_most() -> None:
    picture = waves(96, 64)
    axes = principal_colours(picture)
    assert np.allclose(axes.T @ axes, np.eye(3), atol=1e-5)
    variances = np.square(np.diff(picture.astype(float) @ axes, axis=1)).sum((0, 1))
    assert variances[0] > 100 * variances[1] >= variances[2]
    assert np.abs(principal_colours(blocks(8, 8, 8)).T @ axes).max() <= 1.0001


def test_grey_is_one_plane_and_alpha_a_fourth() -> None:
    picture = waves(96, 64)
    assert principal_colours(picture[..., :1]).tolist() == [[1]]
    assert analyse(picture[..., :1])[0].values.shape[0] == 1
    clear = np.concatenate([picture, np.full_like(picture[..., :1], 9)], 2)
    axes = principal_colours(clear)
    assert np.allclose(axes.T @ axes, np.eye(4), atol=1e-5)
