import math

import numpy as np
import pytest
import torch
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.network import Network
from anir_toolchain.families import family
from anir_toolchain.lapped_synthesis import features_at
from anir_toolchain.model import Quantized
from anir_toolchain.space import Subnet
from numpy.typing import NDArray

from tests.random_model import random_model

SIZE = (24, 16)


def _shown(network: Network) -> NDArray[np.float64]:
    """The colours of a network at the pixels of its picture, by the formulas of docs/format.md, [H, W, 3]."""
    columns, rows = (axis_coordinates(n) for n in network.size)
    x, y = (axis[..., None].astype(float) for axis in np.meshgrid(columns, rows))
    weights = network.tensors["weights"] * network.values("steps").reshape(network.depth - 1, 1, -1)
    if network.family == "lapped":
        assert network.latents
        features = features_at(network.latents, columns, rows, network.size, network.channels)
        constants = [(0, 0), (0, 0), (0, network.channels - features.shape[2])]
        h = first = np.pad(features.astype(float), constants, constant_values=math.pi / 2)
        for weight in weights:
            h = first + np.sin(h @ weight)
    else:
        (wx, wy), phases, biases = (network.values(name) for name in ("frequencies", "phases", "biases"))
        filters = [np.sin(wx[f] * x + wy[f] * y + phases[f]) for f in range(len(phases))]
        if network.family == "gabor":
            (mx, my), decays = network.values("centres"), network.values("decays")
            for f, decay in enumerate(decays):
                filters[f] *= np.exp(-decay * ((x - mx[f]) ** 2 + (y - my[f]) ** 2))
        h = filters[0]
        for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True), start=1):
            z = h @ weight + bias
            h = np.sin(z) if network.family == "siren" else z * filters[layer]
    return h @ network.values("head").T + network.tensors["head.bias"]


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("name", ["siren", "fourier", "gabor", "lapped"])
def test_a_network_shows_what_the_model_does(name: str, bits: int) -> None:
    model = random_model(name, bits, SIZE)
    for subnet in (Subnet(2, 16), Subnet(4, 24)):
        network = model.network(subnet)
        assert (network.family, network.size, network.bits, network.name) == (name, SIZE, bits, subnet.name)
        want = model.decode(subnet, *(torch.from_numpy(axis_coordinates(n)) for n in SIZE))
        np.testing.assert_allclose(_shown(network), want.numpy(), atol=2e-4)


@pytest.mark.parametrize("name", ["siren", "fourier", "gabor", "lapped"])
def test_tensors_have_the_types_and_shapes_of_the_format(name: str) -> None:
    layers, channels = 2, 24
    network = random_model(name).network(Subnet(layers + 1, channels))
    banks = family(name).banks(layers + 1)
    want: dict[str, tuple[str, tuple[int, ...]]] = {
        "weights": ("int8", (layers, channels, channels)),
        "head": ("int8", (3, channels)),
        "head.scale": ("float32", (3,)),
        "head.bias": ("float32", (3,)),
    }
    if name == "lapped":
        want["steps"] = ("float32", (layers,))
    else:
        want |= {"steps": ("int8", (layers, channels)), "steps.scale": ("float32", (layers,))}
        want |= {"biases": ("int8", (layers, channels)), "biases.scale": ("float32", (layers,))}
        want |= {"frequencies": ("int16", (2, banks, channels)), "frequencies.scale": ("float32", (2, banks))}
        want |= {"phases": ("int8", (banks, channels)), "phases.scale": ("float32", (banks,))}
    if name == "gabor":
        want |= {"centres": ("int8", (2, banks, channels)), "centres.scale": ("float32", (2, banks))}
        want |= {"decays": ("int8", (banks, channels)), "decays.scale": ("float32", (banks,))}
    got = {key: (tensor.dtype.name, tensor.shape) for key, tensor in network.tensors.items()}
    assert got == want
    assert all(tensor.flags.c_contiguous for tensor in network.tensors.values())
    assert (network.latents is None) == (name != "lapped")


def test_no_weights_lead_to_channels_that_are_passed_through() -> None:
    weights = random_model("lapped").network(Subnet(3, 16)).tensors["weights"]
    assert not weights[..., :3].any()
    assert weights[..., 3:].any()


def test_values_are_codes_times_the_scale_of_their_leading_axes() -> None:
    own = Quantized(
        torch.tensor([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]), torch.tensor([[1.0, 10.0], [2.0, 0.5]])
    )
    assert own.values.tolist() == [[[1, 2], [30, 40]], [[10, 12], [3.5, 4]]]
    assert own[1].values.tolist() == [[10, 12], [3.5, 4]]
