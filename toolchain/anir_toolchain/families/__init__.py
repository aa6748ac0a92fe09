"""The families of coordinate networks, one file each; a new file here is a new family.

All families have the same parts, which the rest of the toolchain trains and quantizes: banks of filters over
the coordinates, square hidden matrices, biases unless the family is lean, a linear head for each subnet, and
latents if the family wants them. A family says how the parts are wired (`forward`) and how they start.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import torch
from anir_runtime.errors import AnirError
from torch import Tensor

from anir_toolchain.space import WIDTHS, Subnet

if TYPE_CHECKING:
    from anir_toolchain.graph import Graph


class FilterTensor(NamedTuple):
    """The part of a filter's values that one tensor holds: `rows` values of 8 or 16 bits each."""

    rows: int
    bits: int


class Family(ABC):
    """How a kind of coordinate network turns (x, y) into the channels of each layer.

    Shapes below: N points, D layers, C channels, F = banks(D) filter banks of K values each.
    """

    name: ClassVar[str]
    """As in files and on the command line."""
    filter_tensors: ClassVar[dict[str, FilterTensor]]
    """The network's tensors (docs/format.md) that make up the K values of a filter, in their order."""
    vector_rank: ClassVar[int] = 3
    """Rank at which `emit` receives vectors and matrices: [n, 1, C] for 3, [n, 1, 1, C] for 4.

    At depth 2 those of rank 3 have one axis less: vectors [n, C], the matrix [C, C]; not if `lean`.
    """
    filter_gain: ClassVar[float] = 1.0
    """Learning rate of filters as a multiple of that of hidden weights."""
    error_exponent: ClassVar[float] = 0.5
    """In the loss the error e of a subnet is weighted by e to the power of minus this.

    0 minimizes the sum of errors, 1 that of their logarithms, in which deep subnets count as much as others.
    """
    periodic_bias: ClassVar[bool] = False
    """Whether a hidden bias is the phase of a sine, of which only the value modulo 2π matters."""
    lean: ClassVar[bool] = False
    """Whether layers have no biases, and each matrix a single step size instead of one for each output.

    The channels of such a family have to include a constant one.
    """
    passed_through: ClassVar[int] = 0
    """Number of first channels that every layer passes on unchanged: no hidden weights lead to them."""

    has_latents: ClassVar[bool] = False
    """Whether each subnet has latents (coefficients of a lapped transform) of its own, of `latent_bits`."""
    widths: ClassVar[tuple[int, ...]] = WIDTHS
    """Widths of the default space for a picture of 768x512."""
    narrowest: ClassVar[int] = 1
    """Least width of a subnet."""

    @property
    def filter_bits(self) -> list[int]:
        """Bits of each of a filter's K values."""
        return [bits for rows, bits in self.filter_tensors.values() for _ in range(rows)]

    def latent_bits(self, subnet: Subnet, size: tuple[int, int]) -> float:
        """Budget in bits of a subnet's latents for a picture of size (width, height): none by default."""
        return 0.0

    @abstractmethod
    def banks(self, depth: int) -> int:
        """Number of filter banks that a subnet of that depth has."""

    @abstractmethod
    def init_filters(
        self,
        depth: int,
        width: int,
        aspect: tuple[float, float],
        bandwidth: float,
        generator: torch.Generator,
    ) -> Tensor:
        """Filters to start the training from, float32[F, K, C].

        Args:
            depth: D, the greatest depth.
            width: C, the number of channels.
            aspect: sides of the picture as multiples of their geometric mean, (x, y); frequencies are scaled
                by them so that they are isotropic in pixels.
            bandwidth: highest first-layer frequency, in radians per half of that mean side.
            generator: draws the random numbers.
        """

    @abstractmethod
    def forward(
        self,
        filters: Tensor,
        weights: Tensor,
        biases: Tensor,
        x: Tensor,
        y: Tensor,
        features: Tensor | None = None,
    ) -> list[Tensor]:
        """The channels after each layer.

        Args:
            filters: float32[F, K, C].
            weights: float32[D-1, C, C], applied as h @ W.
            biases: float32[D-1, C], or [0, C] if the family is `lean`.
            x: float32[N] in [-1, 1].
            y: float32[N] in [-1, 1].
            features: what the first n channels see of the latents, float32[N, n], if there are any.

        Returns:
            D tensors float32[N, C].
        """

    @abstractmethod
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
        """Writes the same network over a grid.

        Args:
            graph: where the nodes go.
            links: D-1, for `graph.repeat`.
            x: float32[W, 1].
            y: float32[H, 1, 1].
            filters: K names, [F, 1, C] or [F, 1, 1, C] by `vector_rank`.
            weights: [D-1, C, C] or [D-1, 1, C, C].
            biases: [D-1, 1, C] or [D-1, 1, 1, C]; no name if the family is `lean`.
            features: what is seen of local cosines' planes, and CONSTANT in all other channels, [H, W, C],
                if the family `has_latents`.

        Returns:
            The name of the last layer's channels, [H, W, C] or [1, H, W, C].
        """


def sine(filters: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """sin(ωx·x + ωy·y + φ) at N points, float32[N, C]; `filters` [K, C] begins with rows ωx, ωy and φ."""
    return torch.sin(torch.addmm(filters[2], torch.stack([x, y], dim=1), filters[:2]))


def emit_sine(graph: Graph, x: str, y: str, wx: str, wy: str, phase: str) -> str:
    """`sine` over a grid: of a column's part plus a row's, which a runtime may take apart."""
    return graph.op("Sin", graph.op("Sum", graph.op("Mul", x, wx), graph.op("Mul", y, wy), phase))


@cache
def families() -> dict[str, Family]:
    """All families by name: every class with a name that the modules of this package define."""
    found = {}
    for module in iter_modules(__path__, f"{__name__}."):
        for member in vars(import_module(module.name)).values():
            if isinstance(member, type) and issubclass(member, Family) and hasattr(member, "name"):
                found[member.name] = member()
    return found


def family(name: str) -> Family:
    """The family of that name. Raises AnirError, listing the known ones, if there is none."""
    if name not in families():
        raise AnirError(f"no family '{name}'; there are {', '.join(sorted(families()))}")
    return families()[name]
