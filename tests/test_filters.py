import numpy as np
import pytest
from anir_runtime.filters import COLUMNS, ROWS, Filters
from anir_runtime.network import Network

from tests.random_network import random_network


@pytest.mark.parametrize("family", ["siren", "fourier", "gabor"])
def test_factors_of_columns_and_rows_multiply_to_the_filters(family: str) -> None:
    network = random_network(family, 3, 10)
    filters = Filters.of(network)
    x, y = np.linspace(-1, 1, 9, dtype=np.float32), np.linspace(-0.5, 0.9, 7, dtype=np.float32)
    got = np.einsum("fcti,fctj->fcji", filters.factors(COLUMNS, x), filters.factors(ROWS, y))
    if family == "siren":
        values = np.concatenate([network.values("frequencies"), network.values("phases")[None]])
    else:
        roots = network.values("filters")
        values = roots * abs(roots)
    wx, wy, phase, *gaussian = values[..., None, None]
    want = np.sin(wx * x + wy * y[:, None] + phase)
    if family == "gabor":
        mx, my, decay = gaussian
        want *= np.exp(-decay * ((x - mx) ** 2 + (y[:, None] - my) ** 2))
    assert got.shape == (1 if family == "siren" else 3, 10, 7, 9)
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_filters_are_stored_as_signed_square_roots() -> None:
    codes, scale = np.array([[[3, -4]], [[0, 1]], [[1, 2]]], np.int8), np.array([[0.5], [1], [2]], np.float32)
    filters = Filters.of(Network("fourier", (1, 1), 4, {"filters": codes, "filters.scale": scale}))
    assert filters.frequencies.tolist() == [[[2.25, -4]], [[0, 1]]]
    assert filters.phases.tolist() == [[4, 16]]
    assert filters.phases.dtype == np.float32
