import json

import numpy as np
import pytest
from anir_runtime.chebyshev import NOISE, interpolation, nodes, spectrum

from tests.vectors.make import FOLDER

STRETCH = np.linspace(-0.4, 0.25, 100, dtype=np.float32)


def test_the_vectors_that_typescript_reads_too() -> None:
    for case in json.loads((FOLDER / "chebyshev.json").read_text()):
        at = np.array(case["at"], np.float32)
        np.testing.assert_allclose(nodes(at, case["count"]), case["nodes"], atol=1e-6)
        np.testing.assert_allclose(interpolation(at, case["count"]), case["weights"], atol=2e-6)


@pytest.mark.parametrize("count", [1, 2, 7, 20])
def test_polynomials_below_the_number_of_nodes_are_exact(count: int) -> None:
    powers = np.arange(count)
    at, pixels = (own.astype(np.float64)[:, None] ** powers for own in (nodes(STRETCH, count), STRETCH))
    np.testing.assert_allclose(at.T @ interpolation(STRETCH, count), pixels.T, rtol=0, atol=1e-6)


def test_nodes_lie_inside_and_weights_have_the_sum_one() -> None:
    own = nodes(STRETCH, 9)
    assert STRETCH[0] < own.min()
    assert own.max() < STRETCH[-1]
    np.testing.assert_allclose(interpolation(STRETCH, 9).sum(0), 1, atol=1e-6)


def test_a_stretch_of_one_coordinate() -> None:
    one = np.array([0.3], np.float32)
    assert nodes(one, 3) == pytest.approx(0.3)
    np.testing.assert_allclose(interpolation(one, 3).sum(0), 1, atol=1e-6)


def test_a_spectrum_has_the_largest_coefficient_of_each_degree_but_no_noise() -> None:
    angles = (np.arange(16) + 0.5) * np.pi / 16
    functions = np.stack(
        [0.5 * np.cos(3 * angles) - 2, 0.25 * np.cos(3 * angles) + NOISE / 2 * np.cos(9 * angles)]
    )
    want = np.zeros(16)
    want[[0, 3]] = 2, 0.5
    np.testing.assert_allclose(spectrum(functions.astype(np.float32)), want, atol=1e-6)


def test_what_is_infinite_somewhere_is_not_smooth() -> None:
    values = np.zeros((2, 16), np.float32)
    values[1, 3] = np.inf
    assert spectrum(values)[-2:].any()


def test_a_sine_needs_some_nodes_more_than_half_its_radians() -> None:
    for radians in (4.0, 16.0):
        phases = np.linspace(0, np.pi, 8)[:, None]
        coefficients = spectrum(
            np.sin(radians * np.cos((np.arange(64) + 0.5) * np.pi / 64) + phases).astype("f4")
        )
        needed = np.flatnonzero(coefficients)[-1] + 1
        assert radians < needed < radians + 16
