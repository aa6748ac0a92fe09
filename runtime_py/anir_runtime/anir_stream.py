"""An `.anir` file that comes piece by piece: the best network of what is there."""

from anir_runtime.anir_file import AnirFile
from anir_runtime.anir_header import Header
from anir_runtime.errors import AnirError
from anir_runtime.network import Network
from anir_runtime.preview import Preview


class AnirStream:
    """The beginning of an `.anir` file, which may become longer."""

    def __init__(self, threads: int | None = None) -> None:
        """Strips of large pictures are decoded on so many threads, as many as there are cores by default."""
        self._threads = threads
        self._file = AnirFile(threads=threads)
        self._data = bytearray()
        self._before_damage: Network | None = None

    @property
    def header(self) -> Header | None:
        """The file's header; none until all of it has come."""
        return self._file.header

    def feed(self, data: bytes) -> int:
        """Takes more bytes; how many levels are whole now.

        Raises AnirError if the file is damaged or none that can be read.
        """
        file = self._file
        if file.header is None or file.size < file.header.levels[-1].end:
            self._data += data
        file.feed(data)
        if file.header is not None and file.decoded < file.available:
            try:
                file.network(last=file.available == len(file.header.levels))
            except AnirError:
                if file.decoded and self._before_damage is None:
                    # What is known of coefficients has changed since: they are decoded again.
                    again = AnirFile(bytes(self._data), self._threads)
                    self._before_damage = again.network(file.decoded - 1, last=True)
                raise
        return file.decoded

    def best(self) -> Network | Preview | None:
        """The network of the last whole level, refined by what came after it; before the first, a preview.

        If the file is damaged, that is the last level before the damage.
        """
        if self._file.decoded < self._file.available:
            return self._before_damage
        return self._file.refined() if self._file.decoded else self._file.preview()
