import numpy as np
import pytest
from anir_runtime.expansions import Expansion, Labels, choose, coefficients
from numpy.typing import NDArray

RANDOM = np.random.default_rng(0)
LENGTHS = {"p": 3, "a": 4, "b": 5, "k": 2, "l": 6, "h": 7, "w": 8, "u": 2, "v": 3}


def _random(labels: str) -> NDArray[np.float32]:
    return RANDOM.normal(size=[LENGTHS[label] for label in labels]).astype(np.float32)


@pytest.mark.parametrize(
    ("array", "rows", "columns"),
    [
        ("paklb", "kah", "lbw"),
        ("aklpb", "kah", "lbw"),
        ("paklb", "lbh", "kaw"),
        ("pab", "ah", "bw"),
        ("aklpb", "vkah", "ulbw"),
        ("paklb", "vlbh", "kaw"),
    ],
)
def test_a_tile_takes_what_einsum_takes(array: str, rows: str, columns: str) -> None:
    values, down, across = _random(array), _random(rows), _random(columns)
    views = columns[: "u" in columns] + rows[: "v" in rows]
    # Windows: the first points of rows see only some functions, and so do the last of columns.
    for functions, points, every in ((down, slice(3), 3), (across, slice(5, None), 2)):
        own = functions.shape[-3:-1] if len(array) > 3 else functions.shape[-2:-1]
        functions[..., points] *= np.arange(np.prod(own)).reshape(own)[..., None] % every == 1
    whole = np.einsum(f"{rows},{array},{columns}->{views}phw", down, values, across)

    labels = Labels(array, rows, columns)
    inner = coefficients(values, labels, f"hw{views}p")
    assert inner is not None
    expansion = Expansion(inner, "", "", "part", "down", "across")
    feeds = expansion.feeds(choose(down[..., :3], inner.shape[1]), choose(across[..., 5:], inner.shape[2]))
    assert feeds["down"].shape[-1] < inner.shape[1]
    assert feeds["across"].shape[-2] < inner.shape[2]
    got = feeds["down"] @ feeds["part"] @ feeds["across"]
    want = whole[..., :3, 5:]
    np.testing.assert_allclose(got.reshape(want.shape), want, rtol=1e-4, atol=1e-4)


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
        ("pab", "vah", "bw", "hwp"),
        ("pab", "vah", "bw", "hwpv"),
        ("pab", "vah", "ubw", "hwvup"),
        ("pab", "vah", "vbw", "hwvvp"),
    ],
)
def test_other_sums_are_no_expansions(array: str, rows: str, columns: str, output: str) -> None:
    assert coefficients(_random(array), Labels(array, rows, columns), output) is None


def test_a_function_counts_where_it_is_more_than_rounding() -> None:
    values = np.array([[0, -9e-8], [0, 2e-6], [-1, 0]], np.float32)
    assert choose(values, 3).chosen.tolist() == [1, 2]
    np.testing.assert_array_equal(choose(values, 3).values, values[None, 1:])


def test_a_function_counts_that_matters_from_one_of_several_places() -> None:
    values = np.array([[[0, 0], [1, 2], [0, 0]], [[0, 0], [0, 0], [3, 0]]], np.float32)
    chosen, seen = choose(values, 3)
    assert chosen.tolist() == [1, 2]
    assert seen.tolist() == [[[1, 2], [0, 0]], [[0, 0], [3, 0]]]
