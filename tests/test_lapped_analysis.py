import numpy as np
import pytest
from anir_runtime.common_networks import COLOUR_PER_UNIT
from anir_toolchain import lapped_analysis
from anir_toolchain.embedding import UNIT
from anir_toolchain.lapped_analysis import analyse, coefficients_of_part, planes_of, principal_colours

from tests.lapped_pictures import waves


@pytest.mark.parametrize("pitch", [16, 32])
def test_the_transform_is_orthonormal(pitch: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    analysis = analyse(picture, pitch)
    planes = planes_of(picture, analysis.colours)
    assert analysis.pitch == pitch
    assert analysis.coefficients.shape == (64 // pitch, 96 // pitch, 3, pitch, pitch)
    for plane in range(3):
        energy = np.square(analysis.coefficients[:, :, plane] * UNIT).sum()
        assert energy == pytest.approx(np.square(planes[..., plane]).sum(), rel=1e-4)


@pytest.mark.parametrize("pitch", [16, 32])
@pytest.mark.parametrize("size", [(300, 200), (5, 3), (40, 64), (20, 65)])
def test_a_picture_analysed_in_bands_has_the_coefficients_of_the_whole(
    size: tuple[int, int], pitch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = waves(*size)
    analysis = analyse(picture, pitch)
    monkeypatch.setattr(lapped_analysis, "_BAND", 512)
    whole = analyse(picture, pitch, analysis.colours).coefficients
    assert analysis.coefficients.shape == whole.shape
    # Rounding errors of float32 sums depend on the shapes of the arrays.
    assert np.abs(analysis.coefficients - whole).max() <= 1


@pytest.mark.parametrize("pitch", [16, 32])
def test_a_part_of_a_picture_has_its_coefficients_of_the_whole(pitch: int) -> None:
    picture, block = waves(600, 700), 8 * pitch
    analysis = analyse(picture, pitch)
    for down in (slice(0, block), slice(block, 2 * block), slice(700 // block * block, 700 + block)):
        for across in (slice(0, 600), slice(block, 2 * block)):
            own = coefficients_of_part(picture, (down, across), pitch, analysis.colours)
            rows, columns = (slice(side.start // pitch, -(-side.stop // pitch)) for side in (down, across))
            whole = analysis.coefficients[rows, columns]
            assert own.shape == whole.shape
            # Rounding errors of float32 sums depend on the shapes of the arrays.
            assert np.abs(own - whole).max() <= 1


def test_colours_are_recovered_from_planes() -> None:
    picture = waves(96, 64)
    analysis = analyse(picture, 16)
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
    assert analyse(picture[..., :1], 16).coefficients.shape[2] == 1
    clear = np.concatenate([picture, np.full_like(picture[..., :1], 9)], 2)
    axes = principal_colours(clear)
    assert np.allclose(axes.T @ axes, np.eye(4), atol=1e-5)
