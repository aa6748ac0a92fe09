"""Strips of large pictures, and which bytes of a stream are whose (docs/format.md, "Strips")."""

from collections.abc import Sequence
from itertools import pairwise

from anir_runtime.anir_header import Header

BLOCK = 8
"""Cells along a side of a block, whose means are coded as cosines: strips are whole rows of blocks."""
_PIXELS, _MOST = 1 << 20, 32
"""Pixels of a strip, at least, and strips of a picture at most."""
_LENGTH, _STEP = 3, 3
"""Bytes that tell a segment's length; those of the first segment that tell a level's step."""
_TABLE = -1
"""Stands for the lengths, in place of a strip."""


def strip_starts(header: Header) -> list[int]:
    """The row of cells with which each strip of a picture begins, and behind these the number of rows.

    A picture of another family than `lapped` is one strip without rows.
    """
    if header.family != "lapped":
        return [0, 0]
    columns, rows = (-(-pixels // header.pitch) for pixels in header.size)
    blocks = -(-rows // BLOCK)
    count = max(1, min(rows * columns * header.pitch**2 // _PIXELS, blocks, _MOST))
    return [*(BLOCK * (blocks * i // count) for i in range(count)), rows]


def step_bytes(header: Header, is_first: bool = False) -> int:
    """Bytes of a level, the first one or a later one, after which its step is known."""
    strips = len(strip_starts(header)) - 1
    return _LENGTH * _told(strips, is_first) + _STEP


def _told(strips: int, are_means: bool) -> int:
    """How many lengths are told before segments, either of the first level's means or of all else."""
    return strips if are_means and strips > 1 else strips - 1


class Segments:
    """Shares out a stream's bytes as they come."""

    def __init__(self, header: Header) -> None:
        """For the stream of a file with that header."""
        ends = [header.start, *(level.end for level in header.levels)]
        self._levels = iter([end - start for start, end in pairwise(ends)])
        self._strips = len(strip_starts(header)) - 1
        self._are_means = self._strips > 1
        self._left, self._table = 0, bytearray()
        self._due: list[tuple[int, int]] = []

    def share(self, data: bytes) -> list[bytes]:
        """What of the stream's next bytes, none of which are beyond its last level, is each strip's."""
        shares = [bytearray() for _ in range(self._strips)]
        while data:
            if not self._due:
                self._left = self._left or next(self._levels)
                self._table.clear()
                self._expect(_TABLE, _LENGTH * _told(self._strips, self._are_means))
            to, count = self._due.pop(0)
            own, data = data[:count], data[count:]
            (self._table if to == _TABLE else shares[to]).extend(own)
            if len(own) < count:
                self._due.insert(0, (to, count - len(own)))
            elif to == _TABLE:
                self._expect_segments()
        return [bytes(own) for own in shares]

    def _expect(self, to: int, count: int) -> None:
        """Waits for so many bytes, or as many as are left of the level."""
        own = min(count, self._left)
        self._due.append((to, own))
        self._left -= own

    def _expect_segments(self) -> None:
        for strip in range(_told(self._strips, self._are_means)):
            self._expect(strip, int.from_bytes(self._table[_LENGTH * strip :][:_LENGTH], "little"))
        if not self._are_means:
            self._expect(self._strips - 1, self._left)
        self._are_means = False


def joined(streams: Sequence[bytes], means: Sequence[int], ends: Sequence[Sequence[int]]) -> list[bytes]:
    """The bytes of each level.

    Args:
        streams: of the strips.
        means: where those of the first level end in each stream.
        ends: of each level, where it ends in each stream.

    Raises:
        OverflowError: if a segment has more bytes than its length can tell.
    """
    parts = list[bytes]()
    for before, own in pairwise([[0] * len(streams), means, *ends]):
        segments = [stream[i:k] for stream, i, k in zip(streams, before, own, strict=True)]
        told = segments[: _told(len(streams), not parts)]
        parts.append(b"".join([*(len(segment).to_bytes(_LENGTH, "little") for segment in told), *segments]))
    return [parts[0] + parts[1], *parts[2:]]
