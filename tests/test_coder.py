"""Tests the coder in WebAssembly, also against its reference in Python."""

import gc
import re
import subprocess
import sys
import weakref
from itertools import pairwise

import numpy as np
import pytest
from anir_runtime.coder import Coder, Integers
from anir_runtime.errors import AnirError

from tests.embedded_reference import Levels
from tests.entropy_reference import Entropy

WIDTHS = (6000, 2400, 1100, 500, 130)


def lively(rows: int, columns: int, pitch: int, seed: int = 0, planes: int = 3) -> Integers:
    """Returns random coefficients that decrease with frequency, far larger in some cells than in others."""
    random = np.random.default_rng(seed)
    fall = 1 / (1 + np.add.outer(np.arange(pitch), np.arange(pitch))) ** 1.5
    cells = random.gamma(0.5, 4000, (rows, columns, planes, 1, 1))
    return np.rint(random.laplace(size=(rows, columns, planes, pitch, pitch)) * fall * cells).astype(np.int32)


def encoded(wanted: Integers) -> tuple[bytes, list[int], list[Integers]]:
    """Returns a stream of a level for each of WIDTHS, their ends, and the coefficients known at each end."""
    coder = Coder(*wanted.shape[:4])
    coder.encode(wanted.size * 4 + 100, wanted)
    ends, known = [], []
    for width in WIDTHS:
        coder.level(width)
        coder.symbols(3, 4, np.arange(16, dtype=np.uint8))
        coder.check()
        ends.append(coder.position())
        known.append(coder.values().copy())
    return coder.finish(), ends, known


@pytest.mark.parametrize(
    ("rows", "columns", "planes", "pitch"),
    [(3, 2, 3, 16), (9, 10, 3, 4), (1, 1, 3, 32), (3, 2, 1, 16), (3, 2, 4, 16), (9, 10, 4, 4)],
)
def test_the_reference_decodes_the_same_coefficients(
    rows: int, columns: int, planes: int, pitch: int
) -> None:
    data, _, known = encoded(lively(rows, columns, pitch, planes=planes))
    entropy = Entropy(data)
    levels = Levels(entropy, rows, columns, planes, pitch)
    for width, wanted in zip(WIDTHS, known, strict=True):
        levels.level(width)
        assert [entropy.symbol(4, 3) for _ in range(16)] == list(range(16))
        assert entropy.check()
        result = np.zeros_like(wanted)
        for at, value in levels.values().items():
            result[at] = value
        assert np.array_equal(result, wanted)


def test_errors_fall_from_level_to_level() -> None:
    wanted = lively(4, 4, 16)
    # The coder takes DCTs of DC coefficients but returns DC coefficients, so that these are not compared.
    wanted[..., 0, 0] = 0
    errors = [np.abs(own[..., 1:] - wanted[..., 1:]).mean() for own in encoded(wanted)[2]]
    # With so few cells, no coefficient may be significant in a coarse level: errors need not fall strictly.
    assert all(later <= earlier for earlier, later in pairwise(errors))
    assert errors[-1] < errors[0] / 2
    assert np.abs(encoded(wanted)[2][-1] - wanted)[..., 1:].max() < 130 * 5 / 3 + 130


def test_each_level_decodes_from_its_prefix() -> None:
    wanted = lively(4, 5, 16)
    data, ends, known = encoded(wanted)
    for count, end in enumerate(ends, 1):
        coder = Coder(4, 5, 3, 16)
        coder.decode(data[:end])
        for width in WIDTHS[:count]:
            assert coder.level(width)
            coder.symbols(3, 4, np.zeros(16, np.uint8))
            assert coder.check()
        assert np.array_equal(coder.values(), known[count - 1])


def test_an_incomplete_level_is_decoded_as_far_as_it_goes() -> None:
    wanted = lively(4, 5, 16)
    data, ends, known = encoded(wanted)
    coder = Coder(4, 5, 3, 16)
    middle = (ends[3] + ends[4]) // 2
    coder.decode(data[:middle])
    for k in range(4):
        coder.level(WIDTHS[k])
        coder.symbols(3, 4, np.zeros(16, np.uint8))
        coder.check()
    coder.keep()
    assert not coder.level(WIDTHS[4])
    # The first row of cells already has its final values.
    assert np.array_equal(coder.values()[:1, :, :, 1:], known[4][:1, :, :, 1:])
    assert not np.array_equal(coder.values()[3:, :, :, 1:], known[4][3:, :, :, 1:])
    coder.restore()
    coder.feed(data[middle:])
    assert coder.level(WIDTHS[4])
    coder.symbols(3, 4, np.zeros(16, np.uint8))
    assert coder.check()
    assert np.array_equal(coder.values(), known[4])


def test_flipped_bits_are_detected() -> None:
    data, _, _ = encoded(lively(4, 5, 16))
    missed = 0
    random = np.random.default_rng(1)
    for place in random.integers(0, len(data) - 8, 100):
        damaged = bytearray(data)
        damaged[place] ^= 1 << random.integers(8)
        coder = Coder(4, 5, 3, 16)
        coder.decode(bytes(damaged))
        whole = True
        for width in WIDTHS:
            coder.level(width)
            coder.symbols(3, 4, np.zeros(16, np.uint8))
            whole &= coder.check()
        missed += whole
    assert missed == 0


def test_the_number_of_decisions_per_byte_is_limited() -> None:
    coder = Coder(0, 0, 3, 16)
    coder.encode(1 << 16)
    # A symbol that is always the same takes eight decisions, but hardly any bits.
    alike = np.zeros((1 << 20) - 10, np.uint8)
    coder.symbols(0, 8, alike)
    assert coder.check()
    coder.symbols(0, 8, np.zeros(1 << 18, np.uint8))
    assert not coder.check()
    data = coder.finish()
    coder = Coder(0, 0, 3, 16)
    coder.decode(data)
    assert np.array_equal(coder.symbols(0, 8, alike), alike)
    assert coder.check()
    coder.symbols(0, 8, np.zeros(1 << 18, np.uint8))
    assert not coder.check()


def test_coefficients_outlive_the_coder_that_holds_them() -> None:
    coder = Coder(2, 2, 1, 16)
    coder.encode(4096, np.full((2, 2, 1, 16, 16), 1000, np.int32))
    coder.level(500)
    owner, values = weakref.ref(coder), coder.values()
    del coder
    gc.collect()
    assert owner() is not None
    assert np.abs(values).max() > 500


def test_too_little_memory_is_an_error_of_one_line() -> None:
    """The process may use 3 GiB of address space, but WebAssembly reserves 4 GiB."""
    code = """
import resource
from anir_runtime.coder import Coder
from anir_runtime.errors import AnirError
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, resource.RLIM_INFINITY))
try:
    Coder(0, 0, 3, 16)
except AnirError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"WebAssembly, which decodes .anir files, does not start \([^\n]+\)\n", done.stdout)


def test_bits_and_symbols_round_trip() -> None:
    random = np.random.default_rng(2)
    numbers = random.integers(0, 256, 300).astype(np.uint8)
    coder = Coder(0, 0, 3, 16)
    coder.encode(4096)
    coder.bits(32, 0xFEDCBA98)
    coder.symbols(0, 8, numbers)
    coder.symbols(1, 3, numbers & 7)
    data = coder.finish()
    other = Coder(0, 0, 3, 16)
    other.decode(data)
    assert other.bits(32) == 0xFEDCBA98
    assert np.array_equal(other.symbols(0, 8, np.zeros(300, np.uint8)), numbers)
    assert np.array_equal(other.symbols(1, 3, np.zeros(300, np.uint8)), numbers & 7)


def test_a_repeated_symbol_takes_few_bytes() -> None:
    coder = Coder(0, 0, 3, 16)
    coder.encode(4096)
    coder.symbols(0, 8, np.full(1000, 77, np.uint8))
    assert len(coder.finish()) < 60


def test_addresses_beyond_two_gigabytes_are_unsigned(monkeypatch: pytest.MonkeyPatch) -> None:
    coder = Coder(1, 1, 1, 16)
    monkeypatch.setattr(coder, "_call", lambda name: -5)
    assert coder._address("room") == 2**32 - 5
    monkeypatch.undo()
    with pytest.raises(AnirError, match="memory ends before"):
        coder._bytes(0, 2**32 - 5)
    with pytest.raises(AnirError, match="memory ends before"):
        coder._bytes(-5, 5)


def test_more_symbols_than_room_was_reserved_for_round_trip() -> None:
    numbers = np.random.default_rng(0).integers(0, 256, 100_000).astype(np.uint8)
    encoder = Coder(1, 1, 1, 16)
    encoder.encode(100)
    for part in np.split(numbers, 10):
        encoder.symbols(3, 8, part)
    assert encoder.check()
    decoder = Coder(1, 1, 1, 16)
    decoder.decode(encoder.finish())
    assert all(np.array_equal(decoder.symbols(3, 8, part), part) for part in np.split(numbers, 10))
    assert decoder.check()


@pytest.mark.parametrize("side", [2, 8])
def test_levels_without_room_are_an_error(side: int) -> None:
    coder = Coder(side, side, 3, 16)
    coder.encode(100, lively(side, side, 16))
    with pytest.raises(AnirError, match="more bytes than their encoder has room for"):
        coder.level(64)
