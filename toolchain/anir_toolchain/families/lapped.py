"""Local cosines and sine layers: what a cell shows stands in codes, what to make of it in a small network.

The codes (see ../lapped.py) give three planes of the picture's colours, z. Nearly all of a file is codes, and
so is nearly all of the quality; the layers, which see z again and again, take some of their errors back.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from anir_toolchain.families import Family
from anir_toolchain.graph import Graph
from anir_toolchain.space import Space


class Lapped(Family):
    """h₁ = [z(x, y), 0], hₗ₊₁ = sin(hₗ Wₗ + bₗ) + [z(x, y), 0]."""

    name = "lapped"
    filter_rows: ClassVar[dict[str, int]] = {}
    periodic_bias = True
    has_latents = True
    widths = (8, 12, 16, 20)
    narrowest = 3
    rates: ClassVar[tuple[float, ...]] = (0.1792, 0.2492, 0.3486, 0.4972)
    """Bits per pixel of the shallowest file of those widths."""
    least_bits: ClassVar[float] = 12_000
    """For the codes of a small picture."""

    def banks(self, depth: int) -> int:
        return 1

    def latent_bits(self, width: int, size: tuple[int, int]) -> float:
        # What the smallest file of that width has left when all else in it is paid for.
        pixels, widths = size[0] * size[1], Space.default(*size, self.widths).widths
        left = pixels * float(np.interp(width, widths, self.rates)) - 8 * (2826 + 16 * width)
        return max(left, min(self.least_bits, 4 * pixels))

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
        z = functional.pad(features, (0, filters.shape[-1] - features.shape[1]))
        layers = [z]
        for weight, bias in zip(weights, biases, strict=True):
            layers.append(torch.sin(torch.addmm(bias, layers[-1], weight)) + z)
        return layers

    def emit(
        self,
        graph: Graph,
        links: int,
        x: str,
        y: str,
        filters: Sequence[str],
        weights: str,
        biases: str,
        features: str | None = None,
    ) -> str:
        assert features is not None
        z = features

        def layer(graph: Graph, h: str, weight: str, bias: str) -> str:
            sine = graph.op("Sin", graph.op("Add", graph.op("MatMul", h, weight), bias))
            return graph.op("Add", sine, z)

        return graph.repeat(links, layer, z, weights, biases)
