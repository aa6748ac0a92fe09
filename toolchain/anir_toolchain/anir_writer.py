"""Writing `.anir` files: all subnets of a picture in one stream, from the smallest level to the largest."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from anir_runtime.anir_file import least_bytes, may_have_weights
from anir_runtime.anir_header import Header, Level, write_header
from anir_runtime.anir_networks import NetworkCoder, code_colours
from anir_runtime.coder import Integers
from anir_runtime.common_networks import Colours
from anir_runtime.errors import AnirError
from anir_runtime.level_step import LevelStep, code_level_step
from anir_runtime.network import Network
from anir_runtime.strips import Strips

Psnr = tuple[float, float, float]
"""PSNR in dB of a level's picture at full size, and shrunk to a half and to a quarter of its size."""


class AnirWriter:
    """Encodes the levels of a file, one after the other.

    Call `add` for each level, then `finish`; in the family `lapped` call `begin` first, and `refine` before
    each `add`.
    """

    def __init__(self, header: Header, most: int) -> None:
        """Begins a file.

        Args:
            header: the file's header; its levels are ignored.
            most: largest number of bytes that each strip may take.
        """
        self._header = header
        self.strips = Strips(header)
        self.strips.encode(most)
        self._networks = NetworkCoder(self.strips.first, header)
        self._subnets: list[tuple[int, int]] = []
        self._means, self._ends = self.strips.means_positions(), list[list[int]]()
        self._step: LevelStep | None = None

    def begin(self, coefficients: Integers, colours: Colours) -> None:
        """Sets what to encode in the family `lapped`: coefficients int32[rows, columns, N, pitch, pitch]."""
        self.strips.set_target(coefficients)
        self._networks.colours = code_colours(self.strips.first, self._header.colours, colours)

    def refine(self, step: LevelStep) -> list[Integers]:
        """Encodes a level's coefficients; returns them as known at that level, as `Strips.values` does."""
        code_level_step(self.strips.first, self._step, step)
        self.strips.level(step.width)
        if self._step is None:
            self._means = self.strips.means_positions()
        self._step = step
        return self.strips.values()

    def add(self, network: Network, width: int = 0) -> None:
        """Encodes a level's network and ends the level, after its coefficients if the family has any.

        `width` is the level's quantization step in units, for the family `lapped` alone.
        """
        self._networks.code(network.depth, network.channels, width, network.tensors)
        if not self.strips.check():
            raise AnirError("the picture takes more decisions of its coder than .anir files may have")
        self._subnets.append((network.depth, network.channels))
        self._ends.append(self.strips.positions())

    def finish(self, qualities: Sequence[Psnr]) -> bytes:
        """Returns the whole file, given the PSNR of each level.

        Raises AnirError if a level has more hidden weights than readers accept in a file so short.
        """
        parts = self.strips.finish(self._means, self._ends)
        # A nearly empty picture is padded with zeros to the least length that the format allows.
        parts[-1] += bytes(max(least_bytes(self._header) - sum(map(len, parts)), 0))
        ends, stream = accumulate(map(len, parts)), b"".join(parts)
        levels = [
            Level(*subnet, end, psnr)
            for subnet, end, psnr in zip(self._subnets, ends, qualities, strict=True)
        ]
        head = write_header(replace(self._header, start=0, levels=tuple(levels)))
        for level in levels:
            whole = replace(level, end=len(head) + level.end)
            if not may_have_weights(whole):
                reason = f"more weights than an .anir file of {whole.end} bytes may have; take fewer channels"
                raise AnirError(f"{whole.name} has {reason}")
        return head + stream
