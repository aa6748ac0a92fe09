"""Reads an `.anir` file that arrives piece by piece, and provides the best network so far."""

from anir_runtime.anir_file import AnirFile
from anir_runtime.anir_header import Header
from anir_runtime.errors import AnirError
from anir_runtime.network import Network
from anir_runtime.preview import Preview


class AnirStream:
    """An `.anir` file that is received in pieces."""

    def __init__(self, threads: int | None = None) -> None:
        """Starts without bytes. At most `threads` threads, by default one per core, decode large pictures."""
        self._threads = threads
        self._file = AnirFile(threads=threads)
        self._data = bytearray()
        self._before_damage: Network | None = None

    @property
    def header(self) -> Header | None:
        """The file's header; None until it is complete."""
        return self._file.header

    def feed(self, data: bytes) -> int:
        """Appends bytes, and returns the number of complete levels.

        Raises AnirError if the file is damaged or cannot be read.
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
                    # Coefficients have been refined since the last good level, which is decoded again.
                    again = AnirFile(bytes(self._data), self._threads)
                    self._before_damage = again.network(file.decoded - 1, last=True)
                raise
        return file.decoded

    def best(self) -> Network | Preview | None:
        """Returns the last complete level's network, refined by later bytes; before the first one, a preview.

        If the file is damaged, returns the last network before the damage. None if nothing can be drawn.
        """
        if self._file.decoded < self._file.available:
            return self._before_damage
        return self._file.refined() if self._file.decoded else self._file.preview()
