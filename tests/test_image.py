import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from anir_runtime.anir_header import MAGIC
from anir_runtime.errors import AnirError, AnirWarning, UsageError
from anir_toolchain import image as module
from anir_toolchain.image import (
    WHITE,
    checked_pixels,
    fewest_channels,
    load_image,
    parse_colour,
    read_picture,
    rms_frequency,
)
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.odd_pictures import XMP, tiff


def _saved(picture: Image.Image, path: Path, **options: object) -> np.ndarray:
    picture.save(path, **options)
    return read_picture(path).flattened()


def test_rgb_is_read_unchanged(tmp_path: Path) -> None:
    pixels = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    for suffix in ("png", "bmp", "tiff"):
        np.testing.assert_array_equal(_saved(Image.fromarray(pixels), tmp_path / f"a.{suffix}"), pixels)
    assert _saved(Image.fromarray(pixels), tmp_path / "a.webp", lossless=True).tolist() == pixels.tolist()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "tiff", "webp"])
def test_all_exif_orientations_are_applied_in_all_formats(
    orientation: int, kind: str, tmp_path: Path
) -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 14
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True, "exact": True} if kind == "webp" else {}
    turned = _saved(Image.fromarray(pixels), tmp_path / f"a.{kind}", exif=exif, **options)
    flipped = pixels[:, ::-1] if orientation in (2, 4, 5, 7) else pixels
    turns = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}[orientation]
    np.testing.assert_array_equal(turned, np.rot90(flipped, turns))


@pytest.mark.parametrize("kind", ["png", "tiff", "jpg", "webp"])
def test_an_orientation_in_xmp_is_not_applied(kind: str, tmp_path: Path) -> None:
    options: dict[str, object] = {"xmp": XMP.encode()}
    if kind == "png":
        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP)
        options = {"pnginfo": text}
    if kind == "tiff":
        options = {"tiffinfo": {700: XMP.encode()}}
    image = Image.new("RGB", (3, 2), (9, 9, 9))
    assert _saved(image, tmp_path / f"a.{kind}", **options).shape == (2, 3, 3)


def test_the_first_frame_of_an_animation_is_read_with_a_note(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (2, 2), colour) for colour in ("red", "lime", "blue")]
    for kind in ("png", "gif", "webp", "tiff"):
        path = tmp_path / f"a.{kind}"
        frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
        picture = read_picture(path)
        assert picture.notes == ("the first of 3 frames or pages",)
        assert np.abs(picture.pixels[0, 0].astype(int) - [255, 0, 0]).max() <= 1
        with pytest.warns(AnirWarning, match=rf"a\.{kind}: the first of 3 frames"):
            load_image(path)
    frames[0].save(tmp_path / "b.png", save_all=True, append_images=frames[1:], default_image=True)
    picture = read_picture(tmp_path / "b.png")
    assert (picture.notes, picture.pixels[0, 0].tolist()) == (
        ("the first of 2 frames or pages",),
        [0, 255, 0],
    )
    frames[0].save(tmp_path / "c.jpg", "MPO", save_all=True, append_images=frames[1:])
    assert read_picture(tmp_path / "c.jpg").notes == ()


def test_pictures_are_read_with_as_few_channels_as_needed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for image, channels in (
        (Image.new("L", (2, 1), 5), 1),
        (Image.new("1", (2, 1)), 1),
        (Image.new("LA", (2, 1), (5, 255)), 1),
        (Image.new("LA", (2, 1), (5, 9)), 4),
        (Image.new("RGBA", (2, 1), (1, 2, 3, 255)), 3),
        (Image.new("RGBA", (2, 1), (1, 2, 3, 254)), 4),
    ):
        image.save(path)
        assert read_picture(path).pixels.shape == (1, 2, channels)


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


def test_the_background_may_be_another_colour(tmp_path: Path) -> None:
    Image.new("RGBA", (1, 1), (200, 0, 0, 128)).save(tmp_path / "a.png")
    assert load_image(tmp_path / "a.png", (0, 0, 255)).tolist() == [[[100, 0, 127]]]
    assert parse_colour("#ff8000") == (255, 128, 0)
    assert parse_colour("white") == parse_colour("#ffffffff") == WHITE
    with pytest.raises(UsageError, match="not opaque"):
        parse_colour("#ffffff80")
    with pytest.raises(UsageError, match="'blurple' is no colour"):
        parse_colour("blurple")


def test_grey_arrays_become_one_channel() -> None:
    grey = np.array([[1, 2, 3]], np.uint8)
    for pixels in (
        grey,
        grey[..., None],
        np.stack([grey] * 3, -1),
        np.stack([grey] * 3 + [grey * 0 + 255], -1),
    ):
        one = checked_pixels(pixels)
        assert one.tolist() == [[[1], [2], [3]]]
        assert one.flags.c_contiguous


def test_an_opaque_alpha_channel_is_removed() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    opaque = np.full((5, 7, 1), 255, np.uint8)
    np.testing.assert_array_equal(fewest_channels(np.concatenate([colours, opaque], 2)), colours)
    opaque[3, 2] = 254
    clear = np.concatenate([colours, opaque], 2)
    np.testing.assert_array_equal(fewest_channels(clear), clear)
    # Grey with alpha has four channels, as files have no format of two channels.
    assert fewest_channels(np.concatenate([colours[..., :1].repeat(3, 2), opaque], 2)).shape[2] == 4


def test_invisible_colours_are_replaced_by_visible_ones_nearby() -> None:
    pixels = np.zeros((9, 13, 4), np.uint8)
    pixels[:, 5:9] = 200, 100, 50, 255
    filled = fewest_channels(pixels)
    seen = pixels[..., 3] > 0
    np.testing.assert_array_equal(filled[seen], pixels[seen])
    assert not filled[~seen][:, 3].any()
    assert (filled[..., :3] == (200, 100, 50)).all()
    # Even a pixel with an alpha of 1 keeps its colour.
    pixels[2, 5] = 0, 0, 0, 1
    filled = fewest_channels(pixels)
    assert filled[2, 5].tolist() == [0, 0, 0, 1]
    np.testing.assert_array_equal(fewest_channels(filled), filled)
    assert fewest_channels(np.zeros((1, 1, 4), np.uint8)).tolist() == [[[0] * 4]]
    assert not fewest_channels(np.zeros((6, 5, 4), np.uint8)).any()


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((2, 2, 3)), "pixels are float64; give uint8"),
        (np.zeros((2, 2, 3), np.uint16), "pixels are uint16"),
        (np.zeros((2, 2, 3), np.int64), "pixels are int64"),
        (np.zeros((2, 2, 3), bool), "pixels are bool"),
        (np.zeros((2, 2, 2), np.uint8), "have shape 2×2×2"),
        (np.zeros(4, np.uint8), "have shape 4"),
        (np.zeros((1, 2, 2, 3), np.uint8), "have shape 1×2×2×3"),
        (np.zeros((0, 2, 3), np.uint8), "0×2×3 has no pixels"),
        (np.broadcast_to(np.uint8(0), (2**14, 2**13)), "over 64 million"),
    ],
)
def test_unsupported_arrays_are_refused_in_one_line(pixels: np.ndarray, words: str) -> None:
    with pytest.raises(AnirError, match=words) as caught:
        checked_pixels(pixels)
    assert "\n" not in str(caught.value)


def test_no_program_is_run_to_open_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would start Ghostscript to open an EPS file."""
    Image.new("RGB", (4, 4)).save(tmp_path / "a.eps")
    monkeypatch.setattr(subprocess, "Popen", None)
    with pytest.raises(AnirError, match="not a picture that can be opened"):
        load_image(tmp_path / "a.eps")


def test_heic_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(50))
    with pytest.raises(AnirError, match=r"a\.heic: a HEIC picture"):
        load_image(tmp_path / "a.heic")


def test_what_pillow_has_to_say_on_a_damaged_file_is_not_shown(tmp_path: Path) -> None:
    tags = {256: [2], 257: [1], 258: [8], 262: [2], 273: [8], 277: [4096], 279: [2]}
    (tmp_path / "a.tif").write_bytes(tiff("<", b"\1\2", tags))
    code = "import sys; from anir_toolchain.cli import train_main; sys.exit(train_main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "a.tif", "-o", "a.anir"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("anir-train: a.tif: not a picture that can be opened")


def test_the_preview_in_a_raw_photograph_is_refused(tmp_path: Path) -> None:
    tags = {256: [2], 257: [1], 258: [8], 262: [1], 273: [8], 277: [1], 279: [2]}
    (tmp_path / "a.tif").write_bytes(tiff("<", b"\1\2", tags))
    assert load_image(tmp_path / "a.tif").tolist() == [[[1], [2]]]
    (tmp_path / "a.dng").write_bytes(tiff("<", b"\1\2", {**tags, 254: [1]}))
    with pytest.raises(AnirError, match="a raw photograph, of which only a preview can be read"):
        load_image(tmp_path / "a.dng")


def test_unreadable_and_too_large_pictures_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "a.png"
    text.write_text("hello")
    cut = tmp_path / "cut.png"
    Image.effect_noise((64, 64), 50).save(cut)
    cut.write_bytes(cut.read_bytes()[:1500])
    (tmp_path / "empty.png").touch()
    (tmp_path / "a.anir").write_bytes(MAGIC + bytes(20))
    odd = tmp_path / "odd.bmp"
    Image.new("RGB", (2, 2)).save(odd)
    odd.write_bytes(odd.read_bytes().replace(b"\1\0\x18\0\0", b"\1\0\x18\0\6"))  # an unknown compression
    for path, words in (
        (tmp_path / "no.png", "no such file"),
        (tmp_path / "empty.png", "an empty file"),
        (Path(os.devnull), "not a picture that can be opened from a pipe or device; name a file"),
        (tmp_path / "a.anir", "a neural image already; anir-run draws it"),
        (text, "not a picture that can be opened; save it as JPEG or PNG first"),
        (cut, "damaged, cut off, or of a kind that cannot be read; save it as JPEG or PNG first"),
        (odd, "of a kind that cannot be read"),
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


def test_the_frequency_of_waves_is_measured_at_any_size() -> None:
    for scale in (1, 3):
        width, height = 192 * scale, 128 * scale
        half_side = (width * height) ** 0.5 / 2
        phase = 12 * (np.arange(width) + 0.5) / half_side
        waves = np.broadcast_to((128 + 100 * np.sin(phase))[None, :, None], (height, width, 3)).astype(
            np.uint8
        )
        # The wave runs along x only, so that the mean of the squared frequencies along both axes is 12² / 2.
        assert rms_frequency(waves) == pytest.approx(12 / 2**0.5, rel=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (40, 40), (3, 20000)])
def test_a_plain_picture_of_any_shape_has_frequency_zero(shape: tuple[int, int]) -> None:
    assert rms_frequency(np.full((*shape, 3), 77, np.uint8)) == 0.0


def test_pictures_longer_than_any_file_can_state_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.png"
    Image.new("1", (131073, 1)).save(path)
    with pytest.raises(AnirError, match=r"long\.png: over 131072 pixels along a side; resize it first"):
        load_image(path)


@pytest.mark.parametrize("pixels", [None, [[1]], "photo.jpg"])
def test_what_is_no_array_is_refused_in_one_line(pixels: object) -> None:
    with pytest.raises(AnirError, match=f"pixels are a {type(pixels).__name__}; give an array of uint8"):
        checked_pixels(pixels)  # type: ignore[arg-type]
