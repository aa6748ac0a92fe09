"""Affine maps and sine layers in torch, shared by the families."""

import torch
from torch import Tensor


def affine(bias: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Returns bias + left · right for matrices, or for batches of matrices; bias is broadcast."""
    return torch.addmm(bias, left, right) if left.dim() == 2 else torch.baddbmm(bias, left, right)


def sine(filters: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Returns sin(ωx·x + ωy·y + φ) at N points, [N, C]; the first rows of `filters` [K, C] are ωx, ωy, φ."""
    return torch.sin(affine(filters[..., 2:3, :], torch.stack([x, y], dim=-1), filters[..., :2, :]))
