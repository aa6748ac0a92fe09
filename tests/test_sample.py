import numpy as np
import pytest
from anir_toolchain.sample import is_large, sample_of, sampled_coefficients


@pytest.mark.parametrize("size", [(1, 1), (768, 512), (2048, 1024)])
def test_a_picture_of_two_megapixels_is_not_large(size: tuple[int, int]) -> None:
    image = np.zeros((*size[::-1], 3), np.uint8)
    assert not is_large(image)


@pytest.mark.parametrize(
    ("size", "pitch", "blocks"),
    [
        ((4000, 3000), 16, (9, 7)),
        ((1500, 6000), 16, (4, 16)),
        ((2049, 1024), 16, (11, 6)),
        ((1728, 1272), 16, (9, 7)),
        ((4000, 3000), 32, (5, 3)),
        ((1500, 6000), 32, (2, 8)),
    ],
)
def test_blocks_are_sampled_from_all_over_a_large_picture(
    size: tuple[int, int], pitch: int, blocks: tuple[int, int]
) -> None:
    (width, height), side = size, 8 * pitch
    image = np.zeros((height, width, 2), np.uint8)
    image[..., 0] = np.linspace(0, 255, width).round()
    image[..., 1] = np.linspace(0, 255, height).round()[:, None]
    sample = sample_of(image, pitch)
    assert sample.shape == (side * blocks[1], side * blocks[0], 2)
    assert np.array_equal(sample[:side, :side], image[:side, :side])
    bottom, right = (n // side * side - side for n in (height, width))
    assert np.array_equal(sample[-side:, -side:], image[bottom : bottom + side, right : right + side])
    means = image[::pitch, ::pitch].astype(np.int32)[..., None, None]
    coefficients = np.broadcast_to(means, (*means.shape[:3], pitch, pitch))
    assert np.array_equal(sampled_coefficients(coefficients, size)[..., 0, 0], sample[::pitch, ::pitch])


def test_a_narrow_picture_is_sampled_along_its_length_only() -> None:
    strip = np.zeros((40, 100000, 1), np.uint8)
    assert sample_of(strip, 16).shape == (40, 128 * 400, 1)
