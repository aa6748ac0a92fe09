from pathlib import Path

import numpy as np
import pytest
from anir_runtime.errors import AnirError
from anir_toolchain import image as module
from anir_toolchain.image import load_image, rms_frequency
from PIL import Image


def _saved(picture: Image.Image, path: Path, **options: object) -> np.ndarray:
    picture.save(path, **options)
    return load_image(path)


def test_rgb_is_read_as_it_is(tmp_path: Path) -> None:
    pixels = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    for suffix in ("png", "bmp", "tiff"):
        np.testing.assert_array_equal(_saved(Image.fromarray(pixels), tmp_path / f"a.{suffix}"), pixels)
    assert _saved(Image.fromarray(pixels), tmp_path / "a.webp", lossless=True).tolist() == pixels.tolist()


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[0, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = _saved(Image.fromarray(pixels), tmp_path / "a.png", exif=exif)
    assert turned.shape == (3, 2, 3)
    assert turned[0, 1].tolist() == [255, 255, 255]


def test_every_mode_becomes_rgb(tmp_path: Path) -> None:
    assert _saved(Image.new("L", (2, 1), 77), tmp_path / "l.png").tolist() == [[[77] * 3] * 2]
    assert _saved(Image.new("1", (1, 1), 1), tmp_path / "1.png").tolist() == [[[255] * 3]]
    assert _saved(Image.new("CMYK", (1, 1), (0, 255, 255, 0)), tmp_path / "c.tiff").tolist() == [
        [[255, 0, 0]]
    ]
    wide = Image.fromarray(np.array([[0, 257, 65535]], np.uint16))
    assert _saved(wide, tmp_path / "w.png")[0, :, 0].tolist() == [0, 1, 255]
    palette = Image.new("RGB", (2, 1), (9, 80, 200)).quantize(4)
    assert _saved(palette, tmp_path / "p.png")[0, 0].tolist() == [9, 80, 200]


def test_alpha_is_composited_over_white(tmp_path: Path) -> None:
    assert _saved(Image.new("RGBA", (1, 1), (0, 0, 0, 0)), tmp_path / "a.png").tolist() == [[[255] * 3]]
    half = _saved(Image.new("RGBA", (1, 1), (200, 0, 0, 128)), tmp_path / "h.png")[0, 0]
    assert half.tolist() == [227, 127, 127]
    palette = Image.new("P", (1, 1), 0)
    assert _saved(palette, tmp_path / "t.png", transparency=0).tolist() == [[[255] * 3]]
    assert _saved(Image.new("LA", (1, 1), (0, 0)), tmp_path / "la.png").tolist() == [[[255] * 3]]


def test_what_is_no_picture_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "a.png"
    text.write_text("hello")
    cut = tmp_path / "cut.png"
    Image.effect_noise((64, 64), 50).save(cut)
    cut.write_bytes(cut.read_bytes()[:1500])
    for path, words in (
        (tmp_path / "no.png", "no such file"),
        (text, "not a picture"),
        (cut, "not a picture"),
        (tmp_path, "folder"),
    ):
        with pytest.raises(AnirError, match=words):
            load_image(path)
    big = tmp_path / "big.png"
    Image.new("1", (40, 40)).save(big)
    monkeypatch.setattr(module, "MAX_PIXELS", 1599)
    with pytest.raises(AnirError, match="over the limit"):
        load_image(big)


def test_a_decompression_bomb_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    Image.new("1", (30000, 30000)).save(bomb)
    with pytest.raises(AnirError, match="over the limit of 64 megapixels"):
        load_image(bomb)


def test_the_frequency_of_waves_is_found_at_any_size() -> None:
    for scale in (1, 3):
        width, height = 192 * scale, 128 * scale
        half_side = (width * height) ** 0.5 / 2
        phase = 12 * (np.arange(width) + 0.5) / half_side
        waves = np.broadcast_to((128 + 100 * np.sin(phase))[None, :, None], (height, width, 3)).astype(
            np.uint8
        )
        # Along one axis only, so that the mean of both axes' squares is half of 12².
        assert rms_frequency(waves) == pytest.approx(12 / 2**0.5, rel=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (40, 40), (3, 20000)])
def test_a_plain_picture_of_any_shape_has_frequency_zero(shape: tuple[int, int]) -> None:
    assert rms_frequency(np.full((*shape, 3), 77, np.uint8)) == 0.0
