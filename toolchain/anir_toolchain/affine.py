"""Affine maps and sine layers, which families share, in torch."""

import torch
from torch import Tensor


def affine(bias: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """bias + left · right of two matrices, or of as many of each as there are pictures; bias is broadcast."""
    return torch.addmm(bias, left, right) if left.dim() == 2 else torch.baddbmm(bias, left, right)


def sine(filters: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """sin(ωx·x + ωy·y + φ) at N points, float32[N, C]; `filters` [K, C] begins with rows ωx, ωy and φ."""
    return torch.sin(affine(filters[..., 2:3, :], torch.stack([x, y], dim=-1), filters[..., :2, :]))
