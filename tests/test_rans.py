import json

import numpy as np
import pytest
from anir_runtime.errors import AnirError
from anir_runtime.lapped_transform import context
from anir_runtime.rans import LOWEST, TOTAL, Context, Tables, decode
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from tests.plain_rans import encode, tables_of
from tests.vectors.make import FOLDER

PLAIN = Context({1: 2, 3: 1, 5: 4}, np.array([9, 0, 2, 0]))


def _round_trip(codes: NDArray[np.int16], own: Context) -> NDArray[np.int16]:
    tables = tables_of(codes, own)
    return decode(*encode(codes, tables, own), tables, own, len(codes))


@settings(max_examples=60, deadline=None)
@given(arrays(np.int16, array_shapes(min_dims=2, max_dims=2, max_side=30), elements=st.integers(-40, 40)))
def test_codes_round_trip(codes: NDArray[np.int16]) -> None:
    for own in (PLAIN, context(4)):
        np.testing.assert_array_equal(_round_trip(codes, own), codes)


def test_codes_of_probability_1_take_no_words() -> None:
    zeros = np.zeros((50, 7), np.int16)
    words, _ = encode(zeros, tables_of(zeros, PLAIN), PLAIN)
    assert words.size == 0
    np.testing.assert_array_equal(_round_trip(zeros, PLAIN), zeros)
    tables, states = tables_of(zeros, PLAIN), np.full(7, LOWEST)
    np.testing.assert_array_equal(decode(np.zeros(1, np.uint16), states, tables, PLAIN, 50), zeros)
    with pytest.raises(AnirError, match="damaged"):
        decode(np.zeros(2, np.uint16), states, tables, PLAIN, 50)


def test_large_codes_round_trip() -> None:
    codes = (np.arange(60).reshape(20, 3) * 217 - 6000).astype(np.int16)
    np.testing.assert_array_equal(_round_trip(codes, PLAIN), codes)


def test_streams_of_the_shared_vectors_are_decoded() -> None:
    for case in json.loads((FOLDER / "rans.json").read_text()):
        tables = Tables(np.array(case["frequencies"]), np.array(case["limits"], np.float32))
        own = Context(dict(case["weights"]), np.array(case["prior"]))
        codes = decode(np.array(case["words"]), np.array(case["states"]), tables, own, len(case["codes"]))
        assert codes.tolist() == case["codes"]


@pytest.mark.parametrize(
    ("frequencies", "limits", "words"),
    [
        ([[TOTAL - 2, 2]], [], "do not add up"),
        ([[TOTAL + 2, -1]], [], "do not add up"),
        ([[TOTAL]], [5.5], "number of .* tables"),
        ([[TOTAL]] * 65, np.arange(64) + 0.5, "number of .* tables"),
        (np.zeros((1, 0)), [], "number of .* tables"),
        ([[TOTAL]] * 3, [5.5, 5.5], "do not ascend"),
        ([[TOTAL]] * 2, [-1], "do not ascend"),
        ([[TOTAL]] * 2, [np.nan], "do not ascend"),
        ([[TOTAL]] * 2, [2.0**20], "do not ascend"),
    ],
)
def test_invalid_tables_are_refused(frequencies: list[list[int]], limits: list[float], words: str) -> None:
    tables = Tables(np.array(frequencies, np.int32), np.array(limits, np.float32))
    with pytest.raises(AnirError, match=words):
        tables.check()


def test_streams_of_a_wrong_length_or_state_are_refused() -> None:
    codes = np.random.default_rng(0).integers(-3, 4, (40, 5)).astype(np.int16)
    tables = tables_of(codes, PLAIN)
    words, states = encode(codes, tables, PLAIN)
    with pytest.raises(AnirError, match="too early"):
        decode(words[:-1], states, tables, PLAIN, 40)
    with pytest.raises(AnirError, match="damaged"):
        decode(np.append(words, words[:1]), states, tables, PLAIN, 40)
    with pytest.raises(AnirError, match="damaged"):
        decode(words, states, tables, PLAIN, 39)
    with pytest.raises(AnirError, match=r"damaged|too early"):
        decode(words, states[::-1], tables, PLAIN, 40)
