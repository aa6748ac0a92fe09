"""A lock that lets one process at a time write a file, and is freed whenever its holder ends."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from anir_runtime.errors import AnirError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock of the file `path`, `.<name>.lock` beside it; creates the folder if it is missing.

    A lock file that a killed process left behind is ignored. Raises AnirError if another process holds the
    lock, or if the folder cannot be written.
    """
    target = path.resolve()
    lock = target.with_name(f".{target.name}.lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _acquire(lock)
    except BlockingIOError as error:
        raise AnirError(
            f"{path}: another run is writing it; wait for its end, or name another file"
        ) from error
    except OSError as error:
        raise AnirError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        yield
    finally:
        _release(lock, descriptor)


def _acquire(lock: Path) -> int:
    """Returns a descriptor that holds the lock. Raises BlockingIOError if another process holds it."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _hold(descriptor)
            if _is_still(lock, descriptor):
                return descriptor
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _hold(descriptor: int) -> None:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, error.strerror) from error

    def _is_still(lock: Path, descriptor: int) -> bool:
        return True  # as long as a file is open, nobody can remove it

    def _release(lock: Path, descriptor: int) -> None:
        os.close(descriptor)
        # If another process has opened the file by now, that one removes it.
        with suppress(PermissionError):
            lock.unlink(missing_ok=True)

else:
    import fcntl

    def _hold(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _is_still(lock: Path, descriptor: int) -> bool:
        # The last holder may have removed the file since it was opened here.
        return lock.exists() and os.path.samestat(lock.stat(), os.fstat(descriptor))

    def _release(lock: Path, descriptor: int) -> None:
        # Removed while it is held: afterwards it may be another process's.
        lock.unlink(missing_ok=True)
        os.close(descriptor)
