import numpy as np
import pytest
from anir_toolchain.sample import is_large, sample_of, sampled_coefficients


@pytest.mark.parametrize("size", [(1, 1), (768, 512), (2048, 1024)])
def test_a_picture_of_two_megapixels_is_not_large(size: tuple[int, int]) -> None:
    image = np.zeros((*size[::-1], 3), np.uint8)
    assert not is_large(image)


@pytest.mark.parametrize(
    ("size", "blocks"),
    [((4000, 3000), (9, 7)), ((1500, 6000), (4, 16)), ((2049, 1024), (11, 6)), ((1728, 1272), (9, 7))],
)
def test_blocks_are_sampled_from_all_over_a_large_picture(
    size: tuple[int, int], blocks: tuple[int, int]
) -> None:
    width, height = size
    image = np.zeros((height, width, 2), np.uint8)
    image[..., 0] = np.linspace(0, 255, width).round()
    image[..., 1] = np.linspace(0, 255, height).round()[:, None]
    sample = sample_of(image)
    assert sample.shape == (128 * blocks[1], 128 * blocks[0], 2)
    assert np.array_equal(sample[:128, :128], image[:128, :128])
    bottom, right = (n // 128 * 128 - 128 for n in (height, width))
    assert np.array_equal(sample[-128:, -128:], image[bottom : bottom + 128, right : right + 128])
    coefficients = image[::16, ::16].astype(np.int32)
    coefficients = coefficients.reshape(*coefficients.shape, 1, 1)
    assert np.array_equal(sampled_coefficients(coefficients, size)[..., 0, 0], sample[::16, ::16])


def test_a_narrow_picture_is_sampled_along_its_length_only() -> None:
    strip = np.zeros((40, 100000, 1), np.uint8)
    assert sample_of(strip).shape == (40, 128 * 400, 1)
