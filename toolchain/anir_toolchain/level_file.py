"""An `.anir` file on disk, or the beginning of one: its levels, and their networks."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from anir_runtime.anir_file import AnirFile, least_bytes
from anir_runtime.anir_header import MAGIC, Header, Level
from anir_runtime.content import read_source
from anir_runtime.errors import AnirError, UsageError
from anir_runtime.network import Network

ANIR = ".anir"
"""Suffix of `.anir` files' names."""


def is_anir(path: Path) -> bool:
    """Whether a file is an `.anir` file by its name or first bytes. Raises UsageError if it is a pipe."""
    if path.suffix.lower() == ANIR or path.is_dir():
        return path.suffix.lower() == ANIR and not path.is_dir()
    if path.exists() and not path.is_file():
        # What is read of it here could not be read again.
        raise UsageError(f"{path}: neither a file nor a folder; write it to a file first")
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


@dataclass(frozen=True)
class LevelFile:
    """An `.anir` file, or the beginning of one.

    Attributes:
        path: the file's path.
        data: its bytes.
        header: its header.
        complete: the levels that are complete, from the smallest to the largest; at least one.
    """

    path: Path
    data: bytes
    header: Header
    complete: tuple[Level, ...]

    @classmethod
    def read(cls, path: Path) -> "LevelFile":
        """Reads the file. Raises AnirError if it is no `.anir` file, or has no complete level."""
        _, data = read_source(path)
        try:
            file = AnirFile(data)
        except AnirError as error:
            raise AnirError(f"{path}: {error}") from error
        if file.header is None or not file.available:
            raise AnirError(
                f"{path}: ends after {len(data)} bytes, before its first picture; fetch more of it"
            )
        return cls(path, data, file.header, file.header.levels[: file.available])

    def prefix(self, level: Level) -> bytes:
        """Returns the bytes up to a level's end, but no fewer than readers require to draw anything."""
        return self.data[: max(level.end, least_bytes(self.header))]

    def check_complete(self) -> None:
        """Raises AnirError if a level is incomplete or missing."""
        if len(self.complete) < len(self.header.levels):
            raise AnirError(
                f"{self.path}: ends after {len(self.data)} of {self.header.levels[-1].end} bytes, with "
                f"{len(self.complete)} of {len(self.header.levels)} levels; fetch the rest of it"
            )

    def check_names(self, names: Collection[str]) -> None:
        """Raises AnirError if one of the names is not that of a complete level."""
        have = [level.name for level in self.complete]
        for name in names:
            if name not in have:
                raise AnirError(f"{self.path}: no level '{name}'; there are {', '.join(have)}")

    def networks(self, names: Collection[str] | None = None) -> Iterator[tuple[Level, Network]]:
        """Yields the complete levels, or those with the given names, each with its network.

        Raises AnirError if a level is damaged.
        """
        file = AnirFile(self.data)
        for number, level in enumerate(self.complete):
            if names is None or level.name in names:
                try:
                    network = file.network(number)
                except AnirError as error:
                    raise AnirError(f"{self.path}: {error}") from error
                yield level, network
