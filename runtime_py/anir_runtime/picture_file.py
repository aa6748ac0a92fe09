"""Writes pictures as PNG, JPEG or WebP to files, or as PNG to stdout; PNG is written a few rows at a time."""

import struct
import sys
import warnings
import zlib
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from anir_runtime.errors import AnirError, AnirWarning, UsageError
from anir_runtime.files import replacing

if TYPE_CHECKING:
    from PIL import Image

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
}
_LONGEST = {"JPEG": 65535, "WEBP": 16383}
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_AVERAGE = 3
_PNG_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}
"""Colour types of PNG by number of channels."""
STDOUT = Path("-")


def picture_format(path: Path) -> str:
    """Returns Pillow's name of the format that the suffix of `path` stands for; PNG for `-`.

    Raises UsageError if the suffix is unknown.
    """
    kind = "PNG" if path == STDOUT else _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"{path}: cannot tell the format; end the name in {', '.join(_FORMATS)}")
    return kind


def check_format_size(path: Path, width: int, height: int) -> None:
    """Raises AnirError if the format of `path` does not allow pictures of this size."""
    kind = picture_format(path)
    if max(width, height) > _LONGEST.get(kind, sys.maxsize):
        raise AnirError(f"{path}: {kind} holds at most {_LONGEST[kind]} pixels a side; write a PNG")


def write_picture(image: NDArray[np.uint8], path: Path) -> None:
    """Writes a picture, uint8[H, W, 1 | 3 | 4], as `write_tiles` does. Raises AnirError on failure."""
    write_tiles([image], (image.shape[1], image.shape[0]), path)


def write_tiles(tiles: Iterable[NDArray[np.uint8]], size: tuple[int, int], path: Path) -> None:
    """Writes a picture of `size` (width, height) to `path`, or as PNG to stdout if it is `-`.

    The picture is given as tiles, uint8[rows, W, N], top to bottom: N is 1 for grey, 3 for RGB, 4 for RGB
    with alpha. If there is alpha, a JPEG is composed on white, with an AnirWarning. A PNG is written tile by
    tile. Raises AnirError on failure.
    """
    kind = picture_format(path)
    if path == STDOUT:
        _write_png(tiles, size, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    with replacing(path) as temporary:
        if kind == "PNG":
            with temporary.open("wb") as file:
                _write_png(tiles, size, file)
        else:
            image = np.concatenate(list(tiles))
            if kind == "JPEG" and image.shape[2] == 4:
                warnings.warn(
                    f"{path}: JPEG has no transparency, white is behind it; a PNG or WebP keeps it",
                    AnirWarning,
                    stacklevel=2,
                )
                image = on_background(image, (255, 255, 255))
            as_pillow(image).save(temporary, kind, **_SAVE_OPTIONS[kind])


def as_pillow(image: NDArray[np.uint8]) -> "Image.Image":
    """Converts uint8[H, W, 1 | 3 | 4] to a Pillow image, whose mode is L, RGB or RGBA."""
    # Imported only here, as it takes time, and PNG files are written without it.
    from PIL import Image

    return Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)


def on_background(image: NDArray[np.uint8], background: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Composes RGB with alpha, uint8[H, W, 4], on a background colour: uint8[H, W, 3]."""
    alpha = image[..., 3:].astype(np.uint16)
    over = image[..., :3] * alpha + np.array(background, np.uint16) * (255 - alpha)
    return ((over + 127) // 255).astype(np.uint8)


def _write_png(tiles: Iterable[NDArray[np.uint8]], size: tuple[int, int], file: BinaryIO) -> None:
    """Writes a PNG of 8 bits per channel: https://www.w3.org/TR/png-3.

    All rows use the Average filter: for smooth pictures, files are as small as with the best filter for each
    row, at a fraction of the time.
    """
    waiting = iter(tiles)
    first = next(waiting)
    channels = first.shape[2]
    file.write(_PNG_SIGNATURE)
    _write_chunk(file, b"IHDR", struct.pack(">IIBBBBB", *size, 8, _PNG_COLOUR_TYPES[channels], 0, 0, 0))
    compressor = zlib.compressobj(3, strategy=zlib.Z_FILTERED)
    above = np.zeros((1, size[0], channels), np.uint8)
    for tile in chain([first], waiting):
        rows = len(tile)
        mean = np.concatenate([above, tile[:-1]]).astype(np.uint16)
        mean[:, 1:] += tile[:, :-1]
        filtered = np.empty((rows, 1 + tile[0].size), np.uint8)
        filtered[:, 0] = _PNG_AVERAGE
        filtered[:, 1:] = (tile - (mean >> 1).astype(np.uint8)).reshape(rows, -1)
        _write_chunk(file, b"IDAT", compressor.compress(filtered.data))
        above = tile[-1:]
    _write_chunk(file, b"IDAT", compressor.flush())
    _write_chunk(file, b"IEND", b"")


def _write_chunk(file: BinaryIO, kind: bytes, content: bytes) -> None:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    file.write(struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum))
