"""Reads pictures as a browser shows them: any file that Pillow opens, as 8-bit sRGB."""

import logging
import math
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from anir_runtime.anir_header import MAGIC
from anir_runtime.errors import AnirError, AnirWarning, UsageError
from anir_runtime.onnx_reader import LONGEST_SIDE
from anir_runtime.picture_file import on_background
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageColor, UnidentifiedImageError

from anir_toolchain.colour import ColourSpace, as_srgb, colour_space
from anir_toolchain.samples import Samples, load_samples

# Otherwise Pillow's remarks on damaged files would reach stderr beside the message of the command.
logging.getLogger("PIL").addHandler(logging.NullHandler())

MAX_PIXELS = 2**26
Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
_SUBFILE_TYPE, _REDUCED = 254, 1
"""TIFF's tag and flag of a smaller version of another picture of the file; raw photographs begin with one."""
_BLOCKS = 192 * 128
"""Approximate number of blocks over which `rms_frequency` averages a picture."""
_TOO_LARGE = f"over the limit of {MAX_PIXELS >> 20} megapixels; resize it first"
_SAVE_AS = "save it as JPEG or PNG first"
_RUNS_A_PROGRAM = ("EPS",)
"""Formats that Pillow opens with Ghostscript, which a stranger's picture must not start."""
_DAMAGED = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError,
    AssertionError, EOFError, struct.error, zlib.error,
)  # fmt: skip
"""Exceptions that Pillow's readers raise for files that are damaged or no pictures."""
_NO_PICTURES = ("EPS", "HDF5", "GRIB", "BUFR", "MPEG", "WMF")
"""Formats that Pillow recognizes but cannot draw on all systems, or at all."""
_NOT_BROWSERS = ("xmp", "XML:com.adobe.xmp", "Raw profile type exif")
"""Metadata in which Pillow looks for an orientation, too, but browsers do not."""
_ORIENTATIONS: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: p[::-1].swapaxes(0, 1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: p[:, ::-1].swapaxes(0, 1),
}
"""By EXIF orientation, the function that turns or mirrors uint8[H, W, C] upright."""
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1")


@dataclass(frozen=True)
class Picture:
    """A picture in sRGB, with its transparency.

    Attributes:
        pixels: uint8[H, W, C]; C is 1 for grey, 3 for RGB, 4 for RGB and an alpha that is not 255 everywhere.
        notes: remarks for the user, a line each, such as that this is the first of several frames.
    """

    pixels: NDArray[np.uint8]
    notes: tuple[str, ...] = ()

    def flattened(self, background: Colour = WHITE) -> NDArray[np.uint8]:
        """Returns the picture composited over a background, uint8[H, W, 3]."""
        return flattened(self.pixels, background)


def load_image(path: Path, background: Colour | None = None) -> NDArray[np.uint8]:
    """Reads a picture in sRGB as uint8[H, W, N], reduced to the `fewest_channels`.

    With a background, the picture is composited over it. The picture's notes are issued as AnirWarning.
    """
    picture = read_picture(path)
    for note in picture.notes:
        warnings.warn(f"{path}: {note}", AnirWarning, stacklevel=2)
    return fewest_channels(picture.pixels if background is None else picture.flattened(background))


def read_picture(path: Path) -> Picture:
    """Reads a picture as Chromium shows it.

    Colours described by ICC profiles, CICP code points or PNG's gAMA and cHRM are converted to sRGB, EXIF
    orientation is applied (XMP's is not, as in browsers), and samples of more than 8 bits are scaled. Of an
    animation or a file of several pages the first one is read. Raises AnirError if the file is missing, not a
    picture, an HDR picture, larger than MAX_PIXELS, or longer than LONGEST_SIDE.
    """
    with _opened(path) as image:
        frames = _seek_first_frame(image)
        _drop_foreign_orientation(image)
        space = colour_space(image)
        exact = frames == 1 and (isinstance(space, ColourSpace) or "transparency" in image.info)
        samples = load_samples(image, path, exact)
        _drop_foreign_orientation(image)
        pixels = _oriented(_with_alpha(samples, space), image)
    first = f"the first of {frames} frames or pages" if frames > 1 else ""
    return Picture(pixels, tuple(note for note in (first, samples.note) if note))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Opens a picture and checks its size; errors while it is read become AnirError."""
    Image.init()
    formats = [name for name in Image.ID if name not in _RUNS_A_PROGRAM]
    try:
        with warnings.catch_warnings():
            # Pillow warns about large sizes, which are checked here, and about odd metadata.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=formats) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise AnirError(_TOO_LARGE)
                if max(image.size) > LONGEST_SIDE:
                    raise AnirError(f"over {LONGEST_SIDE} pixels along a side; resize it first")
                if getattr(image, "tag_v2", {}).get(_SUBFILE_TYPE, 0) & _REDUCED:
                    raise AnirError(f"a raw photograph, of which only a preview can be read; {_SAVE_AS}")
                yield image
    except AnirError as error:
        raise AnirError(f"{path}: {error}") from error
    except Image.DecompressionBombError as error:
        raise AnirError(f"{path}: {_TOO_LARGE}") from error
    except _DAMAGED as error:
        raise AnirError(f"{path}: {_why_not(path, error)}") from error


def _why_not(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if path.is_dir():
        return "is a folder; name a picture"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read ({error.strerror})"
    if not path.is_file():
        return "not a picture that can be opened from a pipe or device; name a file"
    with path.open("rb") as file:
        return _why_not_this(file.read(12), recognized=not isinstance(error, UnidentifiedImageError))


def _why_not_this(head: bytes, recognized: bool) -> str:
    """Says why a file that begins with `head` cannot be read, whose format Pillow has recognized or not."""
    if not head:
        return "an empty file"
    if head.startswith(MAGIC):
        return "a neural image already; anir-run draws it"
    what = "not a picture that can be opened"
    if head[4:8] == b"ftyp" and head[8:] in _HEIF_BRANDS:
        what = "a HEIC picture, which is not supported"
    elif recognized:
        what = "a picture that is damaged, cut off, or of a kind that cannot be read"
    return f"{what}; {_SAVE_AS}"


def _drop_foreign_orientation(image: Image.Image) -> None:
    """Removes the metadata in which only Pillow looks for an orientation."""
    for key in _NOT_BROWSERS:
        image.info.pop(key, None)


def _seek_first_frame(image: Image.Image) -> int:
    """Seeks the first frame or page that a browser shows, and returns the number of frames.

    An animated PNG may begin with a picture for viewers without animation, which browsers skip. An MPO of a
    camera counts as one frame, as the others are only previews.
    """
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if getattr(image, "default_image", False) and frames > 1:
        image.seek(1)
        return frames - 1
    return frames


def _with_alpha(samples: Samples, space: ColourSpace | bytes | None) -> NDArray[np.uint8]:
    pixels = as_srgb(samples.colours, space)
    if samples.alpha is None or samples.alpha.min() == 255:
        return pixels
    return np.concatenate([_as_rgb(pixels), samples.alpha[..., None]], axis=2)


def _oriented(pixels: NDArray[np.uint8], image: Image.Image) -> NDArray[np.uint8]:
    """Applies the EXIF orientation; Pillow itself has done so for a loaded TIFF."""
    turn = _ORIENTATIONS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return np.ascontiguousarray(turn(pixels)) if turn else pixels


def flattened(pixels: NDArray[np.uint8], background: Colour = WHITE) -> NDArray[np.uint8]:
    """Returns a picture uint8[H, W, 1 | 3 | 4] as RGB, uint8[H, W, 3], composited over a background."""
    if pixels.shape[2] < 4:
        return _as_rgb(pixels)
    return on_background(pixels, background)


def picture_suffixes() -> frozenset[str]:
    """Returns the suffixes, like `.jpg`, by which pictures in a folder are recognized."""
    Image.init()
    known = {end for end, kind in Image.EXTENSION.items() if kind in Image.OPEN and kind not in _NO_PICTURES}
    # All but .mpo are refused, but included: otherwise such files would be skipped without notice.
    return frozenset(known | {".mpo", ".heic", ".heif", ".hif", ".jxl"})


def checked_pixels(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Checks a picture given as an array, and reduces it to the `fewest_channels`.

    Args:
        pixels: uint8[H, W] or [H, W, 1] grey, [H, W, 3] RGB, or [H, W, 4] RGB and alpha.

    Returns:
        uint8[H, W, N], contiguous.

    Raises:
        AnirError: if the type or shape is another one, or there are no pixels or too many.
    """
    if not isinstance(pixels, np.ndarray):
        raise AnirError(f"pixels are a {type(pixels).__name__}; give an array of uint8")
    shape = "×".join(str(n) for n in pixels.shape)
    if pixels.dtype != np.uint8:
        raise AnirError(f"pixels are {pixels.dtype}; give uint8 from 0 to 255")
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4)):
        raise AnirError(f"pixels have shape {shape}; give height×width, or ×1, ×3 or ×4 channels")
    if not 0 < pixels.shape[0] * pixels.shape[1] <= MAX_PIXELS:
        raise AnirError(f"a picture of {shape} has no pixels, or over {MAX_PIXELS >> 20} million of them")
    rows = np.asarray(pixels, np.uint8)
    return fewest_channels(rows if rows.ndim == 3 else rows[..., None])


def fewest_channels(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Drops the channels of a picture uint8[H, W, 1 | 3 | 4] that add nothing: uint8[H, W, N], contiguous.

    An alpha that is 255 everywhere is dropped; opaque grey pictures get one channel. Colours where alpha is
    0, which are invisible, are replaced by surrounding ones.
    """
    if pixels.shape[2] == 4:
        if pixels[..., 3].min() < 255:
            return _filled(pixels)
        pixels = pixels[..., :3]
    if pixels.shape[2] == 3 and (pixels[..., :1] == pixels[..., 1:]).all():
        pixels = pixels[..., :1]
    return np.ascontiguousarray(pixels)


def _filled(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Replaces the colours of uint8[H, W, 4] where alpha is 0 by smooth ones, which take few bits."""
    seen = pixels[..., 3:] > 0
    colours = _spread(np.where(seen, pixels[..., :3], 0).astype(np.float32), seen)
    return np.concatenate([np.rint(colours).astype(np.uint8), pixels[..., 3:]], axis=2)


def _spread(colours: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Fills in colours [H, W, 3] where they are not `known` [H, W, 1] and have to be 0.

    They are interpolated from the picture at half its size, in which they are filled in recursively (the
    pull-push algorithm; Gortler et al. 1996, The Lumigraph, section 3.4).
    """
    height, width = known.shape[:2]
    if known.all() or height * width == 1:
        return colours
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    halves = (-(-height // 2), 2, -(-width // 2), 2, -1)
    sums, counts = (np.pad(own, padding).reshape(halves).sum((1, 3)) for own in (colours, known))
    half = _spread(sums / np.maximum(counts, 1).astype(np.float32), counts > 0)
    size = 2 * half.shape[1], 2 * half.shape[0]
    planes = [
        Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR) for plane in half.transpose(2, 0, 1)
    ]
    return np.where(known, colours, np.stack([np.asarray(plane) for plane in planes], 2)[:height, :width])


def parse_colour(text: str) -> Colour:
    """Parses a CSS colour like `white`, `#ff8000` or `rgb(255, 128, 0)`. Raises UsageError if invalid."""
    try:
        red, green, blue, *alpha = ImageColor.getrgb(text)
    except ValueError as error:
        raise UsageError(f"'{text}' is no colour: write one like white, black or #ff8000") from error
    if alpha not in ([], [255]):
        raise UsageError(f"'{text}' is not opaque; a background is, like white, black or #ff8000")
    return red, green, blue


def _as_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels.repeat(3, axis=2) if pixels.shape[2] == 1 else pixels


def rms_frequency(image: NDArray[np.uint8]) -> float:
    """Returns the root mean square frequency of a picture uint8[H, W, N], 0 if it is of a single colour.

    It is in radians per half mean side (the geometric mean of W and H), of the picture averaged over blocks,
    as finer detail is out of a small network's reach.
    """
    size = max(1, round(math.sqrt(image.shape[0] * image.shape[1] / _BLOCKS)))
    height, width = (n // size * size for n in image.shape[:2])
    if min(height, width) == 0:
        return 0.0
    blocks = (
        image[:height, :width].reshape(height // size, size, width // size, size, image.shape[2]).mean((1, 3))
    )
    variance = blocks.var((0, 1)).mean()
    slopes = [
        np.square(np.diff(blocks, axis=axis)).mean() / size**2 for axis in (0, 1) if blocks.shape[axis] > 1
    ]
    if variance == 0 or not slopes:
        return 0.0
    return float(np.sqrt(np.mean(slopes) / variance * width * height) / 2)
