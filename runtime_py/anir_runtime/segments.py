"""Splits large pictures into strips, and a stream into the strips' segments (docs/format.md, "Strips")."""

from collections.abc import Sequence
from itertools import pairwise

from anir_runtime.anir_header import Header

BLOCK = 8
"""Cells along a side of a block, whose means are coded as a DCT; strips are whole rows of blocks."""
_PIXELS = 1 << 20
"""Least average number of pixels of a picture's strips, if there are several."""
_MOST_STRIPS = 32
"""Most strips of a picture."""
_LENGTH = 3
"""Bytes of a segment's length."""


def strip_starts(header: Header) -> list[int]:
    """Returns the row of cells at which each strip begins, followed by the number of rows of cells.

    A picture without coefficients is one strip without rows.
    """
    if not header.has_latents:
        return [0, 0]
    columns, rows = header.cells
    blocks = -(-rows // BLOCK)
    count = max(1, min(rows * columns * header.pitch**2 // _PIXELS, blocks, _MOST_STRIPS))
    return [*(BLOCK * (blocks * i // count) for i in range(count)), rows]


def table_bytes(header: Header, is_first: bool = False) -> int:
    """Returns the length in bytes of the table of segment lengths at the beginning of a level."""
    return _LENGTH * _lengths(len(strip_starts(header)) - 1, is_first)


def _lengths(strips: int, are_means: bool) -> int:
    """Returns the number of lengths in a table: the last segment has none, unless it holds means."""
    return strips if are_means and strips > 1 else strips - 1


class Segments:
    """Distributes a stream's bytes to the strips, as they arrive."""

    def __init__(self, header: Header) -> None:
        """Starts at the beginning of the stream of a file with this header."""
        ends = [header.start, *(level.end for level in header.levels)]
        # Lengths of the levels that are still to come; bytes that are left of the current one.
        self._levels, self._left = iter([end - start for start, end in pairwise(ends)]), 0
        self._strips = len(strip_starts(header)) - 1
        self._are_means = self._strips > 1
        # The bytes so far of the table of lengths that is being read; None while its segments are read.
        self._table: bytearray | None = None
        # Bytes that are still missing: of the table of lengths, then of each strip's segment.
        self._due: list[int] = []

    def share(self, data: bytes) -> list[bytes]:
        """Returns each strip's share of the stream's next bytes, which must not go beyond the last level."""
        shares = [bytearray() for _ in range(self._strips)]
        at = 0
        while at < len(data):
            to = next((to for to, count in enumerate(self._due) if count), None)
            if to is None:
                self._due = self._begin_table() if self._table is None else self._begin_segments(self._table)
                continue
            own = data[at : at + self._due[to]]
            at += len(own)
            self._due[to] -= len(own)
            if to > 0:
                shares[to - 1] += own
            elif self._table is not None:
                self._table += own
        return [bytes(own) for own in shares]

    def _take(self, most: int) -> int:
        """Takes `most` bytes of the current level, or all that are left; returns their number."""
        own = min(most, self._left)
        self._left -= own
        return own

    def _begin_table(self) -> list[int]:
        self._left = self._left or next(self._levels)
        self._table = bytearray()
        return [self._take(_LENGTH * _lengths(self._strips, self._are_means))]

    def _begin_segments(self, table: bytearray) -> list[int]:
        starts = range(0, _LENGTH * _lengths(self._strips, self._are_means), _LENGTH)
        lengths = [self._take(int.from_bytes(table[at : at + _LENGTH], "little")) for at in starts]
        if not self._are_means:
            lengths.append(self._take(self._left))
        self._table, self._are_means = None, False
        return [0, *lengths]


def joined(streams: Sequence[bytes], means: Sequence[int], ends: Sequence[Sequence[int]]) -> list[bytes]:
    """Interleaves the strips' streams, and returns the bytes of each level.

    Args:
        streams: the stream of each strip.
        means: position in each stream at which the first level's means end.
        ends: for each level, the position in each stream at which the level ends.

    Raises:
        OverflowError: if a segment is longer than 2²⁴ − 1 bytes.
    """
    parts = list[bytes]()
    for before, own in pairwise([[0] * len(streams), means, *ends]):
        segments = [stream[i:k] for stream, i, k in zip(streams, before, own, strict=True)]
        first = segments[: _lengths(len(streams), not parts)]
        parts.append(b"".join([*(len(segment).to_bytes(_LENGTH, "little") for segment in first), *segments]))
    return [parts[0] + parts[1], *parts[2:]]
