"""The family `lapped`: a lapped transform of the picture, whose coding errors a small sine network reduces.

The latents (`lapped_transform`) decode to planes z, as many as the picture has colours, along its principal
colour axes; they take most of a file. The layers' inputs are z at a point and the differences of z at
neighbouring points, from which they predict part of the quantization error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from anir_runtime.common_networks import DEPTHS, INNER

from anir_toolchain.families import Family, FilterTensor
from anir_toolchain.lapped_synthesis import CONSTANT
from anir_toolchain.space import Space

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Lapped(Family):
    """h₁ = [z(x, y), z at neighbours minus z, π/2 …], hₗ₊₁ = h₁ + sin(hₗ Wₗ); the channels z never change."""

    name = "lapped"
    filter_tensors: ClassVar[dict[str, FilterTensor]] = {}
    # The errors of subnets with many bits are far smaller than those of subnets with few.
    error_exponent = 1.0
    lean = True
    has_latents = True

    def banks(self, depth: int) -> int:
        return 1

    def default_space(self, width: int, height: int, colours: int) -> Space:
        # The sizes of the common networks, whatever the picture's size.
        return Space(DEPTHS, tuple(inner + colours for inner in INNER))

    def init_filters(
        self,
        depth: int,
        width: int,
        aspect: tuple[float, float],
        bandwidth: float,
        limit: float,
        generator: torch.Generator,
    ) -> Tensor:
        import torch

        return torch.empty(1, 0, width)

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
        import torch
        from torch.nn import functional

        assert features is not None
        assert planes
        seen = functional.pad(features, (0, filters.shape[-1] - features.shape[-1]), value=CONSTANT)
        here, others = seen[..., :planes], seen[..., planes:]
        layers = [seen]
        for weight in weights.unbind(-3):
            sines = torch.sin(layers[-1] @ weight[..., planes:])
            layers.append(torch.cat([here, others + sines], -1))
        return layers
