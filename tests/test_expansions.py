import numpy as np
import pytest
from anir_runtime.expansions import Expansion, Labels, choose, coefficients
from numpy.typing import NDArray

RANDOM = np.random.default_rng(0)
LENGTHS = {"p": 3, "a": 4, "b": 5, "k": 2, "l": 6, "h": 7, "w": 8}


def _random(labels: str) -> NDArray[np.float32]:
    return RANDOM.normal(size=[LENGTHS[label] for label in labels]).astype(np.float32)


@pytest.mark.parametrize(
    ("array", "rows", "columns"),
    [("paklb", "kah", "lbw"), ("aklpb", "kah", "lbw"), ("paklb", "lbh", "kaw"), ("pab", "ah", "bw")],
)
def test_a_tile_takes_what_einsum_takes(array: str, rows: str, columns: str) -> None:
    values, down, across = _random(array), _random(rows), _random(columns)
    # Windows: the first points of rows see only some functions, and so do the last of columns.
    down[..., :3] *= np.arange(down[..., 0].size).reshape(down.shape[:-1])[..., None] % 3 == 1
    across[..., 5:] *= np.arange(across[..., 0].size).reshape(across.shape[:-1])[..., None] % 2
    whole = np.einsum(f"{rows},{array},{columns}->hwp", down, values, across)

    inner = coefficients(values, Labels(array, rows, columns), "hwp")
    assert inner is not None
    expansion = Expansion(inner, "", "", "part", "down", "across")
    feeds = expansion.feeds(choose(down[..., :3]).turned, choose(across[..., 5:]))
    assert feeds["down"].shape[1] < inner.shape[1]
    assert feeds["across"].shape[0] < inner.shape[2]
    got = feeds["down"] @ feeds["part"] @ feeds["across"]
    np.testing.assert_allclose(got.transpose(1, 2, 0), whole[:3, 5:], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("array", "rows", "columns", "output"),
    [
        ("pab", "ah", "bw", "whp"),
        ("pab", "ah", "bw", "hpw"),
        ("pab", "ha", "bw", "hwp"),
        ("ab", "ah", "bw", "hwa"),
        ("pkab", "ah", "bw", "hwp"),
        ("pab", "akh", "bw", "hwp"),
        ("paa", "ah", "aw", "hwp"),
        ("pab", "ah", "bh", "hhp"),
        ("pah", "ah", "hw", "hwp"),
    ],
)
def test_other_sums_are_no_expansions(array: str, rows: str, columns: str, output: str) -> None:
    assert coefficients(_random(array), Labels(array, rows, columns), output) is None


def test_a_function_counts_where_it_is_more_than_rounding() -> None:
    values = np.array([[0, -9e-8], [0, 2e-6], [-1, 0]], np.float32)
    assert choose(values).chosen.tolist() == [1, 2]
    np.testing.assert_array_equal(choose(values).values, values[1:])
