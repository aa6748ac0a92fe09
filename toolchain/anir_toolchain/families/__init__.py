"""The families of coordinate networks, one file each, which is found by being here (see CONTRIBUTING.md).

All families have the same parts, which the rest of the toolchain trains and quantizes: banks of filters over
the coordinates, square hidden matrices, biases unless the family is lean, a linear head for each subnet, and
latents if the family wants them. A family says how the parts are wired (`forward`) and how they start; its
graph in ONNX is written by a module of `onnx_writer`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from anir_runtime.errors import AnirError

from anir_toolchain.space import Space

if TYPE_CHECKING:
    # Takes two seconds to load, which pictures that are not trained need not wait for.
    import torch
    from torch import Tensor


class FilterTensor(NamedTuple):
    """A tensor of the file that holds `rows` parameters of each filter, one after the other.

    Each is quantized to `bits`, 8 or 16. SIREN: two frequencies of 16 bits, a phase of 8.
    """

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
    filter_gain: ClassVar[float] = 1.0
    """Learning rate of filters as a multiple of that of hidden weights; 0 leaves them as they start."""
    rate_gain: ClassVar[float] = 1.0
    """Learning rate of all parameters as a multiple of the preset's."""
    error_exponent: ClassVar[float] = 0.5
    """In the loss the error e of a subnet is weighted by e to the power of minus this.

    0 minimizes the sum of errors, 1 that of their logarithms, in which deep subnets count as much as others.
    """
    periodic_bias: ClassVar[bool] = False
    """Whether a hidden bias is the phase of a sine, of which only the value modulo 2π matters."""
    lean: ClassVar[bool] = False
    """Whether layers have no biases, and each matrix a single step size instead of one for each output."""
    has_roots: ClassVar[bool] = False
    """Whether codes of filters stand for signed square roots of their values.

    Frequencies are then rounded to their codes before the hidden weights are, and stand: steps of 8 bits are
    too coarse to learn in.
    """
    has_latents: ClassVar[bool] = False
    """Whether each subnet has latents: the coefficients of a lapped transform at its level."""

    @property
    def filter_bits(self) -> list[int]:
        """Bits of each of a filter's K values."""
        return [bits for rows, bits in self.filter_tensors.values() for _ in range(rows)]

    def planes(self, colours: int) -> int:
        """Number of the latents' planes of a picture of so many colours: as many, or 0 without latents.

        Every layer passes on its first so many channels unchanged: no hidden weights lead to them.
        """
        return colours if self.has_latents else 0

    def narrowest(self, colours: int) -> int:
        """Least width of a subnet for a picture of so many colours: one more than planes."""
        return self.planes(colours) + 1

    def default_space(self, width: int, height: int, colours: int) -> Space:
        """The sixteen subnets that suit a picture of width × height with so many colours."""
        return Space.default(width, height)

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
        limit: float,
        generator: torch.Generator,
    ) -> Tensor:
        """Filters to start the training from, float32[F, K, C].

        Args:
            depth: D, the greatest depth.
            width: C, the number of channels.
            aspect: sides of the picture as multiples of their geometric mean, (x, y); frequencies are scaled
                by them so that they are isotropic in pixels.
            bandwidth: highest first-layer frequency, in radians per half of that mean side.
            limit: the highest frequency that pixels can show (Nyquist), in the same unit.
            generator: draws the random numbers.
        """

    def roots(self, filters: Tensor) -> Tensor:
        """What codes of these filters stand for: the filters themselves, or signed roots of their values."""
        return filters.sign() * filters.abs().sqrt() if self.has_roots else filters

    def filters(self, roots: Tensor) -> Tensor:
        """The inverse of `roots`."""
        return roots * roots.abs() if self.has_roots else roots

    def confined(self, filters: Tensor) -> Tensor:
        """Filters float32[F, K, C] as they may be; a step of the training may have left that."""
        return filters

    @abstractmethod
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
        """The channels after each layer.

        All tensors may have one more axis in front: of several pictures, each with a network of its own.

        Args:
            filters: float32[F, K, C].
            weights: float32[D-1, C, C], applied as h @ W.
            biases: float32[D-1, C], or [0, C] if the family is `lean`.
            x: float32[N] in [-1, 1].
            y: float32[N] in [-1, 1].
            features: what the first n channels see of the latents, float32[N, n], if there are any.
            planes: number of the latents' planes.

        Returns:
            D tensors float32[N, C].
        """


@cache
def families() -> dict[str, Family]:
    """All families by name: every class with a name that the modules of this package define."""
    return {name: own for module in _modules() for name, own in _families_of(module).items()}


def family(name: str) -> Family:
    """The family of that name. Raises AnirError, listing the known ones, if there is none."""
    # Other families' modules load torch.
    known = _families_of(name) if name in _modules() else {}
    known = known if name in known else families()
    if name not in known:
        raise AnirError(f"no family '{name}'; there are {', '.join(sorted(known))}")
    return known[name]


def _modules() -> list[str]:
    return [module.name for module in iter_modules(__path__)]


@cache
def _families_of(module: str) -> dict[str, Family]:
    """The families that a module of this package defines, by name."""
    members = vars(import_module(f"{__name__}.{module}")).values()
    kinds = [own for own in members if isinstance(own, type) and issubclass(own, Family)]
    return {kind.name: kind() for kind in kinds if hasattr(kind, "name")}
