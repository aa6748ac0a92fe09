"""The families of coordinate networks, one file each; a new file here is a new family.

Every family has the same skeleton, which the rest of the toolchain trains, quantizes and packs:
banks of filters over the coordinates, square hidden matrices with biases unless it is lean, a linear head
per subnet, and the planes of a lapped transform if the family wants them.
What makes a family is how it wires them: `forward` in torch, here, and its graph in ONNX (onnx_writer).
"""

from abc import ABC, abstractmethod
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import ClassVar

import torch
from anir_runtime.errors import AnirError
from torch import Tensor

from anir_toolchain.space import WIDTHS, Subnet


class Family(ABC):
    """How a kind of coordinate network turns (x, y) into the channels of each depth.

    Shapes below: N points, D layers, C channels, F = banks(D) filter banks, K = len(filter_rows).
    """

    name: ClassVar[str]
    filter_rows: ClassVar[dict[str, int]]
    """What each of the K values of a filter is, and its bits in the file, 8 or 16."""
    filter_gain: ClassVar[float] = 1.0
    """How much faster filters learn than hidden weights."""
    emphasis: ClassVar[float] = 0.5
    """Power of a subnet's error by which its share in the loss falls: deep ones gain, depth 2 loses a bit."""
    periodic_bias: ClassVar[bool] = False
    """Whether hidden biases matter modulo 2π only."""
    lean: ClassVar[bool] = False
    """Whether each matrix has one step size, and layers no biases: some channel has to be constant then."""
    kept: ClassVar[int] = 0
    """Of the first channels, how many every layer passes on as they are: no hidden weights lead to them."""

    has_latents: ClassVar[bool] = False
    """Whether each subnet begins with codes of local cosines of its own, of `latent_bits`."""
    widths: ClassVar[tuple[int, ...]] = WIDTHS
    """Of the default space at 768x512."""
    narrowest: ClassVar[int] = 1
    """The least width."""

    def latent_bits(self, subnet: Subnet, size: tuple[int, int]) -> float:
        """What a subnet's codes may take for a picture of (width, height): none by default."""
        return 0.0

    @abstractmethod
    def banks(self, depth: int) -> int:
        """How many filter banks a subnet of that depth reads."""

    @abstractmethod
    def init_filters(
        self,
        depth: int,
        width: int,
        aspect: tuple[float, float],
        bandwidth: float,
        generator: torch.Generator,
    ) -> Tensor:
        """Fresh filters, float32[F, K, C].

        `bandwidth` is the highest first-layer frequency in radians per unit; `aspect` scales it along x
        and y so that frequencies are isotropic in pixels.
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
            features: what is seen of local cosines' planes, float32[N, n], if the family `has_latents`.

        Returns:
            D tensors float32[N, C].
        """


def sine(filters: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """sin(wx·x + wy·y + phase) at N points, float32[N, C], with wx, wy and phase the first filter rows."""
    return torch.sin(torch.addmm(filters[2], torch.stack([x, y], dim=1), filters[:2]))


@cache
def families() -> dict[str, Family]:
    """All families by name: every concrete Family in this package's modules."""
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
