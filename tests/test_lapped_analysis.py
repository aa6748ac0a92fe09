import numpy as np
import pytest
from anir_runtime.common_networks import COLOUR_PER_UNIT
from anir_toolchain.embedding import UNIT, in_units
from anir_toolchain.lapped_analysis import analyse, planes_of, principal_colours, transform

from tests.lapped_pictures import waves


@pytest.mark.parametrize("pitch", [16, 32])
def test_the_transform_is_orthonormal(pitch: int) -> None:
    planes = np.random.default_rng(0).normal(size=(64, 96, 3)).astype(np.float32)
    values = transform(planes, pitch)
    assert values.shape == (3, 64 // pitch, 96 // pitch, pitch, pitch)
    for plane in range(3):
        assert np.square(values[plane]).sum() == pytest.approx(np.square(planes[..., plane]).sum(), rel=1e-4)


@pytest.mark.parametrize("size", [(300, 200), (5, 3), (40, 64), (20, 65)])
def test_a_picture_analysed_in_bands_has_the_coefficients_of_the_whole(size: tuple[int, int]) -> None:
    picture = waves(*size)
    analysis = analyse(picture)
    whole = transform(planes_of(picture, analysis.colours), 16)
    wanted = in_units([whole], whole.shape[1])
    assert analysis.coefficients.shape == wanted.shape
    # Rounding errors of float32 sums depend on the shapes of the arrays.
    assert np.abs(analysis.coefficients - wanted).max() <= 1


def test_colours_are_recovered_from_planes() -> None:
    picture = waves(96, 64)
    analysis = analyse(picture)
    colours = analysis.colours
    assert colours.border.tolist() == np.rint(np.concatenate([picture[0], picture[:, 0]]).mean(0)).tolist()
    codes = colours.matrix.astype(float) * COLOUR_PER_UNIT
    shown = colours.border / 255 + planes_of(picture, colours) / UNIT @ codes.T
    np.testing.assert_allclose(255 * shown, picture, atol=1e-2)


def test_colour_planes_are_orthonormal_and_the_first_varies_most() -> None:
    picture = waves(96, 64)
    axes = principal_colours(picture)
    assert np.allclose(axes.T @ axes, np.eye(3), atol=1e-5)
    assert (axes[np.abs(axes).argmax(0), np.arange(3)] > 0).all()
    variances = np.square(np.diff(picture.astype(float) @ axes, axis=1)).sum((0, 1))
    assert variances[0] > 100 * variances[1] >= variances[2]


def test_grey_is_one_plane_and_alpha_a_fourth() -> None:
    picture = waves(96, 64)
    assert principal_colours(picture[..., :1]).tolist() == [[1]]
    assert analyse(picture[..., :1]).coefficients.shape[2] == 1
    clear = np.concatenate([picture, np.full_like(picture[..., :1], 9)], 2)
    axes = principal_colours(clear)
    assert np.allclose(axes.T @ axes, np.eye(4), atol=1e-5)
