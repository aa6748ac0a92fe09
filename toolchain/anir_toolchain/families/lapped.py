"""A lapped transform under sine layers: latents say what is where, a small network makes colours of it.

The latents (`lapped_transform`) are planes z, as many as the picture has colours, in its principal colours,
and take nearly all of a file. The layers see z at a point and its first plane around it, and undo some of the
error of coarse codes.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from anir_toolchain.families import Family, FilterTensor
from anir_toolchain.lapped_synthesis import CONSTANT
from anir_toolchain.space import Subnet


class Lapped(Family):
    """h₁ = [z(x, y), z₁ at 8 places around, π/2 …], hₗ₊₁ = h₁ + sin(hₗ Wₗ), where nothing is added to z."""

    name = "lapped"
    filter_tensors: ClassVar[dict[str, FilterTensor]] = {}
    # The errors of subnets with many bits are far smaller than those with few.
    error_exponent = 1.0
    lean = True
    has_latents = True
    widths = (8, 16, 20, 24)
    rates: ClassVar[dict[int, tuple[float, ...]]] = {
        2: (0.0997, 0.165, 0.3, 0.6),
        3: (0.115, 0.1797, 0.349, 0.7485),
        4: (0.13, 0.21, 0.42, 0.9985),
        5: (0.1495, 0.2492, 0.4988, 1.5),
    }
    """Bits per pixel of the whole file, by depth and by the default widths, for a large picture."""
    least_bits: ClassVar[float] = 12_000
    """Bits of the latents of a small picture's smallest file."""

    def banks(self, depth: int) -> int:
        return 1

    def latent_bits(self, subnet: Subnet, size: tuple[int, int], colours: int) -> float:
        # What the file's bits leave when all else in it is paid for.
        pixels, widths = size[0] * size[1], self.default_space(*size, colours).widths
        of_depths = [np.interp(subnet.width, widths, rates) for rates in self.rates.values()]
        rate = float(np.interp(subnet.depth, list(self.rates), of_depths))
        least = self.least_bits * rate / self.rates[2][0]
        return max(pixels * rate - 8 * self._other_bytes(subnet), min(least, 4 * pixels))

    def _other_bytes(self, subnet: Subnet) -> float:
        """Estimate of the bytes of a file of 4-bit weights beside its codes, when `rates` were chosen."""
        links, width = subnet.depth - 1, subnet.width
        return 2680 + links * width**2 / 2 + 4 * width + 93 * (links > 1)

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
        planes: int = 0,
    ) -> list[Tensor]:
        assert features is not None
        assert planes
        seen = functional.pad(features, (0, filters.shape[-1] - features.shape[1]), value=CONSTANT)
        here, others = seen[:, :planes], seen[:, planes:]
        layers = [seen]
        for weight in weights:
            sines = torch.sin(layers[-1] @ weight[:, planes:])
            layers.append(torch.cat([here, others + sines], 1))
        return layers
