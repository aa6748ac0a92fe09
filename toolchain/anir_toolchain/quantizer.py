"""From real weights to few-bit codes, in a way that gradients can follow."""

import torch
from torch import Tensor


def code_range(bits: int) -> tuple[int, int]:
    """The signed codes of that many bits: (-8, 7) for 4."""
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def quantize(values: Tensor, step: Tensor, bits: int) -> Tensor:
    """The nearest codes, clamp(round(values / step)), as floats."""
    low, high = code_range(bits)
    return (values / step).round().clamp(low, high)


class _Lsq(torch.autograd.Function):
    """Straight-through rounding whose step size learns (Esser et al. 2019, equations 1 to 5)."""

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
    """`quantize(values) · step`, differentiable in both.

    Args:
        values: the weights, any shape.
        step: their step sizes Δ = s · 2^(1-bits) > 0, broadcastable to `values`.
        bits: how many; the codes are `code_range(bits)`.
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
    """A smooth staircase: the identity at high temperature, rounding at zero (Agustsson & Theis 2020).

    Args:
        values: in steps, any shape.
        temperature: > 0, broadcastable to `values`; no gradient leads to it.
    """
    return _SoftRound.apply(values, temperature)  # type: ignore[no-any-return,no-untyped-call]
