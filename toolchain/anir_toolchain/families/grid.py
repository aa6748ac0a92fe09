"""A SIREN with feature grids: what is local comes from a grid, what repeats from the sines.

The grids' features (see pyramid.py) are added to the first channels of the first layer. At a bit a pixel and
less they make a small network show as much detail as a wide one, so that a pixel takes far fewer products.
"""

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from anir_toolchain.families.siren import Siren
from anir_toolchain.graph import Graph
from anir_toolchain.pyramid import sample


class Grid(Siren):
    """h₁ = sin(ω·(x, y) + φ) + [z(x, y), 0], then as a SIREN; z interpolates the grids."""

    name = "grid"
    widths = (32, 40, 48, 56)
    levels: ClassVar[tuple[int, ...]] = (6, 4, 3, 2)
    # Shallow ones save little of a file that is mostly grids: they may lose 0.5 dB for 0.2 of the deep ones.
    depth_power = 2.0

    def latents(self, width: int, size: tuple[int, int]) -> int:
        # More bytes are better spent on latents than on a wider network. In the default space, whose widths
        # grow with a picture's side, it is one for 72 pixels in the narrowest and for 8 in the widest.
        return round(2048 * width**4 / (size[0] * size[1]))

    def first_layer(self, filters: Tensor, x: Tensor, y: Tensor, features: Tensor | None) -> Tensor:
        h = super().first_layer(filters, x, y, features)
        assert features is not None
        return h + functional.pad(sample(features, x, y), (0, h.shape[1] - len(features)))

    def emit_first_layer(
        self, graph: Graph, x: str, y: str, filters: Sequence[str], features: str | None
    ) -> str:
        h = super().emit_first_layer(graph, x, y, filters, features)
        assert features is not None
        return graph.op("Add", h, features)
