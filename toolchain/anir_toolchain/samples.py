"""Converts a picture's samples, of any type and range that Pillow has, to 8-bit or floating-point values."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_BITS, _PHOTOMETRIC, _PLANES, _SAMPLE_FORMAT = 258, 262, 284, 339
_SIGNED, _WHITE_IS_LEAST, _SEPARATE = 2, 0, 2


@dataclass(frozen=True)
class Samples:
    """A picture's colours, in the file's own colour space, and its transparency."""

    colours: Image.Image | NDArray[np.float32]
    """8 bits in mode L, RGB, CMYK or LAB; for finer samples float32[H, W, 1 | 3] in [0, 1]."""
    alpha: NDArray[np.uint8] | None
    """uint8[H, W], 255 where the picture is opaque; None if it has no transparency."""
    note: str = ""
    """Remark for the user on how the samples were read; empty if there is none."""


def load_samples(image: Image.Image, path: Path, exact: bool) -> Samples:
    """Loads an opened picture and returns its colours and transparency.

    Args:
        image: the picture.
        path: its file.
        exact: whether 16-bit RGB samples are wanted in full, for which the file is read a second time; Pillow
            drops their lower bytes.
    """
    _correct_transparent_grey(image)
    _correct_planes(image)
    raw_mode, mask = _raw_mode(image), _frame_mask(image)
    image.load()
    low_bytes = None
    if exact and raw_mode in ("RGB;16B", "RGBA;16B"):
        with Image.open(path, formats=[str(image.format)]) as again:
            low_bytes = _load_low_bytes(again)
    samples = _read_samples(image, raw_mode, low_bytes)
    if mask is None:
        return samples
    return replace(samples, alpha=mask if samples.alpha is None else np.minimum(samples.alpha, mask))


def _correct_transparent_grey(image: Image.Image) -> None:
    """Scales an opened PNG's transparent grey value as Pillow scales samples of 2 and 4 bits."""
    factor = {"L;2": 85, "L;4": 17}.get(_raw_mode(image), 1)
    if image.format == "PNG" and "transparency" in image.info and factor > 1:
        image.info["transparency"] *= factor


def _correct_planes(image: Image.Image) -> None:
    """Tells Pillow that samples have 16 bits in an opened TIFF with a plane for each colour."""
    tags: Any = getattr(image, "tag_v2", {})
    if tags.get(_PLANES) == _SEPARATE and tags.get(_BITS, (1,))[0] == 16:
        ending = ";16L" if tags.prefix == b"II" else ";16B"
        tiles: list[Any] = vars(image)["tile"]
        tiles[:] = [
            tile._replace(args=(tile.args[0] + ending, *tile.args[1:])) if tile.codec_name == "raw" else tile
            for tile in tiles
        ]


def _load_low_bytes(image: Image.Image) -> Image.Image:
    """Loads the lower bytes of samples instead of the upper ones, by declaring them little-endian."""
    tiles: list[Any] = vars(image)["tile"]
    tiles[:] = [tile._replace(args=tile.args.replace("16B", "16L")) for tile in tiles]
    image.load()
    return image


def _raw_mode(image: Image.Image) -> str:
    tiles = getattr(image, "tile", [])
    arguments = tiles[0].args if tiles else ""
    return arguments if isinstance(arguments, str) else ""


def _frame_mask(image: Image.Image) -> NDArray[np.uint8] | None:
    """Returns the alpha, uint8[H, W], that an opened GIF has by the place of its frame; None if it is opaque.

    Browsers leave what the frame does not cover transparent, while Pillow fills it with any colour.
    """
    tiles = getattr(image, "tile", []) if image.format == "GIF" else []
    if not tiles or tiles[0].extents == (0, 0, *image.size):
        return None
    left, top, right, bottom = tiles[0].extents
    mask = np.zeros((image.height, image.width), np.uint8)
    mask[top:bottom, left:right] = 255
    return mask


def _read_samples(image: Image.Image, raw_mode: str, low_bytes: Image.Image | None) -> Samples:
    """Returns the colours and transparency of a loaded picture.

    Args:
        image: the picture.
        raw_mode: Pillow's name for the samples in its file; empty if unknown.
        low_bytes: the lower bytes of its 16-bit RGB samples, if they are wanted.
    """
    key = image.info.get("transparency")
    if image.mode in ("I", "F") or image.mode.startswith("I;16") or (image.mode == "L" and _is_signed(image)):
        return _of_one_wide_channel(image, key)
    if low_bytes is not None:
        return _of_wide_rgb(image, low_bytes, key)
    if image.mode == "1":
        image = image.convert("L")
    if image.mode in ("L", "RGB") and key is not None:
        return Samples(_without_key(image), _opaque_but(np.asarray(image), key))
    if image.has_transparency_data:
        grey = image.mode in ("La", "LA") or raw_mode == "LA;16B"
        image = image.convert("LA" if grey else "RGBA")
        return Samples(image.convert("L" if grey else "RGB"), np.asarray(image.getchannel("A")))
    return Samples(image if image.mode in ("L", "CMYK", "LAB") else image.convert("RGB"), None)


def _is_signed(image: Image.Image) -> bool:
    return bool(getattr(image, "tag_v2", {}).get(_SAMPLE_FORMAT, (1,))[0] == _SIGNED)


def _without_key(image: Image.Image) -> Image.Image:
    """Returns a copy without the transparent colour, which Pillow would otherwise convert as well."""
    plain = image.copy()
    del plain.info["transparency"]
    return plain


def _opaque_but(values: NDArray[np.generic], key: object) -> NDArray[np.uint8]:
    """Returns the alpha of a picture whose pixels of the value `key` are transparent.

    `values` is [H, W] for grey, [H, W, 3] for RGB.
    """
    differs = values != np.array(key)
    return np.where(differs.any(-1) if values.ndim == 3 else differs, 255, 0).astype(np.uint8)


def _of_wide_rgb(image: Image.Image, low_bytes: Image.Image, key: object) -> Samples:
    high, low = np.asarray(image), np.asarray(low_bytes)
    values = high[..., :3].astype(np.uint16) << 8 | low[..., :3]
    alpha = None if key is None else _opaque_but(values, key)
    return Samples(values.astype(np.float32) / 65535, high[..., 3] if high.shape[2] == 4 else alpha)


def _of_one_wide_channel(image: Image.Image, key: object) -> Samples:
    """Reads grey samples that are signed, floating-point, or of 12 to 32 bits.

    Unsigned samples of up to 16 bits are scaled by the range of their type. Signed, 32-bit and floating-point
    samples rarely use that range: floating-point ones within [0, 1] are taken as they are, all others are
    stretched from the least to the greatest, with a note.
    """
    tags = getattr(image, "tag_v2", {})
    bits, kind = tags.get(_BITS, (16,))[0], tags.get(_SAMPLE_FORMAT, (1,))[0]
    values = np.asarray(image)
    alpha = None if key is None else _opaque_but(values, key)
    if kind == _SIGNED and bits == 8:
        values = values.view(np.int8)
    if bits == 32 and image.mode == "I" and kind != _SIGNED:
        values = values.view(np.uint32)
    if bits <= 16 and image.mode != "F" and kind != _SIGNED:
        grey, note = (values.astype(np.float32) / (2**bits - 1)).clip(0, 1), ""
    else:
        grey, note = _over_their_range(values.astype(np.float32), image.mode == "F")
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_LEAST:
        grey = 1 - grey
    return Samples(grey[..., None], alpha, note)


def _over_their_range(values: NDArray[np.float32], fractions: bool) -> tuple[NDArray[np.float32], str]:
    """Stretches values to [0, 1], with a note that says so; `fractions` within [0, 1] stay as they are."""
    finite = np.isfinite(values)
    notes = [] if finite.all() else ["samples that are no finite number are shown black"]
    low, high = (
        float(values.min(where=finite, initial=np.inf)),
        float(values.max(where=finite, initial=-np.inf)),
    )
    if low < high and not (fractions and low >= 0 and high <= 1):
        notes.append(f"samples from {low:g} to {high:g} are shown as black to white")
        values = (values - low) / (high - low)
    return np.where(finite, values.clip(0, 1), 0).astype(np.float32), "; ".join(notes)
