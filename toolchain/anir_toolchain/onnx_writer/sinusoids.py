"""Sinusoids over the plane: the first layer of a SIREN, and the filters of a Fourier network."""

import onnx_ir as ir
from onnxscript import OpBuilder

from anir_toolchain.onnx_writer.tensors import NetworkTensors


def grid(op: OpBuilder, x: ir.Value, y: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Columns x [W] as [W, 1] and rows y [H] as [H, 1, 1], which broadcast to the grid and its channels."""
    return op.Flatten(x), op.Unsqueeze(y, [1, 2])


def sinusoids(tensors: NetworkTensors, x: ir.Value, y: ir.Value, axes: int = 1) -> ir.Value:
    """sin(ωx·x + ωy·y + φ) for F filter banks of C channels on the whole grid.

    Args:
        tensors: of the network, which has `frequencies` and `phases`.
        x: float32[W, 1], as `grid` gives it.
        y: float32[H, 1, 1].
        axes: 1 if F is 1, otherwise 2.

    Returns:
        float32[H, W, C] if `axes` is 1, float32[F, H, W, C] if it is 2.
    """
    op = tensors.op
    wx, wy = tensors.split(tensors.rows("frequencies", axes), 2, "f")
    phase = tensors.rows("phases", axes)
    return op.Sin(op.Sum(op.Mul(x, wx), op.Mul(y, wy), phase))
