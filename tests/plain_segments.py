"""Reassembles the strips' streams from the segments of a whole file's levels (docs/format.md, "Strips")."""

from collections.abc import Sequence


def strip_starts(rows: int, columns: int, pitch: int) -> list[int]:
    """The first row of cells of each strip."""
    blocks = (rows + 7) // 8
    strips = min(rows * columns * pitch * pitch // 2**20, blocks, 32)
    return [8 * (blocks * i // max(strips, 1)) for i in range(max(strips, 1))]


def streams_of(stream: bytes, levels: Sequence[int], strips: int) -> list[bytes]:
    """The stream of each strip, given all levels of a file, the number of bytes of each, and of strips."""
    result, at = [b""] * strips, 0
    for k, length in enumerate(levels):
        level, at = stream[at : at + length], at + length
        if strips > 1 and not k:
            level = _shared(level, strips, result)
        if strips > 1:
            level = _shared(level, strips - 1, result)
        result[-1] += level
    return result


def _shared(data: bytes, many: int, streams: list[bytes]) -> bytes:
    """Appends the segments that `data` begins with to the first `many` streams; returns the rest of it."""
    lengths = [int.from_bytes(data[3 * i : 3 * i + 3], "little") for i in range(many)]
    data = data[3 * many :]
    for i, length in enumerate(lengths):
        streams[i], data = streams[i] + data[:length], data[length:]
    return data
