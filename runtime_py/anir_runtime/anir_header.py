"""The header of an `.anir` file: size, family, and where each level ends (docs/format.md)."""

from dataclasses import dataclass

from anir_runtime.errors import AnirError
from anir_runtime.onnx_reader import COLOURS, LONGEST_SIDE, MOST_CHANNELS, MOST_LAYERS, MOST_PIXELS

MAGIC = b"\x89ani"
VERSION = 1
FAMILIES = ("siren", "fourier", "gabor", "lapped")
MOST_LEVELS = 16
_MOST_BYTES = 1 << 30
_PSNR_STEP, _GAIN_STEP = 0.25, 0.5
"""Decibels of a unit: of a level's PSNR, and of what it gains at half and again at a quarter of the size."""
MAX_TOLD_PSNR = 255 * _PSNR_STEP
"""Highest PSNR in dB that a header can tell, which also stands for all that is beyond."""


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
        family: "siren", "fourier", "gabor" or "lapped".
        size: native (width, height) of the picture in pixels.
        colours: colour channels: 1 for grey, 3 for RGB, 4 for RGB and alpha.
        bits: bits of a hidden weight, 4 or 8.
        pitch: of `lapped`, pixels from one cell to the next, 16 or 32; 16 otherwise.
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


class IncompleteError(AnirError):
    """The file ends within its header."""


def write_header(header: Header) -> bytes:
    """The header's bytes. If `start` is 0, levels' ends count from the stream's first byte."""
    kind = FAMILIES.index(header.family) | (header.bits == 8) << 2 | (header.pitch == 32) << 3
    kind |= COLOURS.index(header.colours) << 4
    depths = sorted({level.depth for level in header.levels})
    widths = sorted({level.channels for level in header.levels})
    named = [(level.depth, level.channels) for level in header.levels]
    is_grid = named == [(depth, width) for width in widths for depth in depths]
    data = bytearray(MAGIC + bytes([VERSION, kind | is_grid << 6]))
    for number in (*header.size, len(header.levels), len(depths), len(widths), *depths, *widths):
        data += _varint(number)
    before = header.start
    for level in header.levels:
        if not is_grid:
            data.append(depths.index(level.depth) << 4 | widths.index(level.channels))
        data += _varint(level.end - before)
        full, half, quarter = level.psnr
        gains = (min(max(round(gain / _GAIN_STEP), 0), 15) for gain in (half - full, quarter - half))
        data += bytes([min(max(round(full / _PSNR_STEP), 0), 255), next(gains) << 4 | next(gains)])
        before = level.end
    return bytes(data) + _checksum(data)


def read_header(data: bytes) -> Header:
    """The header that the data begin with, where ends count from the file's first byte.

    Raises IncompleteError if there are not enough data, and AnirError if this is no header in bounds.
    """
    if not data.startswith(MAGIC[: len(data)]):
        raise AnirError("not an .anir file")
    reader = _Bytes(data, len(MAGIC))
    if (version := reader.byte()) != VERSION:
        raise AnirError(f".anir format {version}, this anir reads {VERSION}; update anir")
    kind, width, height = reader.byte(), reader.varint(), reader.varint()
    if min(width, height) < 1 or max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise AnirError(f"says that its picture is {width}x{height}, which is out of range")
    count, deep, wide = reader.varint(), reader.varint(), reader.varint()
    colours, is_grid = kind >> 4 & 3, kind >> 6
    if (
        not all(1 <= number <= MOST_LEVELS for number in (count, deep, wide))
        or colours >= len(COLOURS)
        or is_grid > 1
        or (is_grid and count != deep * wide)
    ):
        raise AnirError("its header is damaged")
    depths = [reader.varint() for _ in range(deep)]
    widths = [reader.varint() for _ in range(wide)]
    if any(not 2 <= n <= MOST_LAYERS for n in depths) or any(not 1 <= n <= MOST_CHANNELS for n in widths):
        raise AnirError(f"has a subnet of more than {MOST_LAYERS} layers of {MOST_CHANNELS} channels")
    parts = []
    for level in range(count):
        index = level % deep << 4 | level // deep if is_grid else reader.byte()
        parts.append((index, reader.varint(), reader.byte(), reader.byte()))
    if _checksum(data[: reader.at]) != reader.take(2):
        raise AnirError("its header is damaged")
    levels, end = [], reader.at
    for index, length, psnr, gains in parts:
        end += length
        if not length or end > _MOST_BYTES or index >> 4 >= deep or index & 15 >= wide:
            raise AnirError("its header is damaged")
        full = psnr * _PSNR_STEP
        half = full + (gains >> 4) * _GAIN_STEP
        quarter = half + (gains & 15) * _GAIN_STEP
        levels.append(Level(depths[index >> 4], widths[index & 15], end, (full, half, quarter)))
    bits, pitch = 8 if kind & 4 else 4, 32 if kind & 8 else 16
    return Header(
        FAMILIES[kind & 3], (width, height), COLOURS[colours], bits, pitch, tuple(levels), reader.at
    )


class _Bytes:
    """Numbers from bytes, one after the other."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self.at = data, at

    def take(self, count: int) -> bytes:
        """The next bytes. Raises IncompleteError if there are not as many."""
        if self.at + count > len(self._data):
            raise IncompleteError("ends within its header")
        self.at += count
        return self._data[self.at - count : self.at]

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def varint(self) -> int:
        """A number below 2^28, seven bits to a byte, the lowest first, with the top bit where more follow."""
        result = 0
        for shift in (0, 7, 14, 21):
            byte = self.byte()
            result |= (byte & 127) << shift
            if byte < 128:
                return result
        raise AnirError("its header is damaged")


def _varint(number: int) -> bytes:
    parts = []
    while number >= 128:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def _checksum(data: bytes | bytearray) -> bytes:
    """The 16-bit Fletcher checksum (RFC 1146's 8-bit form, modulo 255)."""
    low = high = 0
    for byte in data:
        low = (low + byte) % 255
        high = (high + low) % 255
    return bytes([low, high])
