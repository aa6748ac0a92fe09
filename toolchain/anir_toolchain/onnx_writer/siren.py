"""The graph of a SIREN: sine layers (Sitzmann et al. 2020)."""

import onnx_ir as ir

from anir_toolchain.onnx_writer.sinusoids import grid, sinusoids
from anir_toolchain.onnx_writer.tensors import NetworkTensors


def layers(tensors: NetworkTensors, x: ir.Value, y: ir.Value) -> ir.Value:
    """Writes h₁ = sin(ωx·x + ωy·y + φ), hₗ₊₁ = sin(hₗ Wₗ + bₗ); returns the last layer, float32[H, W, C].

    x [W] and y [H] are the coordinates of the columns and of the rows, float32.
    """
    op = tensors.op
    x, y = grid(op, x, y)
    wx, wy = tensors.split(tensors.rows("frequencies"), 2, "f")
    h = sinusoids(op, x, y, wx, wy, tensors.rows("phases"))
    for codes, step, bias in tensors.hidden_layers():
        h = op.Sin(op.Add(op.Mul(op.MatMul(h, codes), step), bias))
    return h


LAYERS = {"siren": layers}
