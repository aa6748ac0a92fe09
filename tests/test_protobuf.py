from contextlib import suppress

import pytest
from anir_runtime.errors import AnirError
from anir_runtime.protobuf import Reader, write
from hypothesis import given
from hypothesis import strategies as st

CONTENTS = st.integers(0, 2**64 - 1) | st.binary(max_size=40)
MESSAGES = st.lists(st.tuples(st.integers(1, 2**29 - 1), CONTENTS), max_size=8)


def _fields(message: bytes) -> list[tuple[int, int | bytes]]:
    found = Reader().fields(memoryview(message))
    return [(number, content if isinstance(content, int) else bytes(content)) for number, content in found]


@given(MESSAGES)
def test_written_fields_are_read_back(fields: list[tuple[int, int | bytes]]) -> None:
    assert _fields(write(*fields)) == fields


@given(MESSAGES, st.integers(0, 400))
def test_a_truncated_message_has_its_first_fields_or_is_refused(
    fields: list[tuple[int, int | bytes]], size: int
) -> None:
    message = write(*fields)[:size]
    try:
        found = _fields(message)
    except AnirError:
        assert size < len(write(*fields))
    else:
        assert found == fields[: len(found)]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(message: bytes) -> None:
    with suppress(AnirError):
        assert all(0 <= number < 2**61 for number, _ in _fields(message))


def test_negative_numbers_and_texts_are_encoded() -> None:
    assert _fields(write((3, -1), (4, "ω"))) == [(3, 2**64 - 1), (4, "ω".encode())]


def test_fields_of_fixed_size_are_bytes_and_delimited_fields_are_views() -> None:
    message = bytes([1 << 3 | 5, 1, 2, 3, 4, 2 << 3 | 1, *range(8), 3 << 3 | 2, 1, 9])
    contents = [content for _, content in Reader().fields(memoryview(message))]
    assert contents[:2] == [bytes([1, 2, 3, 4]), bytes(range(8))]
    assert [type(content) for content in contents] == [bytes, bytes, memoryview]


@pytest.mark.parametrize(
    "message",
    [
        b"\x0b\x08\x01\x0c",
        b"\x0c",
        b"\x0e\x00",
        b"\x02\x01a",
        b"\x0a\x05abcd",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x08" + b"\x80" * 10 + b"\x01",
        b"\x08\x80",
        b"\x0d\x01\x02\x03",
    ],
    ids=[
        "group",
        "end",
        "kind 6",
        "field 0",
        "too short",
        "2^63 long",
        "long varint",
        "cut varint",
        "cut number",
    ],
)
def test_invalid_messages_are_refused(message: bytes) -> None:
    with pytest.raises(AnirError, match="damaged"):
        _fields(message)


def test_packed_integers_are_read() -> None:
    content = write((1, 300), (1, 0), (1, -1)).replace(b"\x08", b"")
    assert list(Reader().varints(memoryview(content))) == [300, 0, 2**64 - 1]
    with pytest.raises(AnirError, match="damaged"):
        list(Reader().varints(memoryview(content[:-1])))


def test_the_total_number_of_fields_is_limited() -> None:
    reader, message = Reader(), memoryview(b"\x08\x01" * 50_000)
    assert len(list(reader.fields(message))) == 50_000
    assert len(list(reader.fields(message))) == 50_000
    with pytest.raises(AnirError, match="too many parts"):
        list(reader.fields(message))
