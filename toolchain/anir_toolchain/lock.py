"""A lock that lets one process at a time write a file, and is freed whenever its holder ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anir_runtime.errors import AnirError

try:
    import fcntl
except ImportError:  # on Windows, where the lock file keeps nobody out
    fcntl = None  # type: ignore[assignment]


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
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _acquire(lock: Path) -> int:
    """Returns a descriptor that holds the lock. Raises BlockingIOError if another process holds it."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if fcntl is None:
                return descriptor
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last holder may have removed the file since it was opened here; then try again.
            if lock.exists() and os.path.samestat(lock.stat(), os.fstat(descriptor)):
                return descriptor
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
