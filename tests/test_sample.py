import numpy as np
import pytest
from anir_toolchain.sample import is_large, sample_of


@pytest.mark.parametrize("size", [(1, 1), (768, 512), (2048, 1024)])
def test_a_picture_that_is_not_large_is_taken_whole(size: tuple[int, int]) -> None:
    image = np.zeros((*size[::-1], 3), np.uint8)
    assert not is_large(image)
    assert sample_of(image) is image


@pytest.mark.parametrize(
    ("size", "blocks"), [((4000, 3000), (5, 3)), ((1500, 6000), (2, 8)), ((2049, 1024), (6, 3))]
)
def test_blocks_come_from_all_over_a_large_one(size: tuple[int, int], blocks: tuple[int, int]) -> None:
    width, height = size
    image = np.zeros((height, width, 2), np.uint8)
    image[..., 0] = np.linspace(0, 255, width).round()
    image[..., 1] = np.linspace(0, 255, height).round()[:, None]
    sample = sample_of(image)
    assert sample.shape == (256 * blocks[1], 256 * blocks[0], 2)
    assert np.array_equal(sample[:256, :256], image[:256, :256])
    assert np.array_equal(sample[-256:, -256:], image[-256:, -256:])
    assert (np.diff(sample[:, :, 0].astype(int), axis=1) >= -200).all()


def test_a_strip_keeps_its_width() -> None:
    strip = np.zeros((40, 100000, 1), np.uint8)
    assert sample_of(strip).shape == (40, 256 * 200, 1)
