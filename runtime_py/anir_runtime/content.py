"""Reads the content of a neural image from a path, from bytes, or from an open file."""

import os
from typing import BinaryIO, NamedTuple, cast

from anir_runtime.errors import AnirError

MAX_FILE_BYTES = 64 << 20


class Content(NamedTuple):
    """The content of a file that was read, and what messages call it."""

    name: str
    data: bytes


Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Content
"""A path, the bytes of a file, an open binary file, or what `read_source` returned."""


def read_source(source: Source) -> Content:
    """Reads a source. Raises AnirError if it cannot be read, or is too large."""
    if isinstance(source, Content):
        return source
    name = os.fspath(source) if isinstance(source, str | os.PathLike) else "the image"
    try:
        if isinstance(source, str | os.PathLike):
            with open(source, "rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
        elif hasattr(source, "read"):
            data = _read_all(cast(BinaryIO, source))
        else:
            # Arrays of bytes have no common type in Python 3.11.
            data = memoryview(source).tobytes()
    except FileNotFoundError as error:
        raise AnirError(f"{name}: no such file") from error
    except TypeError as error:
        raise AnirError(f"{name}: neither a path, nor bytes, nor a file opened in binary mode") from error
    except (OSError, ValueError) as error:
        raise AnirError(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if len(data) > MAX_FILE_BYTES:
        raise AnirError(f"{name}: larger than {MAX_FILE_BYTES >> 20} MiB, no neural image is")
    return Content(name, data)


def _read_all(file: BinaryIO) -> bytes:
    """Reads an open file to its end, in pieces as pipes deliver it; stops beyond `MAX_FILE_BYTES`."""
    data = bytearray()
    while len(data) <= MAX_FILE_BYTES and (part := file.read(MAX_FILE_BYTES + 1 - len(data))):
        data += part
    return bytes(data)
