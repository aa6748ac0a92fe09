"""The linear layers of networks, as matrices that are multiplied with one column per pixel."""

import math
from typing import NamedTuple

import numpy as np

from anir_runtime.network import Floats, Network
from anir_runtime.tile_graph import graph


class Layer(NamedTuple):
    """A linear layer, h ↦ weight h + bias: weight is float32[outputs, inputs], bias float32[outputs, 1]."""

    weight: Floats
    bias: Floats

    def __call__(self, h: Floats) -> Floats:
        """Applies the layer to float32[inputs, ...], which gives float32[outputs, pixels].

        ONNX Runtime's product stays on one thread; numpy's uses a BLAS, whose threads keep all cores busy.
        """
        pixels = h.reshape(len(h), math.prod(h.shape[1:]))
        return graph("y = Gemm(w, x, b)")({"w": self.weight, "x": pixels, "b": self.bias})


def hidden_layers(network: Network) -> list[Layer]:
    """Returns the hidden layers, with steps multiplied into weights; biases are 0 if the family has none."""
    steps = network.values("steps")
    weights = network.values("weights") * steps.reshape(len(steps), 1, -1)
    biases = network.values("biases") if "biases" in network.tensors else np.zeros(weights.shape[::2], "f4")
    return [_layer(w.T, b) for w, b in zip(weights, biases, strict=True)]


def head(network: Network) -> Layer:
    """Returns the last layer, whose outputs are colours from 0 to 1."""
    return _layer(network.values("head"), network.values("head.bias"))


def _layer(weight: Floats, bias: Floats) -> Layer:
    return Layer(np.ascontiguousarray(weight, np.float32), bias[:, None].astype(np.float32))
