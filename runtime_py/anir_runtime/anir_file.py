"""Reads `.anir` files incrementally: every prefix of a file decodes (docs/format.md)."""

from dataclasses import replace

import numpy as np

from anir_runtime.anir_header import Header, Level, read_header
from anir_runtime.anir_latents import latents_of
from anir_runtime.anir_networks import NetworkCoder, code_colours
from anir_runtime.errors import AnirError
from anir_runtime.exp_golomb import IncompleteError
from anir_runtime.level_step import LEAST_WIDTH, STEP_BYTES, LevelStep, code_level_step
from anir_runtime.network import Network, Tensors
from anir_runtime.preview import Preview, read_preview
from anir_runtime.segments import table_bytes
from anir_runtime.strips import Strips

_COEFFICIENTS, _COEFFICIENTS_PER_BYTE = 1 << 22, 1024
"""Most coefficients of a picture: a constant plus a number per byte of the file.

This and the limit of weights keep a short file from claiming much memory.
"""
_WEIGHTS, _WEIGHTS_PER_BYTE = 1 << 16, 64
"""Most hidden weights of a subnet: a constant plus a number per byte of the file up to its level's end."""


def least_bytes(header: Header) -> int:
    """Returns how many bytes a file must have; no memory for its picture is allocated before these arrive."""
    if not header.has_latents:
        return 0
    columns, rows = header.cells
    coefficients = rows * columns * header.colours * header.pitch**2
    return -(-max(coefficients - _COEFFICIENTS, 0) // _COEFFICIENTS_PER_BYTE)


def may_have_weights(level: Level) -> bool:
    """Whether the bytes up to a level's end suffice for its number of hidden weights."""
    return (level.depth - 1) * level.channels**2 <= _WEIGHTS + _WEIGHTS_PER_BYTE * level.end


class AnirFile:
    """An `.anir` file, or a prefix of one.

    Attributes:
        header: the file's header; None until it is complete.
        decoded: number of levels decoded so far.
        size: number of bytes received so far.
    """

    def __init__(self, data: bytes = b"", threads: int | None = None) -> None:
        """Takes the file or its first bytes. At most `threads` threads, by default one per core, decode it.

        Raises AnirError if the data are not the beginning of a readable `.anir` file.
        """
        self.header: Header | None = None
        self.decoded = 0
        self.size = 0
        self._head = bytearray()
        self._threads = threads
        self._strips: Strips | None = None
        self._networks: NetworkCoder | None = None
        self._step: LevelStep | None = None
        self._latest: Network | None = None
        self._damaged: AnirError | None = None
        self.feed(data)

    def feed(self, data: bytes) -> None:
        """Appends bytes of the file. Raises AnirError as the constructor does."""
        # Bytes after the last level are ignored.
        own = data[: max(self.header.levels[-1].end - self.size, 0)] if self.header else data
        self.size += len(data)
        if self._strips is not None:
            self._strips.feed(own)
            return
        self._head += own
        if self.header is None:
            self.header = self._read_header()
        if self.header and self.available and not self.decoded:
            # Not earlier, as this allocates memory in proportion to the picture.
            self._strips = Strips(self.header, self._threads)
            self._strips.decode(bytes(self._head[self.header.start : self.header.levels[-1].end]))
            self._networks = NetworkCoder(self._strips.first, self.header)
            self._head.clear()

    def _read_header(self) -> Header | None:
        try:
            header = read_header(bytes(self._head))
        except IncompleteError:
            return None
        if header.levels[-1].end < least_bytes(header):
            raise AnirError("declares a larger picture than so few bytes can have")
        return header

    @property
    def available(self) -> int:
        """Number of complete levels; 0 until `least_bytes` have been received."""
        if self.header is None or self.size < least_bytes(self.header):
            return 0
        return sum(level.end <= self.size for level in self.header.levels)

    @property
    def _has_more(self) -> bool:
        """Whether enough bytes of an incomplete level are there to refine coefficients with it."""
        header, whole = self.header, self.available
        if header is None or not header.has_latents or not 0 < whole < len(header.levels):
            return False
        return self.size - header.levels[whole - 1].end >= table_bytes(header) + STEP_BYTES

    def network(self, level: int | None = None, last: bool = False) -> Network:
        """Returns the subnet of a level. Levels decode in order only: no earlier one can follow.

        Args:
            level: number of the level, from 0; by default, that of the last complete one.
            last: whether the file is not used afterwards, which saves memory.

        Raises:
            AnirError: if the level is incomplete or was passed, or if it or an earlier level is damaged.
        """
        if not self.available:
            raise AnirError("ends before its first picture; fetch more of it")
        wanted = self.available - 1 if level is None else level
        if not 0 <= wanted < self.available:
            raise AnirError(f"ends after {self.size} bytes, before the end of its level {wanted + 1}")
        if self._latest is None or wanted != self.decoded - 1:
            network = self._decode_to(wanted)
            try:
                self._latest = self._with_latents(network, last)
            except AnirError as error:
                # A level that cannot be drawn counts as damaged.
                self.decoded, self._damaged = wanted, error
                raise
        return self._latest

    def refined(self, last: bool = False) -> Network:
        """Returns the last complete level's subnet with coefficients refined by the incomplete next level.

        `last` is that of `network`. Raises AnirError if no level is complete, or one is damaged.
        """
        if not self._has_more:
            return self.network(last=last)
        # Latents of a new level are not computed twice.
        is_new = last and self.decoded < self.available
        network = self._decode_to(self.available - 1) if is_new else self.network()
        assert self._strips is not None
        strips = self._strips
        if not last:
            strips.keep()
        try:
            step = code_level_step(strips.first, self._step)
            if step.width >= LEAST_WIDTH:
                strips.level(step.width)
            return self._with_latents(network, last)
        finally:
            if not last:
                strips.restore()

    def preview(self) -> Preview | None:
        """Returns a preview if the first level is incomplete, but has enough bytes for one; else None."""
        if self.header is None or self._strips is not None or self.decoded:
            return None
        return read_preview(self.header, bytes(self._head[self.header.start :]))

    def _decode_to(self, level: int) -> Network:
        """Decodes all levels up to `level`, and returns the subnet of `level`, without latents."""
        if level < self.decoded:
            raise AnirError("that level comes before the last one decoded; open the file again")
        self._latest = None
        while self.decoded <= level:
            network = self._decode_level()
        return network

    def _with_latents(self, network: Network, last: bool) -> Network:
        """Returns the subnet with latents of the coefficients decoded so far, if its family has latents."""
        if self._step is None:
            return network
        assert self._strips is not None
        assert self.header is not None
        width, reach = self._step.width, self._step.reach
        latents = latents_of(self._strips.values(last), 1 / width, self.header.pitch, reach)
        if last:
            # The coders' coefficients and models take most of the memory.
            self._strips = self._networks = None
        return replace(network, latents=latents)

    def _decode_level(self) -> Network:
        """Decodes the next level, and returns its subnet, without latents."""
        if self.header is None or self._strips is None or self._networks is None:
            raise AnirError("was read to its end; open the file again")
        # Nothing after damage can be decoded.
        if self._damaged is not None:
            raise self._damaged
        self._damaged = AnirError(f"is damaged in its level {self.decoded + 1}; fetch it again")
        header, level, strips = self.header, self.header.levels[self.decoded], self._strips
        if not may_have_weights(level):
            raise self._damaged
        if header.has_latents:
            if not self.decoded:
                self._networks.colours = code_colours(strips.first, header.colours)
            self._step = code_level_step(strips.first, self._step)
            if self._step.width < LEAST_WIDTH or not strips.level(self._step.width):
                raise self._damaged
        tensors = self._networks.code(level.depth, level.channels, self._step.width if self._step else 0)
        if not strips.check() or not _finite(tensors):
            raise self._damaged
        self._damaged = None
        self.decoded += 1
        return Network(header.family, header.size, header.bits, tensors)


def _finite(tensors: Tensors) -> bool:
    return all(bool(np.isfinite(own).all()) for own in tensors.values() if own.dtype == np.float32)
