"""The graphs of multiplicative filter networks (Fathony et al. 2020): products of their filters."""

import onnx_ir as ir
from anir_runtime.families.mfn import NORM_CHANNELS

from anir_toolchain.onnx_writer.sinusoids import grid, sinusoids
from anir_toolchain.onnx_writer.tensors import NetworkTensors


def fourier_layers(tensors: NetworkTensors, x: ir.Value, y: ir.Value) -> ir.Value:
    """`_product` of the filters g(x, y) = sin(ωx·x + ωy·y + φ)."""
    return _product(tensors, sinusoids(tensors, *grid(tensors.op, x, y), axes=2))


def gabor_layers(tensors: NetworkTensors, x: ir.Value, y: ir.Value) -> ir.Value:
    """`_product` of the filters g(x, y) = sin(ωx·x + ωy·y + φ) · exp(-γ ((x - μx)² + (y - μy)²))."""
    op = tensors.op
    x, y = grid(op, x, y)
    centre_x, centre_y = tensors.split(tensors.rows("centres", axes=2), 2, "mu")
    across, down = op.Sub(x, centre_x), op.Sub(y, centre_y)
    squared_distance = op.Add(op.Mul(across, across), op.Mul(down, down))
    envelope = op.Exp(op.Neg(op.Mul(squared_distance, tensors.rows("decays", axes=2))))
    return _product(tensors, op.Mul(sinusoids(tensors, x, y, axes=2), envelope))


def _product(tensors: NetworkTensors, filters: ir.Value) -> ir.Value:
    """h₁ = g₁, hₗ₊₁ = (hₗ Wₗ + bₗ) ∘ gₗ₊₁: the last layer's normalized channels, float32[H, W, C].

    They are h / √(1 + Σ h²) with the sum over the first NORM_CHANNELS channels.

    Args:
        tensors: of the network.
        filters: the response of each layer's filters g, float32[D, H, W, C].
    """
    op = tensors.op
    h, *others = tensors.split(filters, tensors.network.depth, "g")
    for (codes, step, bias), g in zip(tensors.hidden_layers(), others, strict=True):
        h = op.Mul(op.Add(op.Mul(op.MatMul(h, codes), step), bias), g)
    first = op.Slice(h, [0], [NORM_CHANNELS], [3])
    norm = op.Sqrt(op.Add(op.ReduceSumSquare(first, [3]), tensors.constant("one", 1.0)))
    return op.Squeeze(op.Div(h, norm), [0])
