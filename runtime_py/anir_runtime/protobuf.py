"""Reads and writes the wire format of protobuf: https://protobuf.dev/programming-guides/encoding."""

from collections.abc import Iterator

from anir_runtime.errors import AnirError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_MOST_PARTS = 1 << 18

Content = int | bytes | memoryview
"""The content of a field: a varint, the bytes of a fixed-size number, or a view of length-delimited data."""


class Reader:
    """Parses messages; the varints in them are at most `_MOST_PARTS` in all, which bounds the time."""

    def __init__(self) -> None:
        self._left = _MOST_PARTS

    def fields(self, message: memoryview) -> Iterator[tuple[int, Content]]:
        """Yields each field's number and content. Raises AnirError if the message is damaged or too large."""
        at = 0
        while at < len(message):
            tag, at = self._varint(message, at)
            number, kind = tag >> 3, tag & 7
            if kind == VARINT:
                value, at = self._varint(message, at)
                yield number, value
                continue
            if kind == LENGTH:
                size, at = self._varint(message, at)
            elif kind in (FIXED64, FIXED32):
                size = 8 if kind == FIXED64 else 4
            else:
                raise damaged()
            content, at = message[at : at + size], at + size
            if number == 0 or at > len(message):
                raise damaged()
            yield number, content if kind == LENGTH else bytes(content)

    def varints(self, content: memoryview) -> Iterator[int]:
        """Yields packed integers. Raises AnirError as `fields` does."""
        at = 0
        while at < len(content):
            value, at = self._varint(content, at)
            yield value

    def _varint(self, message: memoryview, at: int) -> tuple[int, int]:
        """Returns the integer of at most 64 bits that begins at `at`, and the position after it."""
        self._left -= 1
        if self._left < 0:
            raise AnirError("has too many parts for a neural image")
        value = 0
        for k, octet in enumerate(message[at : at + _LONGEST_VARINT]):
            value |= (octet & 127) << 7 * k
            if octet < 128:
                return value & 2**64 - 1, at + k + 1
        raise damaged()


def damaged() -> AnirError:
    """Returns the error for bytes that are not the expected message."""
    return AnirError("not an ONNX file, or a damaged one")


def text(content: Content) -> str:
    """Returns the text of a field. Raises AnirError if the field is no text."""
    try:
        return str(message_in(content), "utf-8")
    except UnicodeDecodeError as error:
        raise damaged() from error


def message_in(content: Content) -> memoryview:
    """Returns a length-delimited field. Raises AnirError if it is of another kind."""
    if not isinstance(content, memoryview):
        raise damaged()
    return content


def write(*fields: tuple[int, int | str | bytes]) -> bytes:
    """Returns a message of fields: pairs of a field number and a varint, a string or bytes."""
    message = b""
    for number, content in fields:
        if isinstance(content, int):
            message += _varint(number << 3 | VARINT) + _varint(content)
        else:
            octets = content.encode() if isinstance(content, str) else content
            message += _varint(number << 3 | LENGTH) + _varint(len(octets)) + octets
    return message


def _varint(value: int) -> bytes:
    octets, value = bytearray(), value & 2**64 - 1
    while value >= 128:
        octets.append(value & 127 | 128)
        value >>= 7
    return bytes([*octets, value])
