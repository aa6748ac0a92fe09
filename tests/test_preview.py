"""Tests what an `.anir` file shows before its first level is complete."""

import io
from dataclasses import replace

import numpy as np
import pytest
from anir_runtime.anir_file import AnirFile
from anir_runtime.anir_header import Header, read_header
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.decoder import Crop, Decoder
from anir_runtime.errors import AnirError
from anir_runtime.level_step import LevelStep
from anir_runtime.preview import Preview, PreviewRenderer, read_preview
from anir_toolchain.anir_writer import AnirWriter
from anir_toolchain.lapped_analysis import analyse
from numpy.typing import NDArray
from PIL import Image

from tests.random_network import random_network
from tests.vectors.anir import anir_file

Pixels = NDArray[np.uint8]


def encoded(image: Pixels, width: int = 400) -> bytes:
    """Returns a file of one level of this width; the default gives nearly exact DC coefficients."""
    height, length, colours = image.shape
    own = analyse(image, 16)
    writer = AnirWriter(Header("lapped", (length, height), colours, 4, 16, (), 0), 1 << 22)
    writer.begin(own.coefficients, own.colours)
    writer.refine(LevelStep(width, 1))
    writer.add(random_network("lapped", 2, 8, (length, height), 4, colours=colours), width)
    return writer.finish([(20, 20, 20)])


def preview_of(data: bytes) -> Preview:
    """Returns the preview that the bytes of a first level give."""
    header = read_header(data)
    preview = read_preview(header, data[header.start :])
    assert preview is not None
    return preview


def drawn(preview: Preview) -> Pixels:
    """Draws a preview at the native size."""
    x, y = (axis_coordinates(pixels) for pixels in preview.size)
    return PreviewRenderer(preview).start(x, y)(slice(0, len(y)))


@pytest.mark.parametrize("size", [(96, 64), (90, 50), (40, 20), (16, 16), (10, 130)])
def test_the_preview_of_a_single_colour_is_that_colour(size: tuple[int, int]) -> None:
    image = np.full((*size[::-1], 3), (180, 90, 40), np.uint8)
    shown = drawn(preview_of(encoded(image, 64)))
    assert shown.shape == image.shape
    assert np.abs(shown.astype(int) - (180, 90, 40)).max() <= 2


def test_the_colour_of_the_upper_and_left_border_does_not_reach_into_the_preview() -> None:
    image = np.full((64, 96, 3), (180, 90, 40), np.uint8)
    # The transform codes differences to the mean colour of the first row and column.
    image[0] = image[:, 0] = 0
    shown = drawn(preview_of(encoded(image, 64)))
    assert np.abs(shown.astype(int) - (180, 90, 40))[18:-4, 18:-4].max() <= 2


@pytest.mark.parametrize("colours", [1, 3, 4])
def test_the_preview_of_a_smooth_picture_is_close_to_it(colours: int) -> None:
    y, x = np.mgrid[:160, :240]
    wave = 128 + 90 * np.sin(x / 30) * np.cos(y / 25)
    image = np.stack([wave, 255 - wave, wave / 2, 128 + wave / 3][:colours], -1).astype(np.uint8)
    shown = drawn(preview_of(encoded(image)))
    assert shown.shape == image.shape
    error = np.abs(shown.astype(int) - image).mean()
    assert error < 2
    # Shifted by half a cell, the error is far larger: colours are at the right positions.
    assert np.abs(shown[:, 8:].astype(int) - image[:, :-8]).mean() > 5 * error


def test_a_notebook_shows_the_preview_of_a_decoder_that_was_fed_no_level() -> None:
    y, x = np.mgrid[:64, :96]
    data = encoded(np.stack([2 * x, 3 * y, x + y], -1).astype(np.uint8))
    decoder = Decoder()
    decoder.feed(data[:10])
    assert decoder._repr_png_() is None
    assert decoder.feed(data[10:-1]) == 0
    shown = Image.open(io.BytesIO(decoder._repr_png_() or b""))
    np.testing.assert_array_equal(np.asarray(shown), decoder.decode())


def test_the_preview_improves_with_more_bytes() -> None:
    y, x = np.mgrid[:320, :400]
    image = np.stack([x / 2, y / 2, 200 - x / 4], -1).astype(np.uint8)
    image[100:200, 150:300] = 250, 220, 30
    data = encoded(image, 6000)
    start, end = read_header(data).start, len(data)
    errors = [
        np.square(drawn(preview_of(data[:size])).astype(float) - image).mean()
        for size in (start + 19, start + (end - start) // 4, start + (end - start) // 2, end)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[2] < errors[0] / 8


def test_too_few_bytes_other_families_and_invalid_widths_have_no_preview() -> None:
    data = anir_file("lapped")
    header = read_header(data)
    stream = data[header.start :]
    assert read_preview(header, stream[:18]) is None
    assert read_preview(header, stream[:19]) is not None
    assert read_preview(replace(header, family="siren"), stream) is None
    # The first width follows the twelve bytes of colours; these two bytes make it invalid.
    assert read_preview(header, stream[:12] + b"\xff\xff" + stream[14:]) is None


def test_the_preview_is_drawn_until_the_first_level_is_complete() -> None:
    data = anir_file("lapped")
    header = read_header(data)
    end = header.levels[0].end
    decoder, fed = Decoder(data[: end - 1]), Decoder()
    assert decoder.backend == "preview: no level is complete yet"
    assert (decoder.family, decoder.width, decoder.height) == ("lapped", 75, 52)
    assert [fed.feed(data[: header.start + 18]), fed.feed(data[header.start + 18 : end - 1])] == [0, 0]
    np.testing.assert_array_equal(fed.decode((30, 20)), decoder.decode((30, 20)))
    whole = decoder.decode()
    crop = Crop(20, 10, 40, 30)
    np.testing.assert_array_equal(decoder.decode(crop=crop), whole[10:40, 20:60])
    assert Decoder().backend == "none: no bytes have arrived yet"
    assert fed.backend == "preview: no level is complete yet"
    assert decoder.feed(data[end - 1 : end]) == 1
    assert decoder.backend.startswith("direct")
    np.testing.assert_array_equal(decoder.decode(), Decoder(data[:end]).decode())


def test_the_preview_disappears_if_the_first_level_is_damaged() -> None:
    data = anir_file("lapped")
    end = read_header(data).levels[0].end
    damaged = data[: end - 9] + bytes([data[end - 9] ^ 255]) + data[end - 8 :]
    decoder = Decoder()
    decoder.feed(damaged[: end - 1])
    with pytest.raises(AnirError, match="damaged in its level 1"):
        decoder.feed(damaged[end - 1 :])
    with pytest.raises(AnirError, match="the image: is damaged in its level 1"):
        decoder.decode()
    with pytest.raises(AnirError, match="damaged in its level 1"):
        Decoder(damaged)


def test_a_large_picture_has_a_preview_from_a_few_bytes() -> None:
    header = Header("lapped", (2048, 1024), 3, 4, 16, (), 0)
    writer = AnirWriter(header, 1 << 22)
    writer.begin(np.zeros((64, 128, 3, 16, 16), np.int32), analyse(np.zeros((8, 8, 3), np.uint8), 16).colours)
    writer.refine(LevelStep(4000, 1))
    writer.add(random_network("lapped", 2, 8, (2048, 1024), 4), 4000)
    data = writer.finish([(20, 20, 20)])
    file = AnirFile(data[:300])
    preview = file.preview()
    assert file.available == 0
    assert preview is not None
    assert preview.colours.shape == (64, 128, 3)
