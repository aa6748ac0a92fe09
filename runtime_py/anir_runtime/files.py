"""Writing files so that a half-written one is never left."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anir_runtime.errors import AnirError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path` to write to, then renames it to `path`.

    On any failure the temporary file is removed and what was at `path` stays. Missing parent folders are
    made. Raises AnirError if the place cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.is_dir():
            raise AnirError(f"{path}: is a folder; name a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise AnirError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        # Nothing is left to remove after a rename; a folder that cannot be read has nothing either.
        if temporary.parent.is_dir():
            temporary.unlink(missing_ok=True)
