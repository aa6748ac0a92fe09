"""Reads CICP code points (ITU-T H.273) from PNG's cICP chunk and AVIF's colr box, as Pillow does not."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

_LONGEST_HEADER = 2**20
"""Bytes of a file that are searched, which is more than precede the pixels."""


@dataclass(frozen=True)
class Cicp:
    """A file's colour space as code points."""

    primaries: int
    transfer: int


def read_cicp(image: Image.Image) -> Cicp | None:
    """Returns the code points of an opened picture, or None; restores its file's position."""
    file = getattr(image, "fp", None)
    if file is None or image.format not in ("PNG", "AVIF"):
        return None
    position = file.tell()
    file.seek(0)
    data = memoryview(file.read(_LONGEST_HEADER))
    file.seek(position)
    try:
        return _of_png(data) if image.format == "PNG" else _of_avif(data)
    except (struct.error, LookupError):
        return None


def _of_png(data: memoryview) -> Cicp | None:
    """Searches a PNG's chunks for cICP, whose last byte is 1 for values of full range.

    A chunk is length, type, content and checksum.
    """
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IDAT":
            return None
        if kind == b"cICP":
            primaries, transfer, _, full_range = struct.unpack_from("4B", data, at + 8)
            return Cicp(primaries, transfer) if full_range else None
        at += 12 + length
    return None


def _of_avif(data: memoryview) -> Cicp | None:
    """Finds the primary item's colr box of type nclx (ISO/IEC 14496-12 and 23008-12)."""
    meta = _box(data, b"meta")[4:]
    (primary,) = struct.unpack_from(">I" if _box(meta, b"pitm")[0] else ">H", _box(meta, b"pitm"), 4)
    shared = _box(meta, b"iprp")
    properties = list(_boxes(_box(shared, b"ipco")))
    for index in _properties_of(_box(shared, b"ipma"), primary):
        kind, content = properties[index - 1]
        if kind == b"colr" and bytes(content[:4]) == b"nclx":
            primaries, transfer = struct.unpack_from(">HH", content, 4)
            return Cicp(primaries, transfer)
    return None


def _properties_of(associations: memoryview, item: int) -> Iterator[int]:
    """Yields the indices, from 1, of an item's properties in an ipma box."""
    version, flags, count = struct.unpack_from(">B3sI", associations)
    entry, link = (">IB" if version else ">HB"), (">H" if flags[2] & 1 else ">B")
    at = 8
    for _ in range(count):
        owner, links = struct.unpack_from(entry, associations, at)
        at += struct.calcsize(entry)
        for _ in range(links):
            (value,) = struct.unpack_from(link, associations, at)
            at += struct.calcsize(link)
            index = value & (0x7FFF if link == ">H" else 0x7F)
            if owner == item and index:
                yield index


def _box(data: memoryview, kind: bytes) -> memoryview:
    """Returns the content of the first box of a kind. Raises LookupError if there is none."""
    for found, content in _boxes(data):
        if found == kind:
            return content
    raise LookupError(kind)


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yields each box's kind and content.

    A size of 1 means that a size of 64 bits follows, and 0 that the box extends to the end.
    """
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            header = 16
        elif size == 0:
            size = len(data) - at
        if size < header:
            return
        yield kind, data[at + header : at + size]
        at += size
