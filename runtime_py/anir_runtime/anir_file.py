"""Reads `.anir` files, of which every prefix decodes, from bytes as they come (docs/format.md)."""

import math
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anir_runtime.anir_header import Header, IncompleteError, Level, read_header
from anir_runtime.anir_networks import NetworkCoder
from anir_runtime.coder import Coder, Integers
from anir_runtime.errors import AnirError
from anir_runtime.lapped_transform import FEWEST, Axis
from anir_runtime.network import Latents, Network, Tensors

LEAST_WIDTH, MOST_WIDTH = 64, 32767
_MOST_MAGNITUDES = 1 << 15
"""Different magnitudes of a level's coefficients at most, so that their numbers fit into int16."""
_LARGE = 1 << 22
"""Size from which on a table with an entry for each size would take more memory than it is worth."""
_STEP_BYTES = 3
"""Bytes of a level that tell its step."""
_WEIGHTS_PER_BYTE = 512
"""Hidden weights that a byte of a file carries at most, so that a short file does not ask for much memory."""


@dataclass(frozen=True)
class Step:
    """How a level refines coefficients.

    Attributes:
        width: length that intervals of sizes hardly exceed afterwards, in units, 64 to 32767.
        factor: how many times its threshold a zero's interval is when it is visited, in 1/16; 0 for never.
        reach: distance in pixels, 1 or 2, at which the level's network sees plane 0.
    """

    width: int
    factor: int
    reach: int


def code_unit(coder: Coder, unit: float = 0.0) -> float:
    """Codes, in the coder's direction, the value of a size of 1."""
    (word,) = struct.unpack("<I", struct.pack("<f", unit))
    (result,) = struct.unpack("<f", struct.pack("<I", coder.bits(32, word)))
    return float(result)


def code_step(coder: Coder, step: Step | None = None) -> Step:
    """Codes, in the coder's direction, what a level does first; to encode, it is given."""
    width, factor, reach = (step.width, step.factor, step.reach - 1) if step else (0, 0, 0)
    return Step(coder.bits(15, width), coder.bits(7, factor), coder.bits(1, reach) + 1)


def coder_for(header: Header) -> Coder:
    """A coder for the stream of a file with that header. Raises AnirError if the picture is too large."""
    if header.family != "lapped":
        return Coder(0, 0, header.colours, header.pitch)
    columns, rows = (Axis(pixels, header.pitch).cells for pixels in header.size)
    return Coder(rows, columns, header.colours, header.pitch)


class AnirFile:
    """An `.anir` file, or as much of it as there is.

    Attributes:
        header: the file's header; none until all of it has come.
        decoded: number of levels that were decoded.
        size: bytes that have come.
    """

    def __init__(self, data: bytes = b"") -> None:
        """Takes the file or its first bytes. Raises AnirError if they do not begin a file to be read."""
        self.header: Header | None = None
        self.decoded = 0
        self.size = 0
        self._head = bytearray()
        self._coder: Coder | None = None
        self._networks: NetworkCoder | None = None
        self._trouble: AnirError | None = None
        self._unit = 0.0
        self._latest: Network | None = None
        self.feed(data)

    def feed(self, data: bytes) -> None:
        """Takes more bytes, but for what follows the last level. Raises AnirError as when it is opened."""
        if self.header is not None:
            missing = self.header.levels[-1].end - self.size
            self.size += len(data)
            data = data[: max(missing, 0)]
        else:
            self.size += len(data)
        if self._coder is not None:
            self._coder.feed(data)
            return
        self._head += data
        if self.header is None:
            try:
                self.header = read_header(bytes(self._head))
            except IncompleteError:
                return
        if self.available and not self.decoded:
            # Not before, as this takes memory in proportion to the picture.
            self._coder = coder_for(self.header)
            self._coder.decode(bytes(self._head[self.header.start : self.header.levels[-1].end]))
            self._networks = NetworkCoder(
                self._coder, self.header.family, self.header.bits, self.header.colours
            )
            self._head.clear()

    @property
    def available(self) -> int:
        """Number of levels that have come whole."""
        return sum(level.end <= self.size for level in self.header.levels) if self.header else 0

    def network(self, level: int | None = None) -> Network:
        """The subnet of a level, counted from 0; of the last one that has come whole by default.

        Levels are decoded in turn: one that was decoded before another one cannot be had any more.
        Raises AnirError if the level has not come, was passed, or is damaged.
        """
        if not self.available:
            raise AnirError("ends before its first picture; fetch more of it")
        wanted = self.available - 1 if level is None else level
        if not 0 <= wanted < self.available:
            raise AnirError(f"ends after {self.size} bytes, before the end of its level {wanted + 1}")
        if wanted < self.decoded - 1:
            raise AnirError("that level was passed; open the file again")
        while self.decoded <= wanted:
            if self._trouble:
                raise self._trouble
            try:
                self._latest = self._decode_level()
            except AnirError as error:
                self._trouble = error
                raise
            self.decoded += 1
        assert self._latest is not None
        assert self.header is not None
        if self.decoded == len(self.header.levels):
            # What is known of a picture takes much memory, and is of no use any more.
            self._coder = self._networks = None
        return self._latest

    def refined(self) -> Network:
        """The last whole level's subnet with what has come of the next level's coefficients.

        Raises AnirError if no level has come whole.
        """
        network = self.network()
        assert self.header is not None
        come = self.size - self.header.levels[self.decoded - 1].end
        if network.latents is None or self.decoded == len(self.header.levels) or come < _STEP_BYTES:
            return network
        assert self._coder is not None
        self._coder.keep()
        step = code_step(self._coder)
        latents = network.latents
        if LEAST_WIDTH <= step.width <= MOST_WIDTH:
            self._coder.level(step.width, step.factor)
            latents = latents_of(self._coder.values(), self._unit, self.header.pitch, latents.reach)
        self._coder.restore()
        return Network(network.family, network.size, network.bits, network.tensors, latents)

    def _decode_level(self) -> Network:
        assert self.header is not None
        assert self._coder is not None
        assert self._networks is not None
        header, level, coder = self.header, self.header.levels[self.decoded], self._coder
        if (level.depth - 1) * level.channels**2 > _WEIGHTS_PER_BYTE * level.end:
            raise AnirError("its header is damaged: such networks are not in so few bytes")
        latents, whole = None, True
        if header.family == "lapped":
            if not self.decoded:
                self._unit = code_unit(coder)
            step = code_step(coder)
            if not (LEAST_WIDTH <= step.width <= MOST_WIDTH and 0 < self._unit < math.inf):
                raise _damaged(self.decoded)
            whole = coder.level(step.width, step.factor)
            latents = latents_of(coder.values(), self._unit, header.pitch, step.reach)
        tensors = self._networks.code(level.depth, level.channels)
        if not (whole and coder.check()) or not _finite(tensors):
            raise _damaged(self.decoded)
        return Network(header.family, header.size, header.bits, tensors, latents)


def _damaged(level: int) -> AnirError:
    return AnirError(f"is damaged in its level {level + 1}; fetch it again")


def _finite(tensors: Tensors) -> bool:
    return all(bool(np.isfinite(own).all()) for own in tensors.values() if own.dtype == np.float32)


def latents_of(values: Integers, unit: float, pitch: int, reach: int) -> Latents:
    """Latents of coefficients int32[rows, columns, N, pitch, pitch] in units.

    Codes count the magnitudes that occur, so that they are as small as they can be.
    """
    planes = values.transpose(2, 0, 1, 3, 4)
    means = planes[..., 0, 0]
    # Means are told as differences in the direction in which they are smaller.
    down = int(np.abs(np.diff(means, axis=1)).sum()) < int(np.abs(np.diff(means, axis=2)).sum())
    ordered = (planes if down else planes.transpose(0, 2, 1, 4, 3)).copy()
    ordered[:, 1:, :, 0, 0] = np.diff(ordered[..., 0, 0], axis=1)
    sizes = np.abs(ordered)
    magnitudes, index = _numbered(sizes)
    if len(magnitudes) > _MOST_MAGNITUDES:
        raise AnirError("has more different coefficients than a picture needs")
    codes = np.copysign(index, ordered).astype(np.int16)
    used = _frequencies_used(codes)
    return Latents(
        np.ascontiguousarray(codes[..., :used, :used]),
        unit,
        pitch,
        down,
        reach,
        magnitudes.astype(np.float32),
    )


def _numbered(sizes: Integers) -> tuple[Integers, Integers]:
    """The magnitudes that occur, ascending from 0, and the number of each size among these."""
    largest = int(sizes.max(initial=0))
    if largest >= _LARGE:
        magnitudes, index = np.unique(np.append(sizes.ravel(), 0), return_inverse=True)
        return magnitudes, index[:-1].reshape(sizes.shape).astype(np.int32)
    # A look-up takes a fraction of the time of sorting.
    occurs = np.zeros(largest + 1, np.bool_)
    occurs[sizes] = occurs[0] = True
    return np.flatnonzero(occurs).astype(np.int32), (occurs.cumsum(dtype=np.int32) - 1)[sizes]


def _frequencies_used(codes: NDArray[np.int16]) -> int:
    """How many frequencies along each axis have codes other than zero, at least 4."""
    occurs: NDArray[np.bool_] = (codes != 0).any(axis=(0, 1, 2))
    used = occurs.any(axis=0) | occurs.any(axis=1)
    return max(FEWEST, int(np.flatnonzero(used).max(initial=0)) + 1)


__all__ = ["AnirFile", "Header", "Level", "Step", "code_step", "code_unit", "coder_for", "latents_of"]
