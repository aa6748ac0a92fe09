import numpy as np
import pytest
from anir_toolchain.metrics import MAX_PSNR, bits_per_pixel, psnr


def test_psnr_of_a_known_error() -> None:
    dark, light = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert psnr(dark, light) == 0
    assert psnr(dark, dark + np.uint8(1)) == pytest.approx(48.13, abs=0.01)


def test_psnr_is_capped() -> None:
    image = np.zeros((1000, 1000, 3), np.uint8)
    assert psnr(image, image) == MAX_PSNR == 100
    other = image.copy()
    other[0, 0, 0] = 1
    assert psnr(image, other) == MAX_PSNR
    assert psnr(image[:200, :200], other[:200, :200]) == pytest.approx(98.92, abs=0.01)


def test_bits_per_pixel() -> None:
    assert bits_per_pixel(100, 400) == 2


def test_psnr_with_alpha_is_measured_on_black_and_on_white() -> None:
    clear = np.zeros((2, 2, 4), np.uint8)
    # Colours of pixels whose alpha is 0 do not matter.
    assert psnr(clear, clear + np.array([9, 9, 9, 0], np.uint8)) == MAX_PSNR
    black = np.zeros((2, 2, 3), np.uint8)
    # Opaque black differs from transparency only on white.
    assert psnr(clear, black) == pytest.approx(3.01, abs=0.01)
    half = np.full((2, 2, 4), (100, 100, 100, 51), np.uint8)
    # Multiplied by alpha, the colours are 20 and 18: they differ by 2 on either background.
    assert psnr(half, half - np.array([10, 10, 10, 0], np.uint8)) == pytest.approx(42.11, abs=0.01)


def test_grey_rgb_and_opaque_pictures_can_be_compared() -> None:
    random = np.random.default_rng(0)
    grey, other = random.integers(0, 256, (2, 5, 6, 1), np.uint8)
    opaque = np.full_like(grey, 255)
    rgb = grey.repeat(3, 2)
    wanted = psnr(rgb, other.repeat(3, 2))
    assert psnr(grey, other) == psnr(rgb, other) == pytest.approx(wanted)
    assert psnr(np.concatenate([rgb, opaque], 2), other) == pytest.approx(wanted)


def test_pictures_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="different sizes"):
        psnr(np.zeros((10, 5, 3), np.uint8), np.zeros((8, 5, 3), np.uint8))


def test_large_pictures_are_compared_part_by_part_with_the_same_result() -> None:
    values = np.random.default_rng(3).integers(0, 256, (2, 1100, 1000, 3), np.uint8)
    error = float(np.mean((values[0].astype(np.float64) - values[1]) ** 2))
    assert psnr(*values) == pytest.approx(10 * np.log10(255**2 / error), abs=1e-9)
