"""The quantizer: rounds real values to codes of few bits, with gradients for training."""

import torch
from torch import Tensor

VECTOR_BITS = 8
"""Bits of a code of biases, step sizes, heads and 8-bit filter values."""
TOP_CODE = 127
"""Largest code of an 8-bit row; that of a 16-bit row is 127 · 256."""


def code_range(bits: int) -> tuple[int, int]:
    """Returns the smallest and the largest signed code of that many bits, such as (-8, 7) for 4."""
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def quantize(values: Tensor, step: Tensor, bits: int) -> Tensor:
    """Returns the nearest codes, clamp(round(values / step)), as floats; `step` broadcasts to `values`."""
    low, high = code_range(bits)
    return (values / step).round().clamp(low, high)


def row_step(values: Tensor, top: Tensor | int) -> Tensor:
    """Returns the step of each row with which the row's largest magnitude has the code `top`.

    Args:
        values: rows along the last axis.
        top: the largest codes, broadcastable to the result, on the device of `values`.

    Returns:
        The steps, in the shape of `values` with a last axis of length 1.
    """
    return (values.abs().amax(-1, keepdim=True) / top).clamp_min(1e-12)


class _Lsq(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor, step: Tensor, bits: int) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(values, step)
        ctx.bits = bits
        return quantize(values, step, bits) * step

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[no-untyped-def]
        values, step = ctx.saved_tensors
        low, high = code_range(ctx.bits)
        ratio = values / step
        inside = (ratio >= low) & (ratio <= high)
        slope = torch.where(inside, ratio.round() - ratio, ratio.clamp(low, high))
        gain = (step.numel() / (values.numel() * high)) ** 0.5
        return grad * inside, (grad * slope).sum_to_size(step.shape) * gain, None


def lsq(values: Tensor, step: Tensor, bits: int) -> Tensor:
    """Returns `quantize(values, step, bits) · step`, differentiable in values and step (LSQ).

    Source: Esser et al. 2019, Learned Step Size Quantization, equations 1 to 5.

    Args:
        values: the weights, any shape.
        step: step sizes > 0, broadcastable to `values`.
        bits: bits of a code.
    """
    return _Lsq.apply(values, step, bits)  # type: ignore[no-any-return,no-untyped-call]


class _SoftRound(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor, temperature: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        middle = values.floor().add_(0.5)
        bend = torch.sub(values, middle).div_(temperature).tanh_()
        ctx.save_for_backward(bend, temperature)
        return middle.addcmul_(bend, 0.5 / torch.tanh(0.5 / temperature))

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        bend, temperature = ctx.saved_tensors
        steepest = 0.5 / torch.tanh(0.5 / temperature) / temperature
        return grad * (1 - bend.square()).mul_(steepest), None


def soft_round(values: Tensor, temperature: Tensor) -> Tensor:
    """Rounds softly, by a smooth staircase: near the identity at high temperature, near rounding at low.

    Soft rounding after Agustsson and Theis 2020 (Universally Quantized Neural Compression, section 4.1), with
    α = 1 / temperature: ⌊v⌋ + ½ + ½ tanh(α (v - ⌊v⌋ - ½)) / tanh(α / 2).

    Args:
        values: values in units of the step, any shape.
        temperature: > 0, broadcastable to `values`; it gets no gradient.
    """
    return _SoftRound.apply(values, temperature)  # type: ignore[no-any-return,no-untyped-call]
