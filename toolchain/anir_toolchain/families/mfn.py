"""Multiplicative filter networks (Fathony et al. 2020): the families `fourier` and `gabor`."""

import math
from typing import ClassVar

import numpy as np
import torch
from anir_runtime.families.mfn import NORM_CHANNELS
from torch import Tensor

from anir_toolchain.affine import sine
from anir_toolchain.families import Family, FilterTensor

_FALL = 0.7
"""Initial frequencies of a bank as a multiple of those of the bank before."""
_BAND = 0.4
"""Bound on the sum of all banks' initial frequencies, as a share of the highest that pixels can show."""


class _FilterNetwork(Family):
    """h₁ = g₁(x, y), hₗ₊₁ = (hₗ Wₗ) ∘ gₗ₊₁(x, y), with one bank of filters g for each layer.

    A head reads normalized channels, h / √(1 + Σ h²) with the sum over the first NORM_CHANNELS channels.
    Sums of products of waves cannot saturate, as the sine of a sum does; a quotient of them can.
    """

    rate_gain = 1.5
    lean = True
    has_roots = True

    def banks(self, depth: int) -> int:
        return depth

    def filter(self, filters: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Returns the response, float32[N, C], of one bank of filters float32[K, C] at N points."""
        return sine(filters, x, y)

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
        first, *others = filters.unbind(-3)
        h = self.filter(first, x, y)
        layers = [_normalized(h)]
        for weight, bank in zip(weights.unbind(-3), others, strict=True):
            h = h @ weight * self.filter(bank, x, y)
            layers.append(_normalized(h))
        return layers


def _normalized(h: Tensor) -> Tensor:
    """Divides the channels float32[N, C] of each point by √(1 + Σ h²) over its first NORM_CHANNELS ones."""
    return h * (1 + h[..., :NORM_CHANNELS].square().sum(-1, keepdim=True)).rsqrt()


class Fourier(_FilterNetwork):
    """g(x, y) = sin(ωx·x + ωy·y + φ)."""

    name = "fourier"
    filter_gain = 2.0
    filter_tensors: ClassVar[dict[str, FilterTensor]] = {"filters": FilterTensor(3, bits=8)}

    def init_filters(
        self,
        depth: int,
        width: int,
        aspect: tuple[float, float],
        bandwidth: float,
        limit: float,
        generator: torch.Generator,
    ) -> Tensor:
        # In a product of sines frequencies add up; as they fall from bank to bank, they suit all depths.
        fall = _FALL ** torch.arange(depth)[:, None, None]
        # Many low frequencies and a tail of high ones, like the spectrum of a picture.
        tail = torch.empty(depth, 1, width).exponential_(generator=generator)
        directions = torch.randn(depth, 2, width, generator=generator)
        frequencies = 0.175 * math.sqrt(width) * bandwidth * fall * tail * directions
        # So products are band-limited, as in BACON (Lindell et al. 2022), and can be drawn from few points.
        highest = _BAND * limit * fall / fall.sum()
        size = frequencies.norm(dim=1, keepdim=True)
        frequencies *= torch.minimum(highest / size, torch.ones(())) * torch.tensor(aspect)[:, None]
        phases = (torch.rand(depth, 1, width, generator=generator) * 2 - 1) * math.pi
        return torch.cat([frequencies, phases], 1)


class Gabor(_FilterNetwork):
    """g(x, y) = sin(ωx·x + ωy·y + φ) · exp(-γ ((x - μx)² + (y - μy)²)); the paper's γ is twice this γ."""

    name = "gabor"
    filter_tensors: ClassVar[dict[str, FilterTensor]] = {"filters": FilterTensor(6, bits=8)}
    concentration: ClassVar[float] = 6.0
    """α of the Gamma(α / D, 1) distribution from which the paper's γ is drawn."""

    def init_filters(
        self,
        depth: int,
        width: int,
        aspect: tuple[float, float],
        bandwidth: float,
        limit: float,
        generator: torch.Generator,
    ) -> Tensor:
        fourier = Fourier().init_filters(depth, width, aspect, bandwidth, limit, generator)
        centers = torch.rand(depth, 2, width, generator=generator) * 2 - 1
        seed = int(torch.randint(2**31, (1,), generator=generator))
        gamma = np.random.default_rng(seed).gamma(self.concentration / depth, size=(depth, 1, width))
        return torch.cat([fourier, centers, torch.from_numpy(gamma / 2).float()], dim=1)

    def confined(self, filters: Tensor) -> Tensor:
        # With γ < 0 the envelope would have no bound, from which decoders derive how smooth the filter is.
        return torch.cat([filters[..., :5, :], filters[..., 5:, :].clamp(min=0)], dim=-2)

    def filter(self, filters: Tensor, x: Tensor, y: Tensor) -> Tensor:
        center_x, center_y, gamma = filters[..., 3:, None, :].unbind(-3)
        dx, dy = x[..., None] - center_x, y[..., None] - center_y
        return super().filter(filters, x, y) * torch.exp(-gamma * (dx**2 + dy**2))
