"""SIREN: sine layers (Sitzmann et al. 2020, Implicit Neural Representations with Periodic Activations)."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from anir_toolchain.affine import affine, sine
from anir_toolchain.families import Family, FilterTensor


class Siren(Family):
    """h₁ = sin(ωx·x + ωy·y + φ), hₗ₊₁ = sin(hₗ Wₗ + bₗ); the paper's ω₀ is included in the weights."""

    name = "siren"
    filter_tensors: ClassVar[dict[str, FilterTensor]] = {
        "frequencies": FilterTensor(2, bits=16),
        "phases": FilterTensor(1, bits=8),
    }
    periodic_bias = True

    def banks(self, depth: int) -> int:
        return 1

    def init_filters(
        self,
        depth: int,
        width: int,
        aspect: tuple[float, float],
        bandwidth: float,
        limit: float,
        generator: torch.Generator,
    ) -> Tensor:
        filters = torch.rand(1, 3, width, generator=generator) * 2 - 1
        return filters * torch.tensor([bandwidth * aspect[0], bandwidth * aspect[1], math.pi])[:, None]

    def forward(
        self,
        filters: Tensor,
        weights: Tensor,
        biases: Tensor,
        x: Tensor,
        y: Tensor,
        features: Tensor | None = None,
        planes: int = 0,
    ) -> list[Tensor]:
        layers = [sine(filters[..., 0, :, :], x, y)]
        for weight, bias in zip(weights.unbind(-3), biases.unbind(-2), strict=True):
            layers.append(torch.sin(affine(bias[..., None, :], layers[-1], weight)))
        return layers
