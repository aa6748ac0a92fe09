"""Sinusoids over the plane: the first layer of a SIREN, and the filters of a Fourier network."""

import onnx_ir as ir
from onnxscript import OpBuilder


def grid(op: OpBuilder, x: ir.Value, y: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Reshapes columns x [W] to [W, 1] and rows y [H] to [H, 1, 1], which broadcast to [H, W, channels]."""
    return op.Flatten(x), op.Unsqueeze(y, [1, 2])


def sinusoids(
    op: OpBuilder, x: ir.Value, y: ir.Value, wx: ir.Value, wy: ir.Value, phase: ir.Value
) -> ir.Value:
    """Writes sin(ωx·x + ωy·y + φ) on the whole grid.

    Args:
        op: adds the nodes.
        x: coordinates of the columns, float32[W, 1], as `grid` returns them.
        y: coordinates of the rows, float32[H, 1, 1].
        wx: ωx, float32[1, 1, C], or [F, 1, 1, C] for F filter banks.
        wy: ωy, in the same shape.
        phase: φ, in the same shape.

    Returns:
        float32[H, W, C], or [F, H, W, C].
    """
    return op.Sin(op.Sum(op.Mul(x, wx), op.Mul(y, wy), phase))
