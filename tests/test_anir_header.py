"""Tests headers of `.anir` files: exact bytes, round trips, and predicted lengths that are out of range."""

from dataclasses import replace

import pytest
from anir_runtime.anir_header import RATES, Header, Level, read_header, write_header
from anir_runtime.errors import AnirError
from anir_runtime.exp_golomb import IncompleteError, damaged
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.anir_parts import AnirParts, LevelEntry

NAMES = [(depth, width) for width in (20, 24, 28, 32) for depth in (2, 3, 4, 5)]
SIZE = 768, 512
TARGETS = [rate * 768 * 512 // 8000 for rate in RATES]
BYTES = bytes.fromhex(
    "89616e6902534fffffd574739ce7161894af9d7c2bcae5e6eaf585e19d2f0d5d7bb2f897942bc4a979babc1cc5783a82f05ee0"
)
"""The header of sixteen levels that end some bytes before or after their targets."""
PSNR = [(20.0 + k, 22.5 + k, 25.0 + k) for k in range(16)]
ERRORS = [-9, -4, 0, 1, -70, 25, -3, -400, 12, -31, -32, 33, -100, -5, 900, -20]


def pinned() -> Header:
    levels = [
        Level(*name, target + error, quality)
        for name, target, error, quality in zip(NAMES, TARGETS, ERRORS, PSNR, strict=True)
    ]
    return Header("lapped", SIZE, 3, 4, 16, tuple(levels), len(BYTES))


def test_the_bytes_of_a_header_are_these() -> None:
    assert write_header(pinned()) == BYTES
    assert read_header(BYTES) == pinned()


def test_a_cut_header_is_incomplete_and_one_with_a_changed_bit_is_refused() -> None:
    for size in range(len(BYTES)):
        with pytest.raises(IncompleteError):
            read_header(BYTES[:size])
    for at in range(8 * len(BYTES)):
        changed = bytearray(BYTES)
        changed[at >> 3] ^= 1 << (at & 7)
        with pytest.raises(AnirError):
            read_header(bytes(changed))


@given(
    st.sampled_from(["siren", "gabor", "lapped"]),
    st.tuples(st.integers(1, 1 << 13), st.integers(1, 1 << 13)),
    st.lists(st.integers(1, 1 << 26), min_size=15, max_size=16),
    st.booleans(),
)
def test_lengths_of_any_levels_round_trip(
    family: str, size: tuple[int, int], lengths: list[int], is_grid: bool
) -> None:
    names = NAMES if is_grid else NAMES[::-1]
    end, levels = 0, list[Level]()
    for name, length, quality in zip(names, lengths, PSNR, strict=False):
        end += length
        levels.append(Level(*name, end, quality))
    header = Header(family, size, 3, 4, 16, tuple(levels), 0)
    data = write_header(header)
    moved = tuple(replace(level, end=level.end + len(data)) for level in levels)
    assert read_header(data) == replace(header, levels=moved, start=len(data))


def parts_of(lengths: list[int]) -> bytes:
    """Returns a header of sixteen levels with these bytes, which may be out of range."""
    entries = [LevelEntry(k % 4 << 4 | k // 4, length) for k, length in enumerate(lengths)]
    return AnirParts(2, 3 | 1 << 4, [*SIZE], [2, 3, 4, 5], [20, 24, 28, 32], entries, b"").data()


@pytest.mark.parametrize(
    ("level", "length"),
    [(0, 0), (0, -5), (7, 0), (7, -100_000), (15, 0), (15, 1 << 30), (15, (1 << 30) + (1 << 20))],
)
def test_ends_that_do_not_ascend_or_are_beyond_a_gigabyte_are_refused(level: int, length: int) -> None:
    lengths = [1] * 16
    assert [own.end for own in read_header(parts_of(lengths)).levels][-1] == len(parts_of(lengths)) + 16
    lengths[level] = length
    with pytest.raises(AnirError, match=str(damaged())):
        read_header(parts_of(lengths))


def test_ends_of_at_most_a_gigabyte_are_read() -> None:
    lengths = [1] * 14 + [1 << 29, (1 << 29) - 14]
    start = len(parts_of(lengths))
    lengths[-1] -= start
    assert len(parts_of(lengths)) == start
    assert read_header(parts_of(lengths)).levels[-1].end == 1 << 30
    lengths[-1] += 1
    with pytest.raises(AnirError, match="damaged"):
        read_header(parts_of(lengths))
