import json

import numpy as np
import pytest
from anir_runtime.chebyshev import NOISE, Functions, interpolation, nodes, nodes_needed

from tests.vectors.make import FOLDER

STRETCH = np.linspace(-0.4, 0.25, 100, dtype=np.float32)


def _waves(radians: float) -> Functions:
    return lambda t: np.stack([np.sin(radians * t), np.cos(radians * t)])


def test_the_vectors_that_typescript_reads_too() -> None:
    for case in json.loads((FOLDER / "chebyshev.json").read_text()):
        at = np.array(case["at"], np.float32)
        np.testing.assert_allclose(nodes(at, case["count"]), case["nodes"], atol=1e-6)
        np.testing.assert_allclose(interpolation(at, case["count"]), case["weights"], atol=2e-6)


@pytest.mark.parametrize("radians", [0.0, 3.0, 30.0, 150.0])
def test_a_wave_comes_through_as_many_nodes_as_it_needs(radians: float) -> None:
    count = nodes_needed(_waves(radians), 1)
    t = (STRETCH + 0.075) / 0.325
    at = (nodes(STRETCH, count) + 0.075) / 0.325
    got = np.cos(radians * at + 1) @ interpolation(STRETCH, count)
    np.testing.assert_allclose(got, np.cos(radians * t + 1), rtol=0, atol=3e-6 + 3e-7 * radians)


def test_constants_need_one_node_and_few_radians_more_nodes_than_two_a_wave() -> None:
    needed = [nodes_needed(_waves(radians), 1) for radians in (0.0, 20.0, 158.0)]
    assert needed == [1, 29, 135]


def test_smaller_functions_need_fewer_nodes() -> None:
    assert nodes_needed(_waves(20.0), 1e-3) < nodes_needed(_waves(20.0), 1)
    assert nodes_needed(_waves(20.0), NOISE / 50) == 1


def test_what_is_too_rough_or_no_number_has_no_number_of_nodes() -> None:
    assert nodes_needed(_waves(2000.0), 1) == 0
    assert nodes_needed(lambda t: np.full((1, len(t)), np.inf), 1) == 0
    assert nodes_needed(_waves(1.0), np.nan) == 0


def test_nodes_lie_inside_and_weights_have_the_sum_one() -> None:
    own = nodes(STRETCH, 9)
    assert STRETCH[0] < own.min()
    assert own.max() < STRETCH[-1]
    np.testing.assert_allclose(interpolation(STRETCH, 9).sum(0), 1, atol=1e-6)


def test_a_stretch_of_one_coordinate() -> None:
    one = np.array([0.3], np.float32)
    assert nodes(one, 3) == pytest.approx(0.3)
    np.testing.assert_allclose(interpolation(one, 3).sum(0), 1, atol=1e-6)
