import struct
from pathlib import Path

import numpy as np
import pytest
from anir_toolchain.image import read_picture
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from tests.odd_pictures import gama, grey4_png, grey_profile, iccp, png, saved, tiff, with_chunks


def _tiff(values: NDArray[np.generic], path: Path, **tags: int) -> tuple[list[int], tuple[str, ...]]:
    """Writes a TIFF with these samples, and returns the grey levels and notes that reading it gives."""
    ifd = TiffImagePlugin.ImageFileDirectory_v2()
    for number, value in tags.items():
        ifd[int(number[1:])] = value
    Image.fromarray(values).save(path, "TIFF", tiffinfo=ifd)
    picture = read_picture(path)
    assert picture.pixels.shape[2] == 1
    return picture.pixels[0, :, 0].tolist(), picture.notes


def _patched(path: Path, tag: int, value: int) -> None:
    """Sets a tag of type SHORT in a little-endian TIFF."""
    data = bytearray(path.read_bytes())
    entry = data.index(tag.to_bytes(2, "little") + b"\3\0\1\0\0\0")
    data[entry + 8 : entry + 10] = value.to_bytes(2, "little")
    path.write_bytes(data)


def test_unsigned_samples_span_their_type(tmp_path: Path) -> None:
    wide = np.array([[0, 257, 32896, 65535]], np.uint16)
    assert _tiff(wide, tmp_path / "a.tif") == ([0, 1, 128, 255], ())
    Image.fromarray(wide).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").pixels[0, :, 0].tolist() == [0, 1, 128, 255]


def test_samples_in_which_0_is_white_are_inverted(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    _tiff(np.array([[0, 257, 65535]], np.uint16), path)
    _patched(path, 262, 0)
    assert read_picture(path).pixels[0, :, 0].tolist() == [255, 254, 0]


def test_signed_and_32_bit_samples_are_scaled_to_their_range_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    levels, notes = _tiff(np.array([[-1000, 0, 1000]], np.int32), path)
    assert (levels, notes) == ([0, 128, 255], ("samples from -1000 to 1000 are shown as black to white",))
    levels, notes = _tiff(np.array([[0, 4095, 2**31 - 1]], np.int32), path)
    assert levels == [0, 0, 255]
    _tiff(np.array([[0, 32767, 32768, 65535]], np.uint16), path, _339=1)
    _patched(path, 339, 2)
    assert read_picture(path).pixels[0, :, 0].tolist() == [128, 255, 0, 127]


def test_signed_bytes_span_their_type(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    _tiff(np.array([[0, 127, 128, 255]], np.uint8), path, _339=1)
    _patched(path, 339, 2)
    assert read_picture(path).pixels[0, :, 0].tolist() == [128, 255, 0, 127]


def test_unsigned_32_bit_samples_do_not_wrap(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    _tiff(np.array([[0, 2**30, 2**31 - 1, -1]], np.int32), path)
    _patched(path, 339, 1)
    assert read_picture(path).pixels[0, :, 0].tolist() == [0, 64, 128, 255]


def test_floats_are_fractions_or_are_scaled_to_their_range(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    assert _tiff(np.array([[0.25, 0.5, 0.75]], np.float32), path) == ([64, 128, 191], ())
    levels, notes = _tiff(np.array([[-1, 0, 3]], np.float32), path)
    assert (levels, notes) == ([0, 64, 255], ("samples from -1 to 3 are shown as black to white",))


def test_samples_that_are_not_finite_are_black_with_a_note(tmp_path: Path) -> None:
    values = np.array([[np.nan, np.inf, 0.5, 1]], np.float32)
    levels, notes = _tiff(values, tmp_path / "a.tif")
    assert (levels, notes) == ([0, 0, 128, 255], ("samples that are no finite number are shown black",))
    levels, notes = _tiff(np.full((1, 2), np.nan, np.float32), tmp_path / "a.tif")
    assert levels == [0, 0]


def test_a_transparent_grey_of_4_bits_is_recognized(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(grey4_png(8))
    pixels = read_picture(path).pixels[0]
    assert pixels[:, 0].tolist() == [17 * i for i in range(16)]
    assert pixels[:, 3].tolist() == [0 if i == 8 else 255 for i in range(16)]


def test_a_transparent_colour_of_16_bits_is_exact(tmp_path: Path) -> None:
    """Of two colours with the same upper bytes, one is transparent."""
    row = bytes([0, 10, 1, 20, 2, 30, 3, 10, 1, 20, 2, 30, 4])
    (tmp_path / "a.png").write_bytes(png(2, 16, 2, row, (b"tRNS", row[7:])))
    assert read_picture(tmp_path / "a.png").pixels[0].tolist() == [[10, 20, 30, 255], [10, 20, 30, 0]]


def test_16_bit_colours_are_converted_before_they_are_rounded_to_8_bits(tmp_path: Path) -> None:
    """Rounded to 8 bits before, linear light would be too coarse in dark colours."""
    row = bytes([0, *[0, 64] * 3, *[0, 192] * 3])
    (tmp_path / "a.png").write_bytes(png(2, 16, 2, row, gama(1.0)))
    levels = read_picture(tmp_path / "a.png").pixels[0, :, 0].tolist()
    assert levels == [round(255 * 12.92 * 64 / 65535), round(255 * 12.92 * 192 / 65535)]


def test_transparent_colours_of_grey_and_rgb_keep_their_values(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(with_chunks(Image.new("RGB", (1, 1), (1, 2, 3)), (b"tRNS", bytes([0, 1, 0, 2, 0, 3]))))
    assert read_picture(path).pixels.tolist() == [[[1, 2, 3, 0]]]
    path.write_bytes(with_chunks(Image.new("L", (1, 1), 9), (b"tRNS", bytes([0, 8]))))
    assert read_picture(path).pixels.tolist() == [[[9]]]


def test_a_grey_profile_applies_to_16_bit_grey_with_alpha(tmp_path: Path) -> None:
    """Pillow reads such samples as RGBA, for which a grey profile would be ignored."""
    row = bytes([0, 64, 0, 255, 255, 128, 0, 0, 0])
    (tmp_path / "a.png").write_bytes(png(2, 16, 4, row, iccp(grey_profile(1.0))))
    assert read_picture(tmp_path / "a.png").pixels[0].tolist() == [[137] * 3 + [255], [188] * 3 + [0]]


@pytest.mark.parametrize("transparent", [None, 1])
def test_what_the_first_frame_of_a_gif_leaves_uncovered_is_transparent(
    transparent: int | None, tmp_path: Path
) -> None:
    frame = Image.new("P", (3, 2))
    frame.putpalette([255, 0, 0, 0, 0, 255])
    frame.putpixel((2, 1), 1)
    options = {} if transparent is None else {"transparency": transparent}
    data = bytearray(saved(frame, "GIF", **options))
    data[6:10] = struct.pack("<HH", 5, 4)  # the size of the canvas
    at = data.index(b"," + struct.pack("<4H", 0, 0, 3, 2))
    data[at + 1 : at + 5] = struct.pack("<HH", 1, 2)  # left and top of the frame
    (tmp_path / "a.gif").write_bytes(data)
    pixels = read_picture(tmp_path / "a.gif").pixels
    alpha = np.zeros((4, 5), np.uint8)
    alpha[2:4, 1:4] = 255
    alpha[3, 3] = 255 if transparent is None else 0
    np.testing.assert_array_equal(pixels[..., 3], alpha)
    assert (pixels[2:4, 1:3, :3] == (255, 0, 0)).all()


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_planes_of_a_tiff_are_read_in_full(order: str, tmp_path: Path) -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 14
    planes = pixels.transpose(2, 0, 1).astype(f"{order}u2") * 257
    tags = {256: [3], 257: [2], 258: [16] * 3, 262: [2], 273: [8, 20, 32], 277: [3], 279: [12] * 3, 284: [2]}
    (tmp_path / "a.tif").write_bytes(tiff(order, planes.astype(f"{order}u2").tobytes(), tags))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").pixels, pixels)
