import numpy as np
import pytest
from anir_toolchain.metrics import MAX_PSNR, bits_per_pixel, psnr


def test_psnr_of_a_known_error() -> None:
    dark, light = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert psnr(dark, light) == 0
    assert psnr(dark, dark + np.uint8(1)) == pytest.approx(48.13, abs=0.01)


def test_equal_pictures_have_a_finite_psnr_that_none_exceeds() -> None:
    image = np.zeros((1000, 1000, 3), np.uint8)
    assert psnr(image, image) == MAX_PSNR == 100
    other = image.copy()
    other[0, 0, 0] = 1
    assert psnr(image, other) == MAX_PSNR
    assert psnr(image[:200, :200], other[:200, :200]) == pytest.approx(98.92, abs=0.01)


def test_bits_per_pixel() -> None:
    assert bits_per_pixel(100, 400) == 2
