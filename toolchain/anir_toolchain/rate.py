"""What quantized values will cost once they are entropy-coded, in a way that gradients can follow."""

import math

import torch
from torch import Tensor


class _LaplaceBits(torch.autograd.Function):
    """See `laplace_bits`; in closed form, as every step asks for it."""

    @staticmethod
    def forward(ctx, codes: Tensor, log_spread: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        size = codes.abs()
        whole = size.sum_to_size(log_spread.shape)
        small = size.clamp_max(1).sum_to_size(log_spread.shape)
        ctx.save_for_backward(codes, log_spread, whole, small)
        zero, one, tail = _costs(log_spread)
        count = codes.numel() / log_spread.numel()
        return (zero * count + (one - zero) * small + tail * (whole - small)).sum() / math.log(2)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[no-untyped-def]
        codes, log_spread, whole, small = ctx.saved_tensors
        zero, one, tail = _costs(log_spread)
        grad = grad / math.log(2)
        by_code = torch.where(codes.abs() < 1, (one - zero) * grad, tail * grad).mul_(codes.sign())
        half = torch.exp(-tail / 2)
        by_zero = half * tail / 2 / (1 - half)
        by_one = -tail + (1 / half + half) / (1 / half - half) * tail / 2
        count = codes.numel() / log_spread.numel()
        by_spread = by_zero * count + (by_one - by_zero) * small - (whole - small) * tail
        return by_code, grad * by_spread


def _costs(log_spread: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """In nats: of a zero, of a one, and of each more."""
    tail = torch.exp(-log_spread)
    half = torch.exp(-tail / 2)
    return -torch.log1p(-half), tail - torch.log((1 / half - half) / 2), tail


def laplace_bits(codes: Tensor, log_spread: Tensor) -> Tensor:
    """Bits of codes that are distributed as rounded Laplace variables, a scalar.

    Between whole numbers the cost is interpolated linearly: what is on its way to a code pays its share.

    Args:
        codes: in steps, whole or on their way there.
        log_spread: logarithm of the distribution's scale in steps, broadcastable to `codes`.
    """
    return _LaplaceBits.apply(codes, log_spread)  # type: ignore[no-any-return,no-untyped-call]


def entropy_bits(codes: Tensor) -> float:
    """Bits of whole codes, of any shape, by the entropy of their frequencies."""
    counts = torch.bincount((codes - codes.min()).long().flatten())
    some = counts[counts > 0].double()
    return float((some * (some.sum() / some).log2()).sum())
