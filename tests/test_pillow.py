"""Tests Image.open of `.anir` files."""

import io
from pathlib import Path

import anir_runtime.pillow  # noqa: F401 (registers the format)
import numpy as np
import pytest
from anir_runtime import Decoder
from anir_runtime.anir_file import AnirFile
from anir_runtime.anir_header import Header, Level, write_header
from anir_toolchain.anir_export import export_anir
from anir_toolchain.space import Space
from PIL import Image, UnidentifiedImageError

from tests.flat_file import flat_file
from tests.random_model import random_model
from tests.vectors.anir import anir_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "photo.anir").write_bytes(anir_file("lapped"))
    return tmp_path / "photo.anir"


def test_opening_a_picture_reads_its_metadata_and_loading_draws_it(path: Path) -> None:
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("ANIR", "RGB", (75, 52))
        assert (image.info["family"], image.info["bits"]) == ("lapped", 4)
        ends = [level.end for level in AnirFile(path.read_bytes()).header.levels]  # type: ignore[union-attr]
        assert [level["bytes"] for level in image.info["levels"]] == ends
        assert image.info["levels"][0] == {"name": "d2w5", "bytes": ends[0], "psnr": 20.25}
        np.testing.assert_array_equal(np.asarray(image), Decoder(path).decode())
        assert np.asarray(image.convert("L").rotate(90, expand=True)).shape == (75, 52)
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        np.testing.assert_array_equal(np.asarray(image), Decoder(path).decode())
    assert Image.registered_extensions()[".anir"] == "ANIR"


@pytest.mark.parametrize(("colours", "mode"), [(1, "L"), (4, "RGBA")])
def test_grey_and_transparent_pictures_have_their_modes(colours: int, mode: str) -> None:
    data = anir_file("lapped", colours)
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == mode
        want = Decoder(data).decode()
        np.testing.assert_array_equal(np.asarray(image).reshape(want.shape), want)


def test_opening_reads_only_the_header(path: Path) -> None:
    data = path.read_bytes()
    header = AnirFile(data).header
    assert header is not None
    with Image.open(io.BytesIO(data[: header.start])) as image:
        assert image.size == (75, 52)
        with pytest.raises(OSError, match="ends before its first picture"):
            image.load()


def test_a_draft_draws_the_smallest_level_that_is_good_enough(tmp_path: Path) -> None:
    model = random_model("siren", space=Space((2, 3), (8, 12)))
    header = export_anir(model, tmp_path / "a.anir")
    # Levels of 20, 22, 24 and 26 dB, each of which gains 4 dB at half of the size and 4 dB more at a quarter.
    levels = tuple(
        Level(old.depth, old.channels, old.end - header.start, (20.0 + 2 * k, 24.0 + 2 * k, 28.0 + 2 * k))
        for k, old in enumerate(header.levels)
    )
    data = (tmp_path / "a.anir").read_bytes()
    stream = data[header.start :]
    data = write_header(Header("siren", header.size, 3, 4, 16, levels, 0)) + stream
    ends = [level.end for level in AnirFile(data).header.levels]  # type: ignore[union-attr]
    for asked, size, level in (
        ((96, 64), (96, 64), 3),
        ((60, 10), (60, 40), 3),
        ((48, 20), (48, 32), 1),
        ((24, 16), (24, 16), 0),
        ((1, 10), (15, 10), 0),
    ):
        with Image.open(io.BytesIO(data)) as image:
            image.draft("RGB", asked)
            assert image.size == size
            np.testing.assert_array_equal(np.asarray(image), Decoder(data[: ends[level]]).decode(size))
            assert image.draft("RGB", (2, 2)) is None, "it is drawn already"
    with Image.open(io.BytesIO(data[: ends[0]])) as image:
        image.thumbnail((24, 24))
        assert image.size == (24, 16)
        want = Image.fromarray(Decoder(data[: ends[0]]).decode((72, 48))).resize((24, 16), reducing_gap=2.0)
        assert np.abs(np.asarray(image).astype(int) - np.asarray(want)).max() <= 1


def test_a_draft_reads_at_least_the_bytes_that_a_large_picture_requires() -> None:
    with Image.open(io.BytesIO(flat_file())) as image:
        image.draft("RGB", (30, 15))
        assert np.asarray(image).shape == (15, 30, 3)


def test_bad_files_raise_pillows_errors(path: Path) -> None:
    data = path.read_bytes()
    for bad in (
        b"",
        data[:4],
        data[:16],
        b"\x89ani" + bytes(90),
        data[:9] + bytes([data[9] ^ 1]) + data[10:],
    ):
        with pytest.raises(UnidentifiedImageError):
            Image.open(io.BytesIO(bad))
    end = AnirFile(data).header.levels[0].end  # type: ignore[union-attr]
    damaged = data[: end - 40] + bytes([data[end - 40] ^ 255]) + data[end - 39 :]
    with Image.open(io.BytesIO(damaged)) as image, pytest.raises(OSError, match="damaged in its level 1"):
        image.load()
    with Image.open(path) as image:
        pass
    with pytest.raises(ValueError, match="closed image"):
        image.load()


def test_a_truncated_file_is_drawn_as_far_as_it_goes(path: Path) -> None:
    data = path.read_bytes()
    end = AnirFile(data).header.levels[1].end  # type: ignore[union-attr]
    with Image.open(io.BytesIO(data[: end + 20])) as image:
        np.testing.assert_array_equal(np.asarray(image), Decoder(data[: end + 20]).decode())


def test_pillow_warns_of_bombs_before_memory_is_taken() -> None:
    def file(side: int) -> io.BytesIO:
        level = Level(2, 8, 50, (30.0, 33.0, 36.0))
        return io.BytesIO(write_header(Header("lapped", (side, side), 3, 4, 16, (level,), 0)) + bytes(50))

    with pytest.warns(Image.DecompressionBombWarning):
        assert Image.open(file(12_000)).size == (12_000, 12_000)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(file(16_000))
