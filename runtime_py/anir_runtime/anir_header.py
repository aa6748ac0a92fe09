"""The header of an `.anir` file: size, family, and each level's end and PSNR (docs/format.md, "Header")."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from anir_runtime.errors import AnirError
from anir_runtime.exp_golomb import BitReader, damaged, folded, golomb, packed
from anir_runtime.families import families
from anir_runtime.onnx_reader import COLOURS, LONGEST_SIDE, MOST_CHANNELS, MOST_LAYERS, MOST_PIXELS

MAGIC = b"\x89ani"
VERSION = 2
FAMILIES = ("siren", "fourier", "gabor", "lapped")
"""Families in the order of their numbers in the header. These have three bits; new families come last."""
MOST_LEVELS = 16
RATES = (30, 40, 50, 70, 100, 125, 150, 180, 250, 350, 420, 500, 750, 1000, 1250, 1500)
"""Thousandths of a bit per pixel of the file up to the end of each level, if `lapped` has sixteen levels."""
_PREDICTED_START = 64
"""Bytes before the first level, in the prediction of its length."""
_MOST_BYTES = 1 << 30
_PSNR_STEP = 0.25
"""Unit, in dB, of a level's PSNR."""
_GAIN_STEP = 0.5
"""Unit, in dB, of a level's gains in PSNR from full to half size, and from half to quarter size."""
_REMEDY = (
    "an earlier anir made it: fit the picture again (anir-train photo.jpg -o photo.anir), "
    "or export it again from its model.pt (anir-export model.pt -o photo.anir)"
)
"""What to do about a file of format 1."""
MAX_STORED_PSNR = 255 * _PSNR_STEP
"""Highest PSNR in dB that a header can store; higher ones are stored as this."""
_SIZE_ORDER, _COUNT_ORDER, _DEPTH_ORDER, _WIDTH_ORDER = 9, 2, 1, 4
"""Orders of the Exp-Golomb codes of sizes, counts, depths and widths."""
_LENGTH_ORDER, _ERROR_ORDER = 10, 5
"""Orders of the codes of lengths that are not predicted, and of the differences to lengths that are."""
_FIRST_QUALITY = (100, 2, 3)
"""Prediction of the first level's PSNR and gains, in units; each later level is predicted by the previous."""
_QUALITY_ORDERS = (2, 0, 0)
"""Orders of the Exp-Golomb codes of the differences to these predictions."""


@dataclass(frozen=True)
class Level:
    """A level of the file: one subnet, which the file's first `end` bytes hold.

    Attributes:
        depth: number of layers.
        channels: channels of each layer.
        end: bytes of the file up to the level's end.
        psnr: PSNR in dB at full, half and quarter size, rounded to the header's units.
    """

    depth: int
    channels: int
    end: int
    psnr: tuple[float, float, float]

    @property
    def name(self) -> str:
        """The subnet's name, such as `d3w64`."""
        return f"d{self.depth}w{self.channels}"


@dataclass(frozen=True)
class Header:
    """The header of an `.anir` file.

    Attributes:
        family: family of the networks, one of FAMILIES.
        size: native (width, height) of the picture in pixels.
        colours: number of colour channels: 1 for grey, 3 for RGB, 4 for RGB and alpha.
        bits: bits of a hidden weight, 4 or 8.
        pitch: pixels from one cell of the lapped transform to the next, 16 or 32; 16 without a transform.
        levels: the levels, from the smallest to the largest.
        start: length of the header in bytes, which is where the stream begins.
    """

    family: str
    size: tuple[int, int]
    colours: int
    bits: int
    pitch: int
    levels: tuple[Level, ...]
    start: int

    @property
    def cells(self) -> tuple[int, int]:
        """Numbers of columns and rows of cells; the last ones may extend beyond the picture."""
        width, height = self.size
        return -(-width // self.pitch), -(-height // self.pitch)

    @property
    def has_latents(self) -> bool:
        """Whether the file stores coefficients of a lapped transform besides its networks."""
        return families()[self.family].has_latents


def family_number(family: str) -> int:
    """Returns a family's number in headers. Raises AnirError if it has none."""
    if family not in FAMILIES:
        raise AnirError(f"{family} networks cannot be written to .anir files, where they have no number yet")
    return FAMILIES.index(family)


def check_count(levels: int) -> None:
    """Raises AnirError if a file cannot have that many levels."""
    if levels > MOST_LEVELS:
        raise AnirError(
            f"an .anir file holds at most {MOST_LEVELS} subnets, not {levels}; take fewer depths or widths"
        )


def _predicted(family: int, count: int, size: tuple[int, int]) -> Sequence[int | None]:
    """Returns the bytes that each level has by the standard rates, or None if it is not predicted."""
    if count != len(RATES) or family != FAMILIES.index("lapped"):
        return [None] * count
    ends = [_PREDICTED_START, *(rate * math.prod(size) // 8000 for rate in RATES)]
    return [end - start for start, end in pairwise(ends)]


def write_header(header: Header) -> bytes:
    """Returns the header's bytes. If `start` is 0, the levels' ends count from the stream's first byte.

    Raises AnirError if the family has no number in headers, or there are too many levels.
    """
    number = family_number(header.family)
    check_count(len(header.levels))
    flags = number & 3 | (header.bits == 8) << 2 | (header.pitch == 32) << 3 | number >> 2 << 7
    flags |= COLOURS.index(header.colours) << 4
    depths = sorted({level.depth for level in header.levels})
    widths = sorted({level.channels for level in header.levels})
    named = [(level.depth, level.channels) for level in header.levels]
    is_grid = named == [(depth, width) for width in widths for depth in depths]
    code = "".join(golomb(number - 1, _SIZE_ORDER) for number in header.size)
    code += _ascending(depths, 2, _DEPTH_ORDER) + _ascending(widths, 1, _WIDTH_ORDER)
    code += "" if is_grid else golomb(len(header.levels) - 1, _COUNT_ORDER)
    before, known = header.start, _FIRST_QUALITY
    predicted = _predicted(number, len(header.levels), header.size)
    for level, expected in zip(header.levels, predicted, strict=True):
        if not is_grid:
            code += f"{depths.index(level.depth):04b}{widths.index(level.channels):04b}"
        quality = _in_units(level.psnr)
        code += _length_code(level.end - before, expected)
        for own, last, order in zip(quality, known, _QUALITY_ORDERS, strict=True):
            code += golomb(folded(own - last), order)
        before, known = level.end, quality
    data = MAGIC + bytes([VERSION, flags | is_grid << 6]) + packed(code)
    return data + _checksum(data)


def _length_code(length: int, predicted: int | None) -> str:
    if predicted is None:
        return golomb(length - 1, _LENGTH_ORDER)
    return golomb(folded(length - predicted), _ERROR_ORDER)


def _in_units(psnr: tuple[float, float, float]) -> tuple[int, int, int]:
    """Returns a level's PSNR and its gains at half and quarter size, in the header's units."""
    full, half, quarter = psnr
    first, second = (min(max(round(gain / _GAIN_STEP), 0), 15) for gain in (half - full, quarter - half))
    return min(max(round(full / _PSNR_STEP), 0), 255), first, second


def _ascending(numbers: Sequence[int], least: int, order: int) -> str:
    """Returns the bits of how many numbers there are, and of these, which ascend strictly from `least` on."""
    code = golomb(len(numbers) - 1, _COUNT_ORDER)
    for number in numbers:
        code += golomb(number - least, order)
        least = number + 1
    return code


def read_header(data: bytes) -> Header:
    """Parses the header at the beginning of `data`; levels' ends count from the file's first byte.

    Raises:
        IncompleteError: if the data end within the header.
        AnirError: if there is no header, or it is damaged, of another version, or beyond the limits.
    """
    if not data.startswith(MAGIC[: len(data)]):
        raise AnirError("not an .anir file")
    reader = BitReader(data, len(MAGIC))
    if (version := reader.bits(8)) != VERSION:
        raise _other_version(version)
    flags, (width, height) = reader.bits(8), (reader.golomb(_SIZE_ORDER) + 1 for _ in range(2))
    family = flags & 3 | flags >> 7 << 2
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise AnirError(f"says that its picture is {width}x{height}, which is out of range")
    colours, is_grid = flags >> 4 & 3, flags >> 6 & 1
    if colours >= len(COLOURS):
        raise damaged()
    depths = _read_ascending(reader, 2, _DEPTH_ORDER)
    widths = _read_ascending(reader, 1, _WIDTH_ORDER)
    if depths[-1] > MOST_LAYERS or widths[-1] > MOST_CHANNELS:
        raise AnirError(f"has a subnet of more than {MOST_LAYERS} layers of {MOST_CHANNELS} channels")
    count = len(depths) * len(widths) if is_grid else reader.golomb(_COUNT_ORDER) + 1
    if count > MOST_LEVELS:
        raise damaged()
    predicted = _predicted(family, count, (width, height))
    parts, quality = [], list(_FIRST_QUALITY)
    for level in range(count):
        grid = level % len(depths), level // len(depths)
        deep, wide = grid if is_grid else (reader.bits(4), reader.bits(4))
        length = _read_length(reader, predicted[level])
        for i, order in enumerate(_QUALITY_ORDERS):
            quality[i] += reader.signed(order)
        parts.append((deep, wide, length, *quality))
    # Each byte is compared once it is there, so that damage is found as early as possible.
    if any(byte != reader.take(1)[0] for byte in _checksum(data[: reader.position()])):
        raise damaged()
    name = _family_of(family)
    levels, end = [], reader.position()
    for deep, wide, length, psnr, first, second in parts:
        end += length
        if length < 1 or end > _MOST_BYTES or deep >= len(depths) or wide >= len(widths):
            raise damaged()
        if not (0 <= psnr <= 255 and 0 <= first <= 15 and 0 <= second <= 15):
            raise damaged()
        full = psnr * _PSNR_STEP
        half = full + first * _GAIN_STEP
        levels.append(Level(depths[deep], widths[wide], end, (full, half, half + second * _GAIN_STEP)))
    bits, pitch = 8 if flags & 4 else 4, 32 if flags & 8 else 16
    return Header(name, (width, height), COLOURS[colours], bits, pitch, tuple(levels), reader.position())


def _other_version(version: int) -> AnirError:
    remedy = _REMEDY if version == 1 else "update anir"
    return AnirError(f".anir format {version}, this anir reads {VERSION}; {remedy}")


def _family_of(number: int) -> str:
    if number >= len(FAMILIES):
        raise AnirError(f"has networks of family number {number}, which this anir does not know; update anir")
    return FAMILIES[number]


def _read_length(reader: BitReader, predicted: int | None) -> int:
    """Inverts `_length_code`. The length may be less than 1 in a damaged header."""
    if predicted is None:
        return reader.golomb(_LENGTH_ORDER) + 1
    return predicted + reader.signed(_ERROR_ORDER)


def _read_ascending(reader: BitReader, least: int, order: int) -> list[int]:
    """Inverts `_ascending`. Raises AnirError if there are more than 16 numbers."""
    count = reader.golomb(_COUNT_ORDER) + 1
    if count > MOST_LEVELS:
        raise damaged()
    result = list[int]()
    for _ in range(count):
        result.append(least + reader.golomb(order))
        least = result[-1] + 1
    return result


def _checksum(data: bytes) -> bytes:
    """Returns the Fletcher checksum of two bytes (RFC 1146's 8-bit form, modulo 255)."""
    low = high = 0
    for byte in data:
        low = (low + byte) % 255
        high = (high + low) % 255
    return bytes([low, high])
