"""Any picture that Pillow opens, as 8-bit RGB."""

import math
import warnings
from pathlib import Path

import numpy as np
from anir_runtime.errors import AnirError
from numpy.typing import NDArray
from PIL import Image, ImageOps

MAX_PIXELS = 2**26
BACKGROUND = (255, 255, 255)
"""What transparent parts are composited over."""
_BLOCKS = 192 * 128


def load_image(path: Path) -> NDArray[np.uint8]:
    """Reads a picture as uint8[H, W, 3].

    EXIF orientation is applied, palettes, greyscale and CMYK become RGB, 16 bits are scaled to 8, and alpha
    is composited over white. Raises AnirError if the file is missing, no picture or over MAX_PIXELS.
    """
    try:
        with warnings.catch_warnings():
            # The size is checked below, before any pixel is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                _check_size(path, image)
                return np.asarray(_to_rgb(ImageOps.exif_transpose(image)))
    except FileNotFoundError as error:
        raise AnirError(f"{path}: no such file") from error
    except Image.DecompressionBombError as error:
        raise AnirError(_too_large(path)) from error
    except IsADirectoryError as error:
        raise AnirError(f"{path}: is a folder; name a picture") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise AnirError(f"{path}: not a picture that can be opened") from error


def _check_size(path: Path, image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise AnirError(_too_large(path))


def _too_large(path: Path) -> str:
    return f"{path}: over the limit of {MAX_PIXELS >> 20} megapixels; resize it first"


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        wide = np.asarray(image).astype(np.float64)
        return Image.fromarray((wide.clip(0, 65535) / 257).round().astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        return Image.fromarray((np.asarray(image).clip(0, 1) * 255).round().astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, (*BACKGROUND, 255)), image).convert("RGB")
    return image.convert("RGB")


def rms_frequency(image: NDArray[np.uint8]) -> float:
    """The picture's root mean square frequency in radians per half mean side, 0 for a plain one.

    Of the picture in about 192×128 blocks: what is finer is out of a small network's reach.

    Args:
        image: uint8[H, W, 3].
    """
    size = max(1, round(math.sqrt(image.shape[0] * image.shape[1] / _BLOCKS)))
    height, width = (n // size * size for n in image.shape[:2])
    if min(height, width) == 0:
        return 0.0
    blocks = image[:height, :width].reshape(height // size, size, width // size, size, 3).mean((1, 3))
    variance = blocks.var((0, 1)).mean()
    slopes = [
        np.square(np.diff(blocks, axis=axis)).mean() / size**2 for axis in (0, 1) if blocks.shape[axis] > 1
    ]
    if variance == 0 or not slopes:
        return 0.0
    return float(np.sqrt(np.mean(slopes) / variance * width * height) / 2)
