"""Writing `.anir` files: all subnets of a picture in one stream, from the smallest level to the largest."""

from dataclasses import replace

from anir_runtime.anir_file import Header, Level, coder_for, least_bytes
from anir_runtime.anir_header import write_header
from anir_runtime.anir_networks import NetworkCoder
from anir_runtime.errors import AnirError
from anir_runtime.network import Network

Psnr = tuple[float, float, float]


class AnirWriter:
    """Encodes the levels of a file, one after the other."""

    def __init__(self, header: Header, most: int) -> None:
        """For a file with that header, but for its levels, and with a stream of `most` bytes at most."""
        self._header = header
        self.coder = coder_for(header)
        self.coder.encode(most)
        self._networks = NetworkCoder(self.coder, header.family, header.bits, header.colours)
        self._levels: list[Level] = []

    def add(self, network: Network, psnr: Psnr) -> None:
        """Ends a level, whose coefficients, if its family has any, are encoded already, with its network."""
        self._networks.code(network.depth, network.channels, network.tensors)
        if not self.coder.check():
            raise AnirError("the picture takes more decisions of its coder than .anir files may have")
        self._levels.append(Level(network.depth, network.channels, self.coder.position(), psnr))

    def finish(self) -> bytes:
        """The whole file."""
        stream = self.coder.finish()
        # Zeros behind it, where a picture has next to nothing to tell.
        stream += bytes(max(least_bytes(self._header) - len(stream), 0))
        last = replace(self._levels[-1], end=len(stream))
        return write_header(replace(self._header, start=0, levels=(*self._levels[:-1], last))) + stream
