"""A lapped transform under sine layers: latents say what is where, a small network makes colours of it.

The latents (`lapped_transform`) are three planes z in the picture's principal colours, and take nearly all of
a file. The layers see z at a point and its first plane around it, and undo some of the error of coarse codes.
"""

from typing import ClassVar

import torch
from anir_runtime.common_networks import DEPTHS, WIDTHS
from torch import Tensor
from torch.nn import functional

from anir_toolchain.families import Family, FilterTensor
from anir_toolchain.lapped_synthesis import CONSTANT
from anir_toolchain.space import Space


class Lapped(Family):
    """h₁ = [z(x, y), z₁ at 8 places around less z₁, π/2 …], hₗ₊₁ = h₁ + sin(hₗ Wₗ); nothing is added to z."""

    name = "lapped"
    filter_tensors: ClassVar[dict[str, FilterTensor]] = {}
    # The errors of subnets with many bits are far smaller than those with few.
    error_exponent = 1.0
    lean = True
    passed_through = 3
    has_latents = True
    narrowest = 4

    def banks(self, depth: int) -> int:
        return 1

    def default_space(self, size: tuple[int, int]) -> Space:
        # There are common networks of these sizes, whatever the picture's size.
        return Space(DEPTHS, WIDTHS)

    def init_filters(
        self,
        depth: int,
        width: int,
        aspect: tuple[float, float],
        bandwidth: float,
        generator: torch.Generator,
    ) -> Tensor:
        return torch.empty(1, 0, width)

    def forward(
        self,
        filters: Tensor,
        weights: Tensor,
        biases: Tensor,
        x: Tensor,
        y: Tensor,
        features: Tensor | None = None,
    ) -> list[Tensor]:
        assert features is not None
        seen = functional.pad(features, (0, filters.shape[-1] - features.shape[1]), value=CONSTANT)
        planes, others = seen[:, : self.passed_through], seen[:, self.passed_through :]
        layers = [seen]
        for weight in weights:
            sines = torch.sin(layers[-1] @ weight[:, self.passed_through :])
            layers.append(torch.cat([planes, others + sines], 1))
        return layers
