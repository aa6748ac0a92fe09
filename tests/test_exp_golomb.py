"""Tests Exp-Golomb codes against the published table, and that numbers round-trip."""

import pytest
from anir_runtime.errors import AnirError
from anir_runtime.exp_golomb import BitReader, IncompleteError, folded, golomb, packed
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("number", "order", "code"),
    [
        (0, 0, "1"),
        (1, 0, "010"),
        (2, 0, "011"),
        (3, 0, "00100"),
        (0, 2, "100"),
        (3, 2, "111"),
        (4, 2, "01000"),
    ],
)
def test_codes_are_those_of_the_published_table(number: int, order: int, code: str) -> None:
    assert golomb(number, order) == code


@given(st.lists(st.tuples(st.integers(0, 2**28), st.integers(0, 12))))
def test_numbers_round_trip(numbers: list[tuple[int, int]]) -> None:
    data = b"?" + packed("".join(golomb(*number) for number in numbers))
    reader = BitReader(data, 1)
    assert [reader.golomb(order) for _, order in numbers] == [number for number, _ in numbers]
    assert reader.position() == len(data)


@given(st.integers(-(2**26), 2**26))
def test_signed_numbers_round_trip(number: int) -> None:
    assert BitReader(packed(golomb(folded(number), 2)), 0).signed(2) == number


def test_bytes_are_read_from_the_next_byte_boundary() -> None:
    reader = BitReader(b"\xa5\x01\x02\x03", 0)
    assert (reader.bits(3), reader.position(), reader.take(2), reader.bits(8)) == (5, 1, b"\x01\x02", 3)
    with pytest.raises(IncompleteError):
        reader.bits(1)
    with pytest.raises(IncompleteError):
        BitReader(b"\xa5", 0).take(2)


def test_codes_that_are_too_long_or_truncated_are_refused() -> None:
    with pytest.raises(AnirError, match="damaged"):
        BitReader(bytes(100), 0).golomb(0)
    with pytest.raises(IncompleteError):
        BitReader(bytes(2), 0).golomb(0)
