"""Strips of large pictures, and which bytes of a stream are whose (docs/format.md, "Strips")."""

from collections.abc import Sequence
from itertools import pairwise

from anir_runtime.anir_header import Header

BLOCK = 8
"""Cells along a side of a block, whose means are coded as cosines: strips are whole rows of blocks."""
_PIXELS, _MOST = 1 << 20, 32
"""Pixels of a strip, at least, and strips of a picture at most."""
_LENGTH = 3
"""Bytes that tell a segment's length."""


def strip_starts(header: Header) -> list[int]:
    """The row of cells with which each strip of a picture begins, and behind these the number of rows.

    A picture that has no coefficients is one strip without rows.
    """
    if not header.has_latents:
        return [0, 0]
    columns, rows = (-(-pixels // header.pitch) for pixels in header.size)
    blocks = -(-rows // BLOCK)
    count = max(1, min(rows * columns * header.pitch**2 // _PIXELS, blocks, _MOST))
    return [*(BLOCK * (blocks * i // count) for i in range(count)), rows]


def table_bytes(header: Header, is_first: bool = False) -> int:
    """Bytes of a level, the first one or a later one, that tell lengths before its first segment."""
    return _LENGTH * _told(len(strip_starts(header)) - 1, is_first)


def _told(strips: int, are_means: bool) -> int:
    """How many lengths are told before segments, either of the first level's means or of all else."""
    return strips if are_means and strips > 1 else strips - 1


class Segments:
    """Shares out a stream's bytes as they come."""

    def __init__(self, header: Header) -> None:
        """For the stream of a file with that header."""
        ends = [header.start, *(level.end for level in header.levels)]
        # Bytes of the levels that are to come, and what is left of this one.
        self._levels, self._left = iter([end - start for start, end in pairwise(ends)]), 0
        self._strips = len(strip_starts(header)) - 1
        self._are_means = self._strips > 1
        # The lengths that are being told; none while segments follow.
        self._table: bytearray | None = None
        # Bytes of the lengths, then those of each strip's segment, that are still to come.
        self._due: list[int] = []

    def share(self, data: bytes) -> list[bytes]:
        """What of the stream's next bytes, none of which are beyond its last level, is each strip's."""
        shares = [bytearray() for _ in range(self._strips)]
        at = 0
        while at < len(data):
            to = next((to for to, count in enumerate(self._due) if count), None)
            if to is None:
                self._due = self._lengths() if self._table is None else self._segments(self._table)
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
        """So many bytes, or as many as are left of the level."""
        own = min(most, self._left)
        self._left -= own
        return own

    def _lengths(self) -> list[int]:
        self._left = self._left or next(self._levels)
        self._table = bytearray()
        return [self._take(_LENGTH * _told(self._strips, self._are_means))]

    def _segments(self, table: bytearray) -> list[int]:
        told = range(0, _LENGTH * _told(self._strips, self._are_means), _LENGTH)
        lengths = [self._take(int.from_bytes(table[at : at + _LENGTH], "little")) for at in told]
        if not self._are_means:
            lengths.append(self._take(self._left))
        self._table, self._are_means = None, False
        return [0, *lengths]


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
