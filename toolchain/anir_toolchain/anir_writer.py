"""Writing `.anir` files: all subnets of a picture in one stream, from the smallest level to the largest."""

from collections.abc import Sequence
from dataclasses import replace

from anir_runtime.anir_file import coder_for, least_bytes
from anir_runtime.anir_header import Header, Level, write_header
from anir_runtime.anir_networks import NetworkCoder, code_colours
from anir_runtime.coder import Integers
from anir_runtime.common_networks import Colours
from anir_runtime.errors import AnirError
from anir_runtime.network import Network
from anir_runtime.steps import Step, code_step, factor

Psnr = tuple[float, float, float]
"""Of a level's picture in dB, and of the picture at a half and at a quarter of its size."""
_UNKNOWN: Psnr = (0, 0, 0)


class AnirWriter:
    """Encodes the levels of a file, one after the other."""

    def __init__(self, header: Header, most: int) -> None:
        """For a file with that header, but for its levels, and with a stream of `most` bytes at most."""
        self._header = header
        self.coder = coder_for(header)
        self.coder.encode(most)
        self._networks = NetworkCoder(self.coder, header.family, header.bits, header.colours)
        self._levels: list[Level] = []
        self._step: Step | None = None

    def begin(self, coefficients: Integers, colours: Colours) -> None:
        """Takes the coefficients of `lapped` to encode, int32[rows, columns, N, pitch, pitch]."""
        self.coder.aim(coefficients)
        self._networks.colours = code_colours(self.coder, self._header.colours, colours)

    def refine(self, step: Step) -> Integers:
        """Encodes what a level tells of the coefficients, and gives what is known then, as `Coder.values`."""
        code_step(self.coder, self._step, step)
        self.coder.level(step.width, factor(self._step))
        self._step = step
        return self.coder.values()

    def add(self, network: Network, width: int = 0) -> None:
        """Ends a level, whose coefficients, if its family has any, are encoded already, with its network.

        If the family is `lapped`, `width` is that of the level's intervals.
        """
        self._networks.code(network.depth, network.channels, width, network.tensors)
        if not self.coder.check():
            raise AnirError("the picture takes more decisions of its coder than .anir files may have")
        self._levels.append(Level(network.depth, network.channels, self.coder.position(), _UNKNOWN))

    def finish(self, qualities: Sequence[Psnr]) -> bytes:
        """The whole file, given the quality of each level."""
        stream = self.coder.finish()
        # Zeros behind it, where a picture has next to nothing to tell.
        stream += bytes(max(least_bytes(self._header) - len(stream), 0))
        levels = [replace(level, psnr=own) for level, own in zip(self._levels, qualities, strict=True)]
        levels[-1] = replace(levels[-1], end=len(stream))
        return write_header(replace(self._header, start=0, levels=tuple(levels))) + stream
