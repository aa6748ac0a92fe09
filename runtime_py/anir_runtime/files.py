"""Writing files and folders so that a half-written one is never left."""

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
"""What this process is writing."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path` to write to, then renames it to `path`.

    On any failure the temporary file is removed and what was at `path` stays. Missing parent folders are
    made, a symbolic link is followed, and what a killed process left in the folder is removed. Raises
    AnirError if the place cannot be written, or is a folder or a device.
    """
    temporary = None
    try:
        target = path.resolve()
        if target.is_dir():
            raise AnirError(f"{path}: is a folder; name a file")
        if target.exists() and not target.is_file():
            raise AnirError(f"{path}: is not a file that can be replaced")
        temporary = _temporary_in(target.parent)
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise AnirError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        if temporary is not None:
            # Nothing is left after a rename.
            temporary.unlink(missing_ok=True)
            _unfinished.discard(temporary)


@contextmanager
def replacing_folder(directory: Path, last: str) -> Iterator[Path]:
    """Yields a new, empty folder to write files to, which become those of `directory` once all are written.

    On any failure nothing in `directory` has changed. A folder that is not there yet appears in one piece. In
    one that is, files of other names stay, and the new ones are moved in one after another, that named `last`
    after all others. Raises AnirError if the place cannot be written or is a file.
    """
    temporary = None
    try:
        target = directory.resolve()
        if target.exists() and not target.is_dir():
            raise AnirError(f"{directory}: is a file; name a folder")
        # Within a folder that exists: its parent may be on another disk.
        temporary = _temporary_in(target if target.exists() else target.parent)
        temporary.mkdir()
        yield temporary
        if target.exists():
            for file in sorted(temporary.iterdir(), key=lambda file: file.name == last):
                file.replace(target / file.name)
        else:
            temporary.rename(target)
    except OSError as error:
        raise AnirError(f"{directory}: cannot be written ({error.strerror or error})") from error
    finally:
        if temporary is not None:
            if temporary.exists():
                shutil.rmtree(temporary)
            _unfinished.discard(temporary)


def remove_unfinished() -> None:
    """Removes what this process is writing, whatever its threads do, just before it ends."""
    for temporary in list(_unfinished):
        _remove(temporary)


def _temporary_in(folder: Path) -> Path:
    """A path that no other process uses; its name is short, whatever that of the file is to be."""
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    temporary = folder / f".anir-{_HOST}-{os.getpid()}-{next(_numbers)}.part"
    _unfinished.add(temporary)
    return temporary


@cache
def _sweep(folder: Path) -> None:
    """Removes what processes of this machine that are dead left in a folder, once for each folder."""
    for left in folder.glob(f".anir-{_HOST}-*-*.part"):
        process = left.name.removeprefix(f".anir-{_HOST}-").split("-")[0]
        if process.isdigit() and not _is_alive(int(process)):
            _remove(left)


def _remove(left: Path) -> None:
    # It may be another user's, or another process sweeps at the same time.
    with suppress(OSError):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def _is_alive(process: int) -> bool:
    if os.name != "posix":
        return True  # elsewhere os.kill ends a process, whatever the signal
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
