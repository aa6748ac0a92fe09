"""The parts of an `.anir` file, to be changed and put together again with a header whose checksum is right.

Unlike the project's reader and writer, this takes and writes any numbers (docs/format.md, "Header").
"""

from dataclasses import dataclass, field
from typing import Self

from anir_runtime.anir_header import MAGIC


@dataclass
class LevelEntry:
    """A level in the header: index of depth and width, bytes, PSNR, gains."""

    index: int
    length: int
    psnr: int = 100
    gains: int = 0


@dataclass
class AnirParts:
    """What a file's bytes are made of.

    Attributes:
        version: the format's version.
        kind: family, bits, pitch and channels.
        size: width and height.
        depths: depths of subnets.
        widths: widths of subnets.
        levels: entries of levels.
        stream: what follows the header.
        counts: numbers of levels, depths and widths, if they are to be other than those.
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
        """The parts of a file. Raises IndexError or ValueError if the bytes are no header."""
        if not data.startswith(MAGIC):
            raise ValueError("no .anir file")
        at = 6

        def number() -> int:
            nonlocal at
            value = shift = 0
            while True:
                byte = data[at]
                value |= (byte & 127) << shift
                at, shift = at + 1, shift + 7
                if byte < 128:
                    return value

        def byte() -> int:
            nonlocal at
            at += 1
            return data[at - 1]

        size = [number(), number()]
        counts = [number(), number(), number()]
        if max(counts) > 1000:
            raise ValueError("too many levels to look at")
        depths, widths = ([number() for _ in range(count)] for count in counts[1:])
        levels = [LevelEntry(byte(), number(), byte(), byte()) for _ in range(counts[0])]
        return cls(data[4], data[5], size, depths, widths, levels, data[at + 2 :])

    def ends(self) -> list[int]:
        """Where each level of the stream ends."""
        result = [0]
        for level in self.levels:
            result.append(result[-1] + level.length)
        return result[1:]

    def data(self) -> bytes:
        """The file."""
        counts = self.counts or [len(self.levels), len(self.depths), len(self.widths)]
        head = bytearray(MAGIC + bytes([self.version & 255, self.kind & 255]))
        for number in (*self.size, *counts, *self.depths, *self.widths):
            head += varint(number)
        for level in self.levels:
            head.append(level.index & 255)
            head += varint(level.length) + bytes([level.psnr & 255, level.gains & 255])
        low = high = 0
        for byte in head:
            low = (low + byte) % 255
            high = (high + low) % 255
        return bytes(head) + bytes([low, high]) + self.stream


def varint(number: int) -> bytes:
    """A number, seven bits to a byte, the lowest first, with the top bit where more follow."""
    parts = bytearray()
    while number >= 128:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])
