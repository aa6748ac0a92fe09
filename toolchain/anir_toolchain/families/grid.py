"""A SIREN with feature grids: what is local comes from a grid, what repeats from the sines.

The grids' features (see pyramid.py) are added to the first channels of the first layer. From about
0.2 bits a pixel on they make a small network show more detail than a wide one without them in as many bytes.
"""

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from anir_toolchain.families.siren import Siren
from anir_toolchain.graph import Graph
from anir_toolchain.pyramid import sample
from anir_toolchain.space import width_scale


class Grid(Siren):
    """h₁ = sin(ω·(x, y) + φ) + [z(x, y), 0], then as a SIREN; z interpolates the grids."""

    name = "grid"
    widths = (20, 24, 28, 32)
    levels: ClassVar[tuple[int, ...]] = (4, 4, 3, 3, 1)
    # Shallow ones save little of a file that is mostly latents: deep ones may gain at their cost.
    depth_power = 2.0
    patience = 1.25

    def latent_bits(self, width: int, size: tuple[int, int]) -> float:
        # Twice as many for every six channels or so: bytes are better spent on latents than on a wider
        # network. In the default space, whose widths grow with a picture's side, the files of pictures of
        # 768×512 come to 0.18, 0.25, 0.35 and 0.5 bits a pixel at most.
        usual = width / width_scale(*size, self.widths)
        return size[0] * size[1] * 0.372 * 2 ** min((usual - self.widths[-1]) / 5.75, 3.4)

    def first_layer(self, filters: Tensor, x: Tensor, y: Tensor, grids: Sequence[Tensor]) -> Tensor:
        h = super().first_layer(filters, x, y, grids)
        features = sample(grids, x, y)
        return h + functional.pad(features, (0, h.shape[1] - features.shape[1]))

    def emit_first_layer(
        self, graph: Graph, x: str, y: str, filters: Sequence[str], features: str | None
    ) -> str:
        h = super().emit_first_layer(graph, x, y, filters, features)
        assert features is not None
        return graph.op("Add", h, features)
