"""A lapped transform under sine layers: latents say what is where, a small network makes colours of it.

The latents (`lapped_transform`) are planes z, as many as the picture has colours, in its principal colours,
and take nearly all of a file. The layers see z at a point and how planes differ around it, and undo some of
the error of coarse codes.
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
    """h₁ = [z(x, y), z at places around less z, π/2 …], hₗ₊₁ = h₁ + sin(hₗ Wₗ); nothing is added to z."""

    name = "lapped"
    filter_tensors: ClassVar[dict[str, FilterTensor]] = {}
    # The errors of subnets with many bits are far smaller than those with few.
    error_exponent = 1.0
    lean = True
    has_latents = True

    def banks(self, depth: int) -> int:
        return 1

    def default_space(self, width: int, height: int, colours: int) -> Space:
        # There are common networks of these sizes, whatever the picture's size.
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
