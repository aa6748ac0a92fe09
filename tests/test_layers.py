from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from anir_runtime.layers import Layer, head, hidden_layers

from tests.random_network import random_network


@pytest.mark.parametrize("family", ["siren", "fourier", "lapped"])
def test_steps_are_multiplied_into_the_matrices(family: str) -> None:
    network = random_network(family, 4, 9)
    layers = hidden_layers(network)
    assert [layer.weight.shape for layer in layers] == [(9, 9)] * 3
    steps = network.values("steps")
    for i, layer in enumerate(layers):
        step = steps[i, 5] if family == "siren" else steps[i]
        want = network.tensors["weights"][i, 2, 5] * step
        assert layer.weight[5, 2] == pytest.approx(want, rel=1e-6)
        assert layer.bias[5, 0] == (network.values("biases")[i, 5] if family == "siren" else 0)


def test_the_head_has_the_networks_weights_and_biases() -> None:
    network = random_network("siren", 2, 9)
    last = head(network)
    np.testing.assert_array_equal(last.weight, network.values("head"))
    np.testing.assert_array_equal(last.bias[:, 0], network.tensors["head.bias"])


def test_a_layer_takes_any_grid_of_pixels() -> None:
    layer = Layer(np.array([[1, 2], [0, -1]], np.float32), np.array([[10], [20]], np.float32))
    h = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    np.testing.assert_array_equal(layer(h), layer.weight @ h.reshape(2, 6) + layer.bias)


def test_a_layer_can_be_applied_in_several_threads() -> None:
    random = np.random.default_rng(1)
    w, b = random.normal(size=(5, 7)).astype(np.float32), random.normal(size=(5, 1)).astype(np.float32)
    inputs = [random.normal(size=(7, n)).astype(np.float32) for n in range(1, 60)]
    with ThreadPoolExecutor(4) as pool:
        for x, y in zip(inputs, pool.map(Layer(w, b), inputs), strict=True):
            np.testing.assert_allclose(y, w @ x + b, rtol=1e-4, atol=1e-5)
