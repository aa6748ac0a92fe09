"""Splits an `.anir` file into parts, which can be changed and joined again under a valid checksum.

Unlike the project's reader and writer, it accepts numbers that are out of range (docs/format.md, "Header").
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

from anir_runtime.anir_header import MAGIC
from anir_runtime.exp_golomb import BitReader, folded, golomb, packed

_RATES = 30, 40, 50, 70, 100, 125, 150, 180, 250, 350, 420, 500, 750, 1000, 1250, 1500
"""Thousandths of a bit per pixel that predict the lengths of sixteen levels of `lapped`."""
_GRID = 64
"""Bit of `kind` that is set if the levels are all subnets in order, so that they have no index."""


@dataclass
class LevelEntry:
    """A level's entry in the header.

    Attributes:
        index: indices of depth (upper four bits) and width (lower four bits).
        length: bytes of the level.
        psnr: PSNR, in units of the header.
        gains: gain of PSNR at half of the size, and again at a quarter, in units of the header.
    """

    index: int
    length: int
    psnr: int = 100
    gains: tuple[int, int] = (0, 0)


@dataclass
class AnirParts:
    """The parts of an `.anir` file.

    Attributes:
        version: version of the format.
        kind: byte with family, bits, pitch and channels.
        size: width and height in pixels.
        depths: depths of subnets.
        widths: widths of subnets.
        levels: entries of levels.
        stream: bytes after the header.
        counts: numbers of levels, depths and widths to declare instead of the true ones.
    """

    version: int
    kind: int
    size: list[int]
    depths: list[int]
    widths: list[int]
    levels: list[LevelEntry]
    stream: bytes
    counts: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Returns the parts of a file. Raises AnirError or ValueError if the header cannot be read."""
        if not data.startswith(MAGIC) or len(data) < 6:
            raise ValueError("no .anir file")
        reader = BitReader(data, 6)

        def ascending(least: int, order: int) -> list[int]:
            result = [least - 1]
            for _ in range(min(reader.golomb(2) + 1, 1000)):
                result.append(result[-1] + 1 + reader.golomb(order))
            return result[1:]

        size = [reader.golomb(9) + 1, reader.golomb(9) + 1]
        depths, widths = ascending(2, 1), ascending(1, 4)
        is_grid, deep = data[5] & _GRID, len(depths)
        count = deep * len(widths) if is_grid else reader.golomb(2) + 1
        predicted = _predicted(data[5], count, size)
        levels, psnr, gains = list[LevelEntry](), 100, (2, 3)
        for k in range(min(count, 1000)):
            index = k % deep << 4 | k // deep if is_grid else reader.bits(8)
            length = reader.signed(5) + predicted[k] if predicted else reader.golomb(10) + 1
            psnr += reader.signed(2)
            gains = gains[0] + reader.signed(0), gains[1] + reader.signed(0)
            levels.append(LevelEntry(index, length, psnr, gains))
        start = reader.position() + 2
        return cls(data[4], data[5] & ~_GRID, size, depths, widths, levels, data[start:])

    def ends(self) -> list[int]:
        """Returns the end of each level in the stream."""
        result = [0]
        for level in self.levels:
            result.append(result[-1] + level.length)
        return result[1:]

    def data(self) -> bytes:
        """Returns the file's bytes, with each level's indices of depth and width unless `kind` omits them."""
        count, deep, wide = self.counts or (len(self.levels), len(self.depths), len(self.widths))
        code = "".join(_number(number - 1, 9) for number in self.size)
        for many, numbers, least, order in ((deep, self.depths, 2, 1), (wide, self.widths, 1, 4)):
            code += _number(many - 1, 2)
            for number, before in zip(numbers, [least - 1, *numbers], strict=False):
                code += _number(number - before - 1, order)
        has_index = not self.kind & _GRID
        code += _number(count - 1, 2) if has_index else ""
        psnr, gains = 100, (2, 3)
        predicted = _predicted(self.kind, count, self.size)
        for k, level in enumerate(self.levels):
            code += f"{level.index & 255:08b}" if has_index else ""
            if predicted and k < len(predicted):
                code += golomb(folded(level.length - predicted[k]), 5)
            else:
                code += _number(level.length - 1, 10)
            code += golomb(folded(level.psnr - psnr), 2)
            code += "".join(golomb(folded(own - k), 0) for own, k in zip(level.gains, gains, strict=True))
            psnr, gains = level.psnr, level.gains
        head = MAGIC + bytes([self.version & 255, self.kind & 255]) + packed(code)
        low = high = 0
        for byte in head:
            low = (low + byte) % 255
            high = (high + low) % 255
        return head + bytes([low, high]) + self.stream


def _predicted(kind: int, count: int, size: list[int]) -> list[int]:
    """Returns the predicted bytes of each level; none if they are not predicted."""
    if kind & 0x83 != 3 or count != len(_RATES):
        return []
    ends = [64, *(rate * size[0] * size[1] // 8000 for rate in _RATES)]
    return [end - start for start, end in pairwise(ends)]


def _number(number: int, order: int) -> str:
    """Returns the code of a number, or that of 0 if it is negative, as negative numbers have none."""
    return golomb(max(0, number), order)
