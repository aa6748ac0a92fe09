"""Mutations of files: of bytes, of protobuf messages, of JSON values and of zip archives.

Every mutation takes a random generator and the bytes of a valid file, and returns the bytes of a damaged one.
"""

import io
import json
import random
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

Mutation = Callable[[random.Random, bytes], bytes]

_NUMBERS = (
    0,
    1,
    2,
    7,
    127,
    128,
    255,
    2**15,
    2**16,
    2**31 - 1,
    2**31,
    2**32,
    2**48,
    2**63 - 1,
    2**63,
    2**64 - 1,
)
_TEXTS = ("", "x", "\0", "../x", "/etc/hostname", "\x1b[31m", "\ud800", "9" * 400, "nan", "-1", "é" * 1000)
_DEPTH = 6
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def flip(rng: random.Random, data: bytes) -> bytes:
    """Changes one to eight bits."""
    result = bytearray(data or b"\0")
    for _ in range(rng.randint(1, 8)):
        result[rng.randrange(len(result))] ^= 1 << rng.randrange(8)
    return bytes(result)


def cut(rng: random.Random, data: bytes) -> bytes:
    """Truncates the file at a random position."""
    return data[: rng.randrange(len(data) + 1)]


def remove(rng: random.Random, data: bytes) -> bytes:
    """Removes a run of bytes."""
    first, last = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:first] + data[last:]


def repeat(rng: random.Random, data: bytes) -> bytes:
    """Repeats a run of bytes once, twice or thirty times."""
    first, last = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:last] + data[first:last] * rng.choice((1, 2, 30)) + data[last:]


def overwrite(rng: random.Random, data: bytes) -> bytes:
    """Replaces a run of bytes by random bytes, zero bits or one bits."""
    first = rng.randrange(len(data) + 1)
    length = rng.choice((1, 2, 4, 8, 64))
    fill = rng.choice((rng.randbytes(length), b"\0" * length, b"\xff" * length))
    return data[:first] + fill + data[first + length :]


BYTES: Sequence[Mutation] = (flip, cut, remove, repeat, overwrite)


Field = tuple[int, int, Any]
"""Number, wire type and value of a field: an int, bytes, or the list of a nested message's fields."""


def protobuf(rng: random.Random, data: bytes) -> bytes:
    """Changes one to three fields of a protobuf message, at any depth, and corrects the enclosing lengths."""
    message = _parse(data, _DEPTH)
    if not message:
        return flip(rng, data)
    for _ in range(rng.randint(1, 3)):
        _change(rng, message)
    return _serialize(message)


def _change(rng: random.Random, message: list[Field]) -> None:
    if not message:
        return
    at = rng.randrange(len(message))
    number, wire, value = message[at]
    if isinstance(value, list) and rng.random() < 0.8:
        _change(rng, value)
        return
    match rng.randrange(7):
        case 0:
            del message[at]
        case 1:
            message.insert(rng.randrange(len(message) + 1), message[at])
        case 2:
            message.insert(at, message[rng.randrange(len(message))])
        case 3:
            message[at] = (rng.choice((number + 1, rng.randrange(1, 32), 2**29 - 1)), wire, value)
        case 4:
            message[at] = (number, _VARINT, rng.choice(_NUMBERS))
        case 5:
            nested = [(number, _LENGTH, value)] * rng.choice((1, 50))
            message[at] = (number, _LENGTH, nested) if isinstance(value, list | bytes) else message[at]
        case _:
            message[at] = (number, wire, _changed(rng, value))


def _changed(rng: random.Random, value: Any) -> Any:
    if isinstance(value, int):
        return rng.choice(_NUMBERS)
    data = _serialize(value) if isinstance(value, list) else value
    if rng.random() < 0.3:
        return rng.choice(_TEXTS).encode("utf-8", "surrogatepass")
    return rng.choice(BYTES)(rng, data)


def _parse(data: bytes, depth: int) -> list[Field]:
    """Returns the fields of a message, or none if the bytes are no message."""
    fields, at = list[Field](), 0
    try:
        while at < len(data):
            key, at = _varint(data, at)
            number, wire = key >> 3, key & 7
            if number == 0:
                return []
            value: Any
            if wire == _VARINT:
                value, at = _varint(data, at)
            elif wire in (_FIXED64, _FIXED32):
                size = 8 if wire == _FIXED64 else 4
                value, at = data[at : at + size], at + size
            elif wire == _LENGTH:
                size, at = _varint(data, at)
                value, at = data[at : at + size], at + size
                value = (depth and _parse(value, depth - 1)) or value
            else:
                return []
            fields.append((number, wire, value))
    except IndexError:
        return []
    return fields if at == len(data) else []


def _serialize(message: list[Field]) -> bytes:
    parts = []
    for number, wire, value in message:
        if isinstance(value, int):
            parts.append(_as_varint(number << 3 | _VARINT) + _as_varint(value))
        elif wire in (_FIXED64, _FIXED32) and isinstance(value, bytes):
            parts.append(_as_varint(number << 3 | wire) + value)
        else:
            data = _serialize(value) if isinstance(value, list) else value
            parts.append(_as_varint(number << 3 | _LENGTH) + _as_varint(len(data)) + data)
    return b"".join(parts)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _as_varint(value: int) -> bytes:
    result = bytearray()
    while value > 127:
        result.append(value & 127 | 128)
        value >>= 7
    result.append(value)
    return bytes(result)


_VALUES: tuple[Any, ...] = (*_TEXTS, *_NUMBERS, -1, 1e308, None, True, [], {}, [[[[]]]], {"a": {"b": 1}})


def json_value(rng: random.Random, data: bytes) -> bytes:
    """Changes, removes or adds one value of a JSON document."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return flip(rng, data)
    _change_json(rng, document)
    text = json.dumps(document)
    text = rng.choice((text, text.replace("1", "NaN", 1), "\ufeff" + text, "[" * 5000 + text, text[:-1]))
    return text.encode()


def _change_json(rng: random.Random, value: Any) -> None:
    if not isinstance(value, dict | list) or not value:
        return
    key = rng.choice(list(value) if isinstance(value, dict) else range(len(value)))
    if isinstance(value[key], dict | list) and rng.random() < 0.8:
        _change_json(rng, value[key])
    elif rng.random() < 0.2:
        del value[key]
    else:
        value[key] = rng.choice(_VALUES)


def archive(rng: random.Random, data: bytes) -> bytes:
    """Changes or removes one member of a zip archive, such as a checkpoint, or replaces it by many zeros."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as source:
            members = {name: source.read(name) for name in source.namelist()}
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, RuntimeError):
        return flip(rng, data)
    if not members:
        return flip(rng, data)
    name = rng.choice(list(members))
    match rng.randrange(4):
        case 0:
            del members[name]
        case 1:
            members[name] = bytes(2 ** rng.randrange(10, 23))
        case _:
            members[name] = rng.choice(BYTES)(rng, members[name])
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as target:
        for member, content in members.items():
            target.writestr(member, content)
    return result.getvalue()
