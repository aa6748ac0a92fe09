"""The graphs of multiplicative filter networks (Fathony et al. 2020), `fourier` and `gabor`."""

import onnx_ir as ir
from anir_runtime.families.mfn import NORM_CHANNELS

from anir_toolchain.onnx_writer.sinusoids import grid, sinusoids
from anir_toolchain.onnx_writer.tensors import NetworkTensors


def fourier_layers(tensors: NetworkTensors, x: ir.Value, y: ir.Value) -> ir.Value:
    """Writes the `_product` of the filters g(x, y) = sin(ωx·x + ωy·y + φ)."""
    x, y = grid(tensors.op, x, y)
    wx, wy, phase = _filter_values(tensors)
    return _product(tensors, sinusoids(tensors.op, x, y, wx, wy, phase))


def gabor_layers(tensors: NetworkTensors, x: ir.Value, y: ir.Value) -> ir.Value:
    """Writes the `_product` of the filters g = sin(ωx·x + ωy·y + φ) / exp(γ ((x - μx)² + (y - μy)²))."""
    op = tensors.op
    x, y = grid(op, x, y)
    wx, wy, phase, centre_x, centre_y, decay = _filter_values(tensors)
    across, down = op.Sub(x, centre_x), op.Sub(y, centre_y)
    squared_distance = op.Add(op.Mul(across, across), op.Mul(down, down))
    envelope = op.Exp(op.Mul(squared_distance, decay))
    return _product(tensors, op.Div(sinusoids(op, x, y, wx, wy, phase), envelope))


def _filter_values(tensors: NetworkTensors) -> list[ir.Value]:
    """Writes the K values of the filters: ωx of all filters, then ωy and so on, each float32[D, 1, 1, C]."""
    op, roots = tensors.op, tensors.rows("filters", axes=2)
    return tensors.split(op.Mul(roots, op.Abs(roots)), len(tensors.network.tensors["filters"]), "f")


def _product(tensors: NetworkTensors, filters: ir.Value) -> ir.Value:
    """Writes the layers h₁ = g₁, hₗ₊₁ = (hₗ Wₗ) ∘ gₗ₊₁; returns the last, normalized, float32[H, W, C].

    Normalized channels are h / √(1 + Σ h²) with the sum over the first NORM_CHANNELS channels.

    Args:
        tensors: the network's tensors.
        filters: the response of each layer's filters g, float32[D, H, W, C].
    """
    op, network = tensors.op, tensors.network
    h, *others = tensors.split(filters, network.depth, "g")
    weights = tensors.split(tensors.scaled_weights(), network.depth - 1, "w")
    for weight, g in zip(weights, others, strict=True):
        h = op.Mul(op.MatMul(h, weight), g)
    first = op.Slice(h, [0], [NORM_CHANNELS], [3])
    norm = op.Sqrt(op.Add(op.ReduceSumSquare(first, [3]), tensors.constant("one", 1.0)))
    return op.Squeeze(op.Div(h, norm), [0])


LAYERS = {"fourier": fourier_layers, "gabor": gabor_layers}
