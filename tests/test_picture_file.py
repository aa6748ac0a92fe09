from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from anir_runtime.errors import AnirError, AnirWarning
from anir_runtime.picture_file import write_picture, write_tiles
from numpy.typing import NDArray
from PIL import Image


def _noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 1), (33, 50)])
@pytest.mark.parametrize("rows", [1, 4])
def test_png_tiles_round_trip(tmp_path: Path, shape: tuple[int, int], rows: int) -> None:
    image = _noise(*shape)
    tiles = (image[i : i + rows] for i in range(0, shape[0], rows))
    write_tiles(tiles, (shape[1], shape[0]), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        picture.verify()
    with Image.open(tmp_path / "a.png") as picture:
        assert (picture.mode, picture.size) == ("RGB", shape[::-1])
        np.testing.assert_array_equal(np.asarray(picture), image)


def test_png_files_of_smooth_pictures_are_about_as_small_as_pillows(tmp_path: Path) -> None:
    y, x = np.mgrid[0:200, 0:300]
    waves = 128 + 100 * np.sin(x / 40 + y / 25)[..., None] * np.cos(x / 30 - y / 50)[..., None]
    image = np.broadcast_to(waves, (200, 300, 3)).astype(np.uint8)
    write_picture(image, tmp_path / "a.png")
    Image.fromarray(image).save(tmp_path / "b.png")
    assert (tmp_path / "a.png").stat().st_size < 1.2 * (tmp_path / "b.png").stat().st_size


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_jpeg_and_webp_files_are_written_from_tiles(tmp_path: Path, suffix: str) -> None:
    image = np.full((20, 30, 3), 90, np.uint8)
    path = tmp_path / f"a.{suffix}"
    write_tiles(iter([image[:7], image[7:]]), (30, 20), path)
    assert np.abs(np.asarray(Image.open(path)).astype(int) - image).max() <= 1


def test_a_failure_midway_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("mine")

    def tiles() -> Iterator[NDArray[np.uint8]]:
        yield _noise(1, 5)
        raise AnirError("no more")

    with pytest.raises(AnirError, match="no more"):
        write_tiles(tiles(), (5, 2), path)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_the_number_of_channels_is_kept(tmp_path: Path, channels: int, mode: str, suffix: str) -> None:
    image = np.random.default_rng(1).integers(1, 256, (9, 14, channels), np.uint8)
    path = tmp_path / f"a.{suffix}"
    write_tiles(iter([image[:5], image[5:]]), (14, 9), path)
    with Image.open(path) as picture:
        # WebP has no greyscale mode.
        assert picture.mode == ("RGB" if suffix == "webp" and channels == 1 else mode)
        got = np.asarray(picture.convert(mode)).reshape(image.shape)
    np.testing.assert_array_equal(got, image)


def test_transparency_becomes_white_in_a_jpeg_with_a_warning(tmp_path: Path) -> None:
    image = np.full((8, 8, 4), (200, 0, 100, 51), np.uint8)
    with pytest.warns(AnirWarning, match=r"a\.jpg: JPEG has no transparency, white is behind it"):
        write_picture(image, tmp_path / "a.jpg")
    got = np.asarray(Image.open(tmp_path / "a.jpg")).astype(int)
    assert np.abs(got - (244, 204, 224)).max() <= 2
    # Grey stays grey.
    write_picture(image[..., :1], tmp_path / "b.jpg")
    assert Image.open(tmp_path / "b.jpg").mode == "L"
