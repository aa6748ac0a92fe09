import warnings

import numpy as np
import pytest
from anir_runtime.network import Floats
from anir_runtime.tiles import bands, in_tiles, stretches
from hypothesis import given
from hypothesis import strategies as st


@given(st.integers(1, 500), st.integers(1, 200))
def test_stretches_and_bands_cover_each_position_once(length: int, longest: int) -> None:
    for parts in (list(stretches(length, longest)), list(bands(length, longest))):
        assert [i for part in parts for i in range(part.start, part.stop)] == list(range(length))
        assert max(part.stop - part.start for part in parts) <= longest
    sizes = {part.stop - part.start for part in stretches(length, longest)}
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("colours", [1, 3, 4])
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (100, 100)])
def test_tiles_make_a_picture(shape: tuple[int, int], colours: int) -> None:
    x, y = np.linspace(0, 1, 13, dtype=np.float32), np.linspace(0, 1, 7, dtype=np.float32)
    calls = []

    def across(at: Floats) -> Floats:
        calls.append(len(at))
        return at

    def paint(down: Floats, across: Floats) -> Floats:
        assert len(down) <= shape[0]
        assert len(across) <= shape[1]
        return np.stack([(across * down[:, None]).ravel() * (c + 1) / 4 for c in range(colours)])

    draw = in_tiles(x, y, shape, across, lambda at: at, paint, colours, 4)
    assert sum(calls) == 13
    got = np.concatenate([draw(slice(0, 2)), draw(slice(2, 7))])
    want = np.rint(255 * (x * y[:, None])[..., None] * (np.arange(colours) + 1) / 4)
    assert np.abs(got - want).max() <= 1
    assert got.dtype == np.uint8
    assert sum(calls) == 13


def test_colours_are_clipped_and_values_that_are_not_finite_cause_no_warning() -> None:
    values = np.array([[-1, 2, 0.5, np.inf, -np.inf, np.nan]], np.float32)
    at = np.zeros(6, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw = in_tiles(at, at[:1], (1, 6), len, len, lambda down, across: values.copy(), 1, 4)
        assert draw(slice(0, 1))[0, :5, 0].tolist() == [0, 255, 128, 255, 0]


def test_factors_of_columns_are_recomputed_in_very_wide_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.linspace(0, 1, 20, dtype=np.float32), np.ones(4, np.float32)
    calls = []

    def across(at: Floats) -> Floats:
        calls.append(len(at))
        return at

    def paint(down: Floats, across: Floats) -> Floats:
        return np.outer(down, across).ravel()[None]

    monkeypatch.setattr("anir_runtime.tiles._MOST_KEPT", 30)
    draw = in_tiles(x, y, (2, 5), across, lambda at: at, paint, 1, 4)
    assert calls == [5]
    image = draw(slice(0, 4))
    assert calls == [5] * 7
    np.testing.assert_array_equal(image[..., 0], np.tile(np.rint(x * 255), (4, 1)))
