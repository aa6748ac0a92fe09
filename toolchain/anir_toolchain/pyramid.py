"""Feature grids: a pyramid of small pictures of features, of which only the blocks that pay are kept.

Multiresolution grids in front of a small network are Müller et al.'s (2022, instant neural graphics
primitives) and Ladune et al.'s (2023, Cool-chic). Without entropy coding an empty place costs as many bits
as any other, so blocks of 4×4 latents that matter little are left out, for one bit each.
"""

from dataclasses import dataclass

import numpy as np
import torch
from onnx import TensorProto
from torch import Tensor
from torch.nn import functional

from anir_toolchain.graph import Graph

BLOCK = 4
_PITCH = 4
"""Pixels from one cell of the finest level to the next."""
_SPARSEST = 6
"""How many times more latents there may be than are kept."""
_LATENT = BLOCK * BLOCK


@dataclass(frozen=True)
class Pyramid:
    """Levels from coarse to fine, each twice as fine as the one before.

    Latents stand in one row: level by level, then by channel, row and column. Z is the number of all
    levels' channels, B of all blocks, in the same order.

    Attributes:
        channels: of each level.
        width: columns of the finest level.
        height: rows of the finest level.
    """

    channels: tuple[int, ...]
    width: int
    height: int

    @classmethod
    def of(cls, channels: tuple[int, ...], size: tuple[int, int], budget: int) -> "Pyramid":
        """The pyramid over a picture of (width, height), in whole blocks of the coarsest level.

        Fine levels of which `budget` latents could keep next to nothing are left out altogether.
        """
        unit = 2 ** (len(channels) - 1)
        width, height = (max(1, round(side / _PITCH / unit / BLOCK)) * unit * BLOCK for side in size)
        pyramid = cls(channels, width, height)
        while len(pyramid.channels) > 1 and pyramid.latents > _SPARSEST * budget:
            pyramid = cls(pyramid.channels[:-1], pyramid.width // 2, pyramid.height // 2)
        return pyramid

    @property
    def shapes(self) -> list[tuple[int, int, int]]:
        """(channels, rows, columns) of each level."""
        factors = [2**k for k in reversed(range(len(self.channels)))]
        return [(c, self.height // f, self.width // f) for c, f in zip(self.channels, factors, strict=True)]

    @property
    def latents(self) -> int:
        """How many there are, kept or not."""
        return sum(c * h * w for c, h, w in self.shapes)

    @property
    def blocks(self) -> int:
        """B."""
        return self.latents // _LATENT

    def _block_counts(self) -> list[int]:
        return [c * h * w // _LATENT for c, h, w in self.shapes]

    def levels(self, values: Tensor) -> list[Tensor]:
        """A row of values as one tensor [channels, rows, columns] per level."""
        sizes = [c * h * w for c, h, w in self.shapes]
        return [part.reshape(s) for part, s in zip(torch.split(values, sizes), self.shapes, strict=True)]

    def per_latent(self, channels: Tensor) -> Tensor:
        """Spreads [Z] over all latents."""
        counts = [h * w for c, h, w in self.shapes for _ in range(c)]
        return channels.repeat_interleave(torch.tensor(counts, device=channels.device))

    def per_channel(self, latents: Tensor) -> Tensor:
        """Sums of all latents by channel, [Z]."""
        return torch.cat([level.sum((1, 2)) for level in self.levels(latents)])

    def cell_sides(self) -> Tensor:
        """Of each channel, in cells of the finest level, [Z]."""
        return torch.cat([torch.full((c,), self.width / w) for c, _, w in self.shapes])

    def spread_blocks(self, blocks: Tensor) -> Tensor:
        """Spreads [B] over all latents."""
        return torch.cat(
            [
                part.reshape(c, h // BLOCK, w // BLOCK)
                .repeat_interleave(BLOCK, 1)
                .repeat_interleave(BLOCK, 2)
                .flatten()
                for part, (c, h, w) in zip(
                    torch.split(blocks, self._block_counts()), self.shapes, strict=True
                )
            ]
        )

    def block_sums(self, latents: Tensor) -> Tensor:
        """Sums of each block's latents, [B]."""
        return torch.cat(
            [functional.avg_pool2d(level, BLOCK).flatten() * _LATENT for level in self.levels(latents)]
        )

    def features(self, latents: Tensor) -> Tensor:
        """All levels at the finest one's size, [Z, height, width], coarse ones by linear interpolation."""
        size = (self.height, self.width)
        return torch.cat(
            [
                level
                if level.shape[1:] == size
                else functional.interpolate(level[None], size, mode="bilinear", align_corners=False)[0]
                for level in self.levels(latents)
            ]
        )

    def gather(self, latents: Tensor, kept: Tensor) -> Tensor:
        """The latents of the blocks that `kept`, bool[B], has, [16, kept blocks]."""
        blocks = [
            level.reshape(c, h // BLOCK, BLOCK, w // BLOCK, BLOCK).permute(2, 4, 0, 1, 3).reshape(_LATENT, -1)
            for level, (c, h, w) in zip(self.levels(latents), self.shapes, strict=True)
        ]
        return torch.cat(blocks, 1)[:, kept]

    def scatter(self, values: Tensor, kept: Tensor) -> Tensor:
        """The inverse of `gather`: all latents, zero where they are not kept."""
        blocks = values.new_zeros(_LATENT, self.blocks)
        blocks[:, kept] = values
        return torch.cat(
            [
                part.reshape(BLOCK, BLOCK, c, h // BLOCK, w // BLOCK).permute(2, 3, 0, 4, 1).flatten()
                for part, (c, h, w) in zip(
                    torch.split(blocks, self._block_counts(), 1), self.shapes, strict=True
                )
            ]
        )

    def emit(self, graph: Graph, codes: str, scale: Tensor, kept: Tensor) -> str:
        """Writes the features [height, width · Z] from codes [16, K], scales [Z] and kept, bool[B]."""
        values = graph.op("DequantizeLinear", codes, graph.scalar(1))
        # Column 0 becomes a block of zeros: what is left out.
        values = graph.op("Pad", values, graph.integers(0, 1, 0, 0))
        blocks = graph.op("Gather", values, self._emit_places(graph, kept), axis=1)
        counts = self._block_counts()
        unused = -self.blocks % 8
        parts = graph.split_op(
            "Split",
            len(counts) + (unused > 0),
            blocks,
            graph.integers(*counts, *[unused] * (unused > 0)),
            axis=1,
        )
        levels = []
        for part, (c, h, w) in zip(parts, self.shapes, strict=False):
            blocks = graph.op("Reshape", part, graph.integers(1, _LATENT * c, h // BLOCK, w // BLOCK))
            level = graph.op("DepthToSpace", blocks, blocksize=BLOCK)
            if (h, w) != (self.height, self.width):
                size = graph.integers(1, c, self.height, self.width)
                level = graph.op("Resize", level, "", "", size, mode="linear")
            levels.append(level)
        features = graph.op("Concat", *levels, axis=1)
        features = graph.op("Mul", features, graph.tensor(scale.reshape(-1, 1, 1).numpy()))
        features = graph.op("Transpose", features, perm=[0, 2, 3, 1])
        return graph.op("Reshape", features, graph.integers(self.height, self.width * sum(self.channels)))

    def _emit_places(self, graph: Graph, kept: Tensor) -> str:
        """Where each block's latents are, 0 for those left out, from a bit for each block."""
        eights = np.packbits(kept.numpy(), bitorder="little")[:, None]
        bits = graph.op(
            "BitShift", graph.tensor(eights), graph.tensor(np.arange(8, dtype=np.uint8)), direction="RIGHT"
        )
        bits = graph.op("BitwiseAnd", bits, graph.tensor(np.ones(1, np.uint8)))
        bits = graph.op("Cast", graph.op("Reshape", bits, graph.integers(-1)), to=TensorProto.INT64)
        return graph.op("Mul", bits, graph.op("CumSum", bits, graph.integers(0)))

    def emit_sample(self, graph: Graph, features: str, x: str, y: str, channels: int) -> str:
        """Writes the bilinear interpolation over a grid, float32[H, W, channels], zero from Z on.

        A product by rows and one by columns: each point has two weights in [H, 1, height] and [W, width].
        """
        rows = graph.op("MatMul", _emit_weights(graph, y, self.height), features)
        own = sum(self.channels)
        rows = graph.op("Reshape", rows, graph.integers(0, self.width, own))
        samples = graph.op("MatMul", _emit_weights(graph, x, self.width), rows)
        return graph.op("Pad", samples, graph.integers(0, 0, 0, 0, 0, channels - own))


def _emit_weights(graph: Graph, axis: str, cells: int) -> str:
    """Of each cell for each coordinate: 1 at its centre, falling to 0 at its neighbours'."""
    one, half = graph.scalar(1), graph.scalar(cells / 2)
    # In cells from the picture's middle.
    first, last = graph.scalar(0.5 - cells / 2), graph.scalar(cells / 2 - 0.5)
    place = graph.op("Clip", graph.op("Mul", axis, half), first, last)
    distance = graph.op("Abs", graph.op("Sub", place, graph.op("Range", first, half, one)))
    return graph.op("Relu", graph.op("Sub", one, distance))


def sample(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Bilinear interpolation of [Z, height, width] at N points, held at the borders: [N, Z]."""
    points = torch.stack([x, y], dim=1)[None, None]
    sampled = functional.grid_sample(features[None], points, "bilinear", "border", align_corners=False)
    return sampled[0, :, 0].T
