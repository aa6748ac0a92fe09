from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from anir_runtime.decoder import Decoder
from anir_toolchain import Config, fit, sample
from anir_toolchain.anir_export import export_anir
from anir_toolchain.lapped_analysis import colours_of
from anir_toolchain.lapped_pitch import best_pitch
from anir_toolchain.metrics import psnr
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def smooth(width: int, height: int) -> Image:
    """Returns a picture of long waves."""
    y, x = np.mgrid[:height, :width]
    levels = np.sin(x / 23 + y / 41) + np.sin(x / 57 - y / 19)
    return np.stack([128 + 50 * levels, 110 + 40 * levels, 90 + 9 * levels], axis=-1).astype(np.uint8)


def detailed(width: int, height: int) -> Image:
    """Returns thin lines in random places, as of a drawing."""
    random, image = np.random.default_rng(1), np.full((height, width, 3), 230, np.uint8)
    for _ in range(1 + width * height // 600):
        y, x = random.integers(height), random.integers(width)
        image[y : y + 2, x : x + 20] = random.integers(0, 200, 3)
        image[y : y + 10, x : x + 2] = 0
    return image


def pitch_of(image: Image) -> int:
    return best_pitch(image, colours_of(image))


@pytest.mark.parametrize("size", [(384, 256), (160, 96)])
def test_smooth_pictures_have_a_pitch_of_32_and_detailed_ones_of_16(size: tuple[int, int]) -> None:
    for channels in (1, 3):
        assert pitch_of(smooth(*size)[..., :channels]) == 32
        assert pitch_of(detailed(*size)[..., :channels]) == 16


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (16, 16), (40, 1)])
def test_tiny_and_plain_pictures_have_a_pitch_of_16(size: tuple[int, int]) -> None:
    assert pitch_of(detailed(*size)) == 16
    assert pitch_of(np.full((*size[::-1], 4), 77, np.uint8)) == 16


@pytest.mark.parametrize("size", [(1000, 700), (300, 2000), (20, 9000)])
def test_the_blocks_of_a_large_picture_s_sample_decide(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [pitch_of(own(*size)) for own in (smooth, detailed)]
    monkeypatch.setattr(sample, "_PIXELS", 2**16)
    assert whole == [pitch_of(own(*size)) for own in (smooth, detailed)] == [32, 16]


@pytest.mark.parametrize(("picture", "pitch"), [(smooth, 32), (detailed, 16)])
def test_the_file_has_the_pitch_and_shows_the_picture(
    picture: Callable[[int, int], Image], pitch: int, tmp_path: Path
) -> None:
    image = picture(160, 90)
    model = fit(image, Config(preset="instant"))
    header = export_anir(model, tmp_path / "a.anir")
    assert (model.pitch, header.pitch) == (pitch, pitch)
    data = (tmp_path / "a.anir").read_bytes()
    for level in header.levels:
        assert psnr(Decoder(data[: level.end]).decode(), image) == pytest.approx(level.psnr[0], abs=0.3)
