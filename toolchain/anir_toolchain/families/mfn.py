"""Multiplicative filter networks (Fathony et al. 2020): products of Fourier or Gabor filters."""

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from anir_toolchain.families import Family, sine
from anir_toolchain.graph import Graph, separable_sine


class _FilterNetwork(Family):
    """h₁ = g₁(x, y), hₗ₊₁ = (hₗ Wₗ + bₗ) ∘ gₗ₊₁(x, y), one filter bank g per layer."""

    vector_rank = 4

    def banks(self, depth: int) -> int:
        return depth

    def filter(self, filters: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """One bank's response, float32[N, C], to filters float32[K, C]."""
        return sine(filters, x, y)

    def emit_filters(self, graph: Graph, x: str, y: str, filters: Sequence[str]) -> str:
        """All banks' responses on the grid, [F, H, W, C]."""
        return separable_sine(graph, x, y, *filters)

    def forward(
        self,
        filters: Tensor,
        weights: Tensor,
        biases: Tensor,
        x: Tensor,
        y: Tensor,
        features: Tensor | None = None,
    ) -> list[Tensor]:
        layers = [self.filter(filters[0], x, y)]
        for i, (weight, bias) in enumerate(zip(weights, biases, strict=True), start=1):
            layers.append(torch.addmm(bias, layers[-1], weight) * self.filter(filters[i], x, y))
        return layers

    def emit(
        self,
        graph: Graph,
        x: str,
        y: str,
        filters: Sequence[str],
        weights: Sequence[str],
        biases: Sequence[str],
        features: str | None = None,
    ) -> str:
        banks = len(weights) + 1
        g = graph.split_op("Split", banks, self.emit_filters(graph, x, y, filters), num_outputs=banks)
        h = g[0]
        for weight, bias, response in zip(weights, biases, g[1:], strict=True):
            h = graph.op("Mul", graph.op("Add", graph.op("MatMul", h, weight), bias), response)
        return h


class Fourier(_FilterNetwork):
    """g(x, y) = sin(ω·(x, y) + φ)."""

    name = "fourier"
    filter_gain = 5.0
    filter_rows: ClassVar[dict[str, int]] = {"wx": 16, "wy": 16, "phase": 8}

    def init_filters(
        self,
        depth: int,
        width: int,
        aspect: tuple[float, float],
        bandwidth: float,
        generator: torch.Generator,
    ) -> Tensor:
        filters = torch.rand(depth, 3, width, generator=generator) * 2 - 1
        # A product adds frequencies; falling from bank to bank, they suit shallow and deep subnets alike.
        frequency = 2 * bandwidth * 0.7 ** torch.arange(depth)
        scale = torch.stack([frequency * aspect[0], frequency * aspect[1], torch.full((depth,), math.pi)], 1)
        return filters * scale[:, :, None]


class Gabor(_FilterNetwork):
    """g(x, y) = sin(ω·(x, y) + φ) · exp(-½ κ² ((x - μx)² + (y - μy)²)); the paper's γ is κ²."""

    name = "gabor"
    filter_rows: ClassVar[dict[str, int]] = {**Fourier.filter_rows, "center_x": 8, "center_y": 8, "kappa": 8}
    concentration: ClassVar[float] = 6.0
    """α of the Gamma(α / layers, 1) distribution that γ is drawn from, as published."""

    def init_filters(
        self,
        depth: int,
        width: int,
        aspect: tuple[float, float],
        bandwidth: float,
        generator: torch.Generator,
    ) -> Tensor:
        fourier = Fourier().init_filters(depth, width, aspect, bandwidth, generator)
        centers = torch.rand(depth, 2, width, generator=generator) * 2 - 1
        seed = int(torch.randint(2**31, (1,), generator=generator))
        gamma = np.random.default_rng(seed).gamma(self.concentration / depth, size=(depth, 1, width))
        return torch.cat([fourier, centers, torch.from_numpy(gamma).float().sqrt()], dim=1)

    def filter(self, filters: Tensor, x: Tensor, y: Tensor) -> Tensor:
        center_x, center_y, kappa = filters[3:]
        dx, dy = x[:, None] - center_x, y[:, None] - center_y
        return super().filter(filters, x, y) * torch.exp(-0.5 * kappa**2 * (dx**2 + dy**2))

    def emit_filters(self, graph: Graph, x: str, y: str, filters: Sequence[str]) -> str:
        *fourier, center_x, center_y, kappa = filters
        # exp(-½ κ² (dx² + dy²)) is a factor of columns times a factor of rows.
        half = graph.scalar(math.sqrt(0.5))
        scale = graph.op("Mul", kappa, half)
        envelopes = []
        for axis, center in ((x, center_x), (y, center_y)):
            distance = graph.op("Mul", graph.op("Sub", axis, center), scale)
            envelopes.append(graph.op("Exp", graph.op("Neg", graph.op("Mul", distance, distance))))
        return separable_sine(graph, x, y, *fourier, *envelopes)
