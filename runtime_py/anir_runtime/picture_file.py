"""Pixels to PNG, JPEG or WebP, on disk or stdout."""

import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anir_runtime.errors import AnirError
from anir_runtime.files import replacing

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 6},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
}
_LONGEST = {"JPEG": 65535, "WEBP": 16383}
STDOUT = Path("-")


def picture_format(path: Path) -> str:
    """Pillow's name of the format that `path` asks for by its suffix; PNG for `-`.

    Raises AnirError if the suffix is none of those known.
    """
    if path == STDOUT:
        return "PNG"
    if path.suffix.lower() not in _FORMATS:
        raise AnirError(f"{path}: cannot tell the format; end the name in {', '.join(_FORMATS)}")
    return _FORMATS[path.suffix.lower()]


def check_format_size(path: Path, width: int, height: int) -> None:
    """Raises AnirError if the format that `path` asks for cannot hold a picture that large."""
    kind = picture_format(path)
    if max(width, height) > _LONGEST.get(kind, sys.maxsize):
        raise AnirError(f"{path}: {kind} holds at most {_LONGEST[kind]} pixels a side; write a PNG")


def write_picture(image: NDArray[np.uint8], path: Path) -> None:
    """Writes uint8[H, W, 3] to `path`, or as PNG to stdout if it is `-`. Raises AnirError on failure."""
    kind = picture_format(path)
    picture = Image.fromarray(image)
    if path == STDOUT:
        buffer = BytesIO()
        picture.save(buffer, kind)
        sys.stdout.buffer.write(buffer.getvalue())
        sys.stdout.buffer.flush()
        return
    with replacing(path) as temporary:
        picture.save(temporary, kind, **_SAVE_OPTIONS[kind])
