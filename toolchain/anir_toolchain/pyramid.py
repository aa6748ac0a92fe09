"""Feature grids: a pyramid of small pictures of features, whose codes are entropy-coded.

Multiresolution grids in front of a small network are Müller et al.'s (2022, instant neural graphics
primitives) and, with a rate to pay, Ladune et al.'s (2023, Cool-chic).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from anir_toolchain.graph import Graph
from anir_toolchain.rans import Stream, emit

_PITCH = 2
"""Pixels from one cell of the finest level to the next."""
_SPARSEST = 8
"""How many latents there may be for each bit that they are allowed."""


@dataclass(frozen=True)
class Pyramid:
    """Levels from coarse to fine, each twice as fine as the one before.

    Latents stand in one row: level by level, then by channel, row and column. Z is the number of all
    levels' channels, N that of latents.

    Attributes:
        channels: of each level.
        width: columns of the finest level.
        height: rows of the finest level.
    """

    channels: tuple[int, ...]
    width: int
    height: int

    @classmethod
    def of(cls, channels: tuple[int, ...], size: tuple[int, int], bits: float) -> "Pyramid":
        """The pyramid over a picture of (width, height), in whole cells of the coarsest level.

        Fine levels of which so many `bits` could say next to nothing are left out altogether.
        """
        unit = 2 ** (len(channels) - 1)
        width, height = (max(1, round(side / _PITCH / unit)) * unit for side in size)
        pyramid = cls(channels, width, height)
        while len(pyramid.channels) > 1 and pyramid.latents > _SPARSEST * bits:
            pyramid = cls(pyramid.channels[:-1], pyramid.width // 2, pyramid.height // 2)
        return pyramid

    @property
    def shapes(self) -> list[tuple[int, int, int]]:
        """(channels, rows, columns) of each level."""
        factors = [2**k for k in reversed(range(len(self.channels)))]
        return [(c, self.height // f, self.width // f) for c, f in zip(self.channels, factors, strict=True)]

    @property
    def latents(self) -> int:
        """N."""
        return sum(c * h * w for c, h, w in self.shapes)

    def levels(self, values: Tensor) -> list[Tensor]:
        """A row of values as one tensor [channels, rows, columns] per level."""
        sizes = [c * h * w for c, h, w in self.shapes]
        return [part.reshape(s) for part, s in zip(torch.split(values, sizes), self.shapes, strict=True)]

    def planes(self, values: Tensor) -> list[Tensor]:
        """A row of values as one row per channel, coarse to fine."""
        return [plane.flatten() for level in self.levels(values) for plane in level]

    def per_channel(self, values: Tensor) -> list[Tensor]:
        """[Z] as one [channels, 1, 1] per level, to go with `levels`."""
        return [part[:, None, None] for part in torch.split(values, list(self.channels))]

    def grids(self, latents: Tensor, steps: Tensor) -> list[Tensor]:
        """Each level, [channels, rows, columns], from latents [N] in steps and what a step is worth, [Z]."""
        scaled = zip(self.levels(latents), self.per_channel(steps), strict=True)
        return [level * step for level, step in scaled]

    def emit(self, graph: Graph, stream: Stream, steps: Tensor, x: str, y: str, channels: int) -> str:
        """Writes what `sample` gives, float32[H, W, channels], zero from Z on.

        Args:
            graph: where the nodes go.
            stream: the codes of all latents.
            steps: what a step is worth, [Z].
            x: float32[W, 1].
            y: float32[H, 1, 1].
            channels: how many there are to be, at least Z.
        """
        latents = graph.op("Reshape", emit(graph, stream), graph.integers(-1))
        sizes = [c * h * w for c, h, w in self.shapes]
        levels = graph.split_op("Split", len(sizes), latents, graph.integers(*sizes))
        parts = [
            graph.op("Mul", axis, graph.tensor(np.eye(2, dtype=np.float32)[i]))
            for i, axis in enumerate((x, y))
        ]
        points = graph.op("Unsqueeze", graph.op("Add", *parts), graph.integers(0))
        samples = [
            graph.op(
                "GridSample",
                graph.op("Reshape", level, graph.integers(1, *shape)),
                points,
                padding_mode="border",
            )
            for level, shape in zip(levels, self.shapes, strict=True)
        ]
        features = graph.op("Transpose", graph.op("Concat", *samples, axis=1), perm=[0, 2, 3, 1])
        features = graph.op("Squeeze", features, graph.integers(0))
        features = graph.op("Mul", features, graph.tensor(steps.numpy()))
        return graph.op("Pad", features, graph.integers(0, 0, 0, 0, 0, channels - len(steps)))


def sample(levels: Sequence[Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Bilinear interpolation of levels [channels, rows, columns] at N points, held at the borders: [N, Z]."""
    points = torch.stack([x, y], dim=1)[None, None]
    samples = [
        functional.grid_sample(level[None], points, "bilinear", "border", align_corners=False)[0, :, 0]
        for level in levels
    ]
    return torch.cat(samples).T
