"""The strips of a large picture, coded side by side (docs/format.md, "Strips")."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

from anir_runtime.anir_header import Header
from anir_runtime.coder import MOST_DECISIONS, Coder, Integers
from anir_runtime.segments import Segments, joined, strip_starts
from anir_runtime.side_by_side import available_cores, side_by_side

_LEAST_DECISIONS = 1 << 20
"""Of those decisions of a picture that need no bytes, a strip has its share, but so many at least."""
Item = TypeVar("Item")
Result = TypeVar("Result")


class Strips:
    """What is known of the coefficients of a picture's lapped transform: a `Coder` for each of its strips."""

    def __init__(self, header: Header, threads: int | None = None, pitch: int | None = None) -> None:
        """For the stream of a file with that header.

        Args:
            header: of the file; to encode, levels are not looked at.
            threads: that strips are coded on at most; as many as there are cores by default.
            pitch: frequencies of a cell along an axis, if not all of them are coded.

        Raises:
            AnirError: if there is not as much memory.
        """
        starts = strip_starts(header)
        columns = -(-header.size[0] // header.pitch)
        self._segments = Segments(header)
        self._parts = [slice(*own) for own in pairwise(starts)]
        self._threads = min(threads or available_cores(), len(self._parts))

        decisions = max(MOST_DECISIONS // len(self._parts), _LEAST_DECISIONS)

        def coder(part: slice) -> Coder:
            return Coder(part.stop - part.start, columns, header.colours, pitch or header.pitch, decisions)

        # The first one compiles WebAssembly for all.
        self._coders = [coder(self._parts[0]), *self._each(coder, self._parts[1:])]

    def _each(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        return side_by_side(function, items, self._threads)

    @property
    def first(self) -> Coder:
        """The coder of the first strip, in whose stream is all that is no coefficient, too."""
        return self._coders[0]

    def encode(self, most: int) -> None:
        """Begins to encode, into `most` bytes for each strip."""
        for coder in self._coders:
            coder.encode(most)

    def aim(self, coefficients: Integers) -> None:
        """Takes the coefficients to encode from now on, int32[rows, columns, planes, pitch, pitch]."""
        for part, coder in zip(self._parts, self._coders, strict=True):
            coder.aim(coefficients[part])

    def decode(self, data: bytes) -> None:
        """Begins to decode a file's stream, or what there is of it."""
        for coder, own in zip(self._coders, self._segments.share(data), strict=True):
            coder.decode(own)

    def feed(self, data: bytes) -> None:
        """Takes more bytes of the stream."""
        for coder, own in zip(self._coders, self._segments.share(data), strict=True):
            coder.feed(own)

    def level(self, width: int) -> bool:
        """Codes what a level tells of the coefficients (see `Coder.level`); whether all bytes sufficed."""
        return all(self._each(lambda coder: coder.level(width), self._coders))

    def check(self) -> bool:
        """Codes 10 bits of each strip that all its decisions so far decide; whether they are right."""
        return all(coder.check() for coder in self._coders)

    def positions(self) -> list[int]:
        """Bytes of each strip's stream that a decoder has read by now."""
        return [coder.position() for coder in self._coders]

    def means_positions(self) -> list[int]:
        """Bytes of each strip's stream that a decoder has read when it knows the last level's means."""
        return [coder.means_position() for coder in self._coders]

    def finish(self, means: Sequence[int], ends: Sequence[Sequence[int]]) -> list[bytes]:
        """The bytes of each level, encoded.

        Args:
            means: the `means_positions` of the first level.
            ends: the `positions` at the end of each level.
        """
        return joined([coder.finish() for coder in self._coders], means, ends)

    def values(self, last: bool = False) -> list[Integers]:
        """What is known of each strip's coefficients, int32[rows, columns, planes, pitch, pitch].

        The arrays are views of the coders' memory: see `Coder.values`.
        """
        return self._each(lambda coder: coder.values(last), self._coders)

    def keep(self) -> None:
        """Keeps all that is known and learned."""
        self._each(Coder.keep, self._coders)

    def restore(self) -> None:
        """Goes back to what was kept."""
        self._each(Coder.restore, self._coders)
