"""The header of an `.anir` file: size, family, and where each level ends (docs/format.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

from anir_runtime.errors import AnirError
from anir_runtime.exp_golomb import BitReader, folded, golomb, packed
from anir_runtime.families import families
from anir_runtime.onnx_reader import COLOURS, LONGEST_SIDE, MOST_CHANNELS, MOST_LAYERS, MOST_PIXELS

MAGIC = b"\x89ani"
VERSION = 1
FAMILIES = ("siren", "fourier", "gabor", "lapped")
"""By their number in the header, of which three bits are kept: new ones come last."""
MOST_LEVELS = 16
_MOST_BYTES = 1 << 30
_PSNR_STEP, _GAIN_STEP = 0.25, 0.5
"""Decibels of a unit: of a level's PSNR, and of what it gains at half and again at a quarter of the size."""
MAX_TOLD_PSNR = 255 * _PSNR_STEP
"""Highest PSNR in dB that a header can tell, which also stands for all that is beyond."""
_SIZE_ORDER, _COUNT_ORDER, _DEPTH_ORDER, _WIDTH_ORDER, _LENGTH_ORDER = 9, 2, 1, 4, 10
"""Orders of the Exp-Golomb codes of sizes, counts, depths, widths and lengths."""
_FIRST, _QUALITY_ORDERS = (100, 2, 3), (2, 0, 0)
"""A PSNR and two gains in their units, to which the first level's are told as differences; their orders."""


@dataclass(frozen=True)
class Level:
    """A prefix of the file that holds one subnet.

    Attributes:
        depth: number of layers.
        channels: channels of each layer.
        end: bytes of the file up to the level's end.
        psnr: in dB, at full, half and quarter size, rounded.
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
    """What the first bytes of a file tell.

    Attributes:
        family: of the networks, one of FAMILIES.
        size: native (width, height) of the picture in pixels.
        colours: colour channels: 1 for grey, 3 for RGB, 4 for RGB and alpha.
        bits: bits of a hidden weight, 4 or 8.
        pitch: of a lapped transform, pixels from one cell to the next, 16 or 32; 16 if there is none.
        levels: from the smallest to the largest.
        start: bytes of the header: where the stream begins.
    """

    family: str
    size: tuple[int, int]
    colours: int
    bits: int
    pitch: int
    levels: tuple[Level, ...]
    start: int

    @property
    def has_latents(self) -> bool:
        """Whether the picture is stored as coefficients of a lapped transform, beside its networks."""
        return families()[self.family].has_latents


def family_number(family: str) -> int:
    """The number of a family in headers. Raises AnirError if it has none."""
    if family not in FAMILIES:
        raise AnirError(f"{family} networks cannot be written to .anir files, where they have no number yet")
    return FAMILIES.index(family)


def write_header(header: Header) -> bytes:
    """The header's bytes. If `start` is 0, levels' ends count from the stream's first byte.

    Raises AnirError if the family has no number in headers.
    """
    number = family_number(header.family)
    flags = number & 3 | (header.bits == 8) << 2 | (header.pitch == 32) << 3 | number >> 2 << 7
    flags |= COLOURS.index(header.colours) << 4
    depths = sorted({level.depth for level in header.levels})
    widths = sorted({level.channels for level in header.levels})
    named = [(level.depth, level.channels) for level in header.levels]
    is_grid = named == [(depth, width) for width in widths for depth in depths]
    code = "".join(golomb(number - 1, _SIZE_ORDER) for number in header.size)
    code += _ascending(depths, 2, _DEPTH_ORDER) + _ascending(widths, 1, _WIDTH_ORDER)
    code += "" if is_grid else golomb(len(header.levels) - 1, _COUNT_ORDER)
    before, known = header.start, _FIRST
    for level in header.levels:
        if not is_grid:
            code += f"{depths.index(level.depth):04b}{widths.index(level.channels):04b}"
        quality = _in_units(level.psnr)
        code += golomb(level.end - before - 1, _LENGTH_ORDER)
        for own, last, order in zip(quality, known, _QUALITY_ORDERS, strict=True):
            code += golomb(folded(own - last), order)
        before, known = level.end, quality
    data = MAGIC + bytes([VERSION, flags | is_grid << 6]) + packed(code)
    return data + _checksum(data)


def _in_units(psnr: tuple[float, float, float]) -> tuple[int, int, int]:
    """A level's PSNR and its gains at smaller sizes, in the header's units."""
    full, half, quarter = psnr
    first, second = (min(max(round(gain / _GAIN_STEP), 0), 15) for gain in (half - full, quarter - half))
    return min(max(round(full / _PSNR_STEP), 0), 255), first, second


def _ascending(numbers: Sequence[int], least: int, order: int) -> str:
    """Bits of how many numbers there are, and of these, which ascend from `least` on at the earliest."""
    code = golomb(len(numbers) - 1, _COUNT_ORDER)
    for number in numbers:
        code += golomb(number - least, order)
        least = number + 1
    return code


def read_header(data: bytes) -> Header:
    """The header that the data begin with, where ends count from the file's first byte.

    Raises IncompleteError if there are not enough data, and AnirError if this is no header in bounds.
    """
    if not data.startswith(MAGIC[: len(data)]):
        raise AnirError("not an .anir file")
    reader = BitReader(data, len(MAGIC))
    if (version := reader.bits(8)) != VERSION:
        raise AnirError(f".anir format {version}, this anir reads {VERSION}; update anir")
    flags, (width, height) = reader.bits(8), (reader.golomb(_SIZE_ORDER) + 1 for _ in range(2))
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise AnirError(f"says that its picture is {width}x{height}, which is out of range")
    colours, is_grid = flags >> 4 & 3, flags >> 6 & 1
    if colours >= len(COLOURS):
        raise _damaged()
    depths = _read_ascending(reader, 2, _DEPTH_ORDER)
    widths = _read_ascending(reader, 1, _WIDTH_ORDER)
    if depths[-1] > MOST_LAYERS or widths[-1] > MOST_CHANNELS:
        raise AnirError(f"has a subnet of more than {MOST_LAYERS} layers of {MOST_CHANNELS} channels")
    count = len(depths) * len(widths) if is_grid else reader.golomb(_COUNT_ORDER) + 1
    if count > MOST_LEVELS:
        raise _damaged()
    parts, quality = [], list(_FIRST)
    for level in range(count):
        grid = level % len(depths), level // len(depths)
        deep, wide = grid if is_grid else (reader.bits(4), reader.bits(4))
        length = reader.golomb(_LENGTH_ORDER) + 1
        for i, order in enumerate(_QUALITY_ORDERS):
            quality[i] += reader.signed(order)
        parts.append((deep, wide, length, *quality))
    checked = reader.position()
    if _checksum(data[:checked]) != reader.take(2):
        raise _damaged()
    family = _family_of(flags)
    levels, end = [], reader.position()
    for deep, wide, length, psnr, first, second in parts:
        end += length
        if end > _MOST_BYTES or deep >= len(depths) or wide >= len(widths):
            raise _damaged()
        if not (0 <= psnr <= 255 and 0 <= first <= 15 and 0 <= second <= 15):
            raise _damaged()
        full = psnr * _PSNR_STEP
        half = full + first * _GAIN_STEP
        levels.append(Level(depths[deep], widths[wide], end, (full, half, half + second * _GAIN_STEP)))
    bits, pitch = 8 if flags & 4 else 4, 32 if flags & 8 else 16
    return Header(family, (width, height), COLOURS[colours], bits, pitch, tuple(levels), reader.position())


def _family_of(flags: int) -> str:
    number = flags & 3 | flags >> 7 << 2
    if number >= len(FAMILIES):
        raise AnirError(f"has networks of family number {number}, which this anir does not know; update anir")
    return FAMILIES[number]


def _read_ascending(reader: BitReader, least: int, order: int) -> list[int]:
    """The inverse of `_ascending`. Raises AnirError if there are more than 16."""
    count = reader.golomb(_COUNT_ORDER) + 1
    if count > MOST_LEVELS:
        raise _damaged()
    result = list[int]()
    for _ in range(count):
        result.append(least + reader.golomb(order))
        least = result[-1] + 1
    return result


def _damaged() -> AnirError:
    return AnirError("its header is damaged")


def _checksum(data: bytes) -> bytes:
    """The 16-bit Fletcher checksum (RFC 1146's 8-bit form, modulo 255)."""
    low = high = 0
    for byte in data:
        low = (low + byte) % 255
        high = (high + low) % 255
    return bytes([low, high])
