import json

import numpy as np
import pytest
from anir_runtime.chebyshev import NOISE, Functions, interpolation, nodes, nodes_needed

from tests.vectors.make import FOLDER

STRETCH = np.linspace(-0.4, 0.25, 100, dtype=np.float32)


def _waves(radians: float) -> Functions:
    return lambda t: np.stack([np.sin(radians * t), np.cos(radians * t)])


def test_nodes_and_weights_are_those_of_the_shared_vectors() -> None:
    for case in json.loads((FOLDER / "chebyshev.json").read_text()):
        at = np.array(case["at"], np.float32)
        np.testing.assert_allclose(nodes(at, case["count"]), case["nodes"], atol=1e-6)
        np.testing.assert_allclose(interpolation(at, case["count"]), case["weights"], atol=2e-6)


@pytest.mark.parametrize("radians", [0.0, 3.0, 30.0, 150.0])
def test_the_number_of_nodes_needed_suffices_to_interpolate_a_wave(radians: float) -> None:
    count = nodes_needed(_waves(radians), 1)
    t = (STRETCH + 0.075) / 0.325
    at = (nodes(STRETCH, count) + 0.075) / 0.325
    got = np.cos(radians * at + 1) @ interpolation(STRETCH, count)
    np.testing.assert_allclose(got, np.cos(radians * t + 1), rtol=0, atol=3e-6 + 3e-7 * radians)


def test_constants_need_one_node_and_waves_more_than_two_per_period() -> None:
    needed = [nodes_needed(_waves(radians), 1) for radians in (0.0, 20.0, 158.0)]
    assert needed == [1, 29, 135]


def test_functions_of_smaller_size_need_fewer_nodes() -> None:
    assert nodes_needed(_waves(20.0), 1e-3) < nodes_needed(_waves(20.0), 1)
    assert nodes_needed(_waves(20.0), NOISE / 50) == 1


def test_rough_or_non_finite_functions_have_no_number_of_nodes() -> None:
    assert nodes_needed(_waves(2000.0), 1) == 0
    assert nodes_needed(lambda t: np.full((1, len(t)), np.inf), 1) == 0
    assert nodes_needed(_waves(1.0), np.nan) == 0


def test_nodes_lie_inside_the_stretch_and_weights_sum_to_one() -> None:
    own = nodes(STRETCH, 9)
    assert STRETCH[0] < own.min()
    assert own.max() < STRETCH[-1]
    np.testing.assert_allclose(interpolation(STRETCH, 9).sum(0), 1, atol=1e-6)


def test_a_stretch_may_be_a_single_coordinate() -> None:
    one = np.array([0.3], np.float32)
    assert nodes(one, 3) == pytest.approx(0.3)
    np.testing.assert_allclose(interpolation(one, 3).sum(0), 1, atol=1e-6)
