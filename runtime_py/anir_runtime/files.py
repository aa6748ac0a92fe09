"""Writes files and folders atomically, so that no half-written one is left."""

import os
import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path

from anir_runtime.errors import AnirError

_HOST = re.sub(r"[^A-Za-z0-9.]", "_", platform.node())[:64]
_numbers = count()
_unfinished = set[Path]()
"""Temporary files and folders that this process is writing."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path` to write to, then renames it to `path`.

    On any failure, the temporary file is removed and a file at `path` stays as it was. Missing parent folders
    are created, a symbolic link is followed, and temporary files of killed processes are removed. Raises
    AnirError if `path` cannot be written, or is a folder or a device.
    """
    with _reporting_failures(path):
        target = path.resolve()
        if target.is_dir():
            raise AnirError(f"{path}: is a folder; name a file")
        if target.exists() and not target.is_file():
            raise AnirError(f"{path}: is not a file that can be replaced")
        with _temporary_in(target.parent) as temporary:
            yield temporary
            temporary.replace(target)


@contextmanager
def replacing_folder(directory: Path, last: str) -> Iterator[Path]:
    """Yields a new, empty folder, whose files are moved to `directory` once all of them are written.

    If writing fails, nothing in `directory` has changed. A new folder appears complete. In an existing one,
    files of other names stay, and the new files are moved in one by one, the one named `last` at the end.
    Raises AnirError if `directory` cannot be written, or is a file.
    """
    with _reporting_failures(directory):
        target = directory.resolve()
        if target.exists() and not target.is_dir():
            raise AnirError(f"{directory}: is a file; name a folder")
        # Within a folder that exists: its parent may be on another disk.
        with _temporary_in(target if target.exists() else target.parent) as temporary:
            temporary.mkdir()
            yield temporary
            if target.exists():
                for file in sorted(temporary.iterdir(), key=lambda file: file.name == last):
                    file.replace(target / file.name)
            else:
                temporary.rename(target)


def remove_unfinished() -> None:
    """Removes everything that this process is writing, just before it ends, even if threads still write."""
    for temporary in list(_unfinished):
        _remove(temporary)


@contextmanager
def _reporting_failures(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AnirError(f"{path}: cannot be written ({error.strerror or error})") from error


@contextmanager
def _temporary_in(folder: Path) -> Iterator[Path]:
    """Yields a path that no other process uses, with a short name, and removes what is left there."""
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    temporary = folder / f".anir-{_HOST}-{os.getpid()}-{next(_numbers)}.part"
    _unfinished.add(temporary)
    try:
        yield temporary
    finally:
        _remove(temporary)
        _unfinished.discard(temporary)


@cache
def _sweep(folder: Path) -> None:
    """Removes temporary files that dead processes of this machine left in a folder; once per folder."""
    for left in folder.glob(f".anir-{_HOST}-*-*.part"):
        process = left.name.removeprefix(f".anir-{_HOST}-").split("-")[0]
        if process.isdigit() and not _is_alive(int(process)):
            _remove(left)


def _remove(left: Path) -> None:
    # It may be gone, belong to another user, or be removed by another process at this moment.
    with suppress(OSError):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def _is_alive(process: int) -> bool:
    if os.name != "posix":
        return True  # outside POSIX, os.kill ends a process whatever the signal
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # a process of another user
    return True
