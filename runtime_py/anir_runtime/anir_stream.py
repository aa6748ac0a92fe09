"""An `.anir` file that comes piece by piece: the best network of what is there."""

from anir_runtime.anir_file import AnirFile, Header
from anir_runtime.errors import AnirError
from anir_runtime.network import Network


class AnirStream:
    """The beginning of an `.anir` file, which may become longer."""

    def __init__(self) -> None:
        self._file = AnirFile()
        self._whole: Network | None = None

    @property
    def header(self) -> Header | None:
        """The file's header; none until all of it has come."""
        return self._file.header

    def feed(self, data: bytes) -> int:
        """Takes more bytes; how many levels are whole now.

        Raises AnirError if the file is damaged or none that can be read.
        """
        self._file.feed(data)
        while self._file.decoded < self._file.available:
            self._whole = self._file.network(self._file.decoded)
        return self._file.decoded

    def best(self) -> Network | None:
        """The network of the last whole level, refined by what came after it; none before the first level.

        If the file is damaged, that is the last level before the damage.
        """
        try:
            return self._file.refined()
        except AnirError:
            # `feed` raised it already.
            return self._whole
