"""Codes the strips of a large picture in parallel (docs/format.md, "Strips")."""

from collections.abc import Sequence
from itertools import pairwise

from anir_runtime.anir_header import Header
from anir_runtime.coder import MOST_DECISIONS, Coder, Integers
from anir_runtime.segments import Segments, joined, strip_starts
from anir_runtime.side_by_side import available_cores, side_by_side

_LEAST_DECISIONS = 1 << 20
"""Least share of `MOST_DECISIONS`, which are divided equally among the strips, that each strip has."""


class Strips:
    """Codes the coefficients of a picture's lapped transform, with one `Coder` for each strip."""

    def __init__(self, header: Header, threads: int | None = None, pitch: int | None = None) -> None:
        """Allocates the coders.

        Args:
            header: the file's header; its levels are not used when encoding.
            threads: most threads to code strips with; by default, as many as there are cores.
            pitch: number of frequencies along each axis of a cell; by default, the header's pitch.

        Raises:
            AnirError: if there is not enough memory, or WebAssembly does not start.
        """
        columns, _ = header.cells
        self._segments = Segments(header)
        self._parts = [slice(*own) for own in pairwise(strip_starts(header))]
        self._threads = min(threads or available_cores(), len(self._parts))
        decisions = max(MOST_DECISIONS // len(self._parts), _LEAST_DECISIONS)

        def coder(part: slice) -> Coder:
            return Coder(part.stop - part.start, columns, header.colours, pitch or header.pitch, decisions)

        # The first coder compiles the WebAssembly module for all of them.
        self._coders = [coder(self._parts[0]), *side_by_side(coder, self._parts[1:], self._threads)]

    @property
    def first(self) -> Coder:
        """The first strip's coder, whose stream also holds the widths, reaches and networks of all levels."""
        return self._coders[0]

    def encode(self, most: int) -> None:
        """Starts encoding; each strip's stream may have `most` bytes, for which memory is reserved."""
        for coder in self._coders:
            coder.encode(most)

    def set_target(self, coefficients: Integers) -> None:
        """Sets the coefficients to encode, int32[rows, columns, planes, pitch, pitch]."""
        for part, coder in zip(self._parts, self._coders, strict=True):
            coder.set_target(coefficients[part])

    def decode(self, data: bytes) -> None:
        """Starts decoding a file's stream, or a prefix of one."""
        for coder, own in zip(self._coders, self._segments.share(data), strict=True):
            coder.decode(own)

    def feed(self, data: bytes) -> None:
        """Appends bytes to the stream that is being decoded."""
        for coder, own in zip(self._coders, self._segments.share(data), strict=True):
            coder.feed(own)

    def level(self, width: int) -> bool:
        """Codes a level of every strip (see `Coder.level`), and returns whether all of them are complete."""
        return all(side_by_side(lambda coder: coder.level(width), self._coders, self._threads))

    def check(self) -> bool:
        """Codes every strip's digest (see `Coder.check`), and returns whether all of them are right."""
        return all(coder.check() for coder in self._coders)

    def positions(self) -> list[int]:
        """Returns the `Coder.position` of each strip, in bytes."""
        return [coder.position() for coder in self._coders]

    def means_positions(self) -> list[int]:
        """Returns the `Coder.means_position` of each strip, in bytes."""
        return [coder.means_position() for coder in self._coders]

    def finish(self, means: Sequence[int], ends: Sequence[Sequence[int]]) -> list[bytes]:
        """Ends encoding, and returns the bytes of each level.

        `means` are the `means_positions` after the first level, `ends` the `positions` at each level's end.
        """
        return joined([coder.finish() for coder in self._coders], means, ends)

    def values(self, last: bool = False) -> list[Integers]:
        """Returns the coefficients of each strip from top to bottom: see `Coder.values`."""
        return side_by_side(lambda coder: coder.values(last), self._coders, self._threads)

    def keep(self) -> None:
        """Saves the state of all coders."""
        side_by_side(Coder.keep, self._coders, self._threads)

    def restore(self) -> None:
        """Restores the state that `keep` saved."""
        side_by_side(Coder.restore, self._coders, self._threads)
