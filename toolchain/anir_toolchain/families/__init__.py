"""The families of coordinate networks: every module of this package defines some (see CONTRIBUTING.md).

All families have the same parts, which the rest of the toolchain trains and quantizes: banks of filters over
the coordinates, square hidden matrices, biases unless the family is lean, a linear head for each subnet, and
latents if the family has any. A family defines how the parts are connected (`forward`) and initialized; its
ONNX graph is written by a module of `onnx_writer`.
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
    # Takes two seconds to load, and is needed for training alone.
    import torch
    from torch import Tensor


class FilterTensor(NamedTuple):
    """A tensor of the file that holds `rows` of the K values of each filter, as codes of 8 or 16 `bits`.

    SIREN has a tensor of two frequencies with 16 bits, and one of a phase with 8 bits.
    """

    rows: int
    bits: int


class Family(ABC):
    """A kind of coordinate network: how it turns (x, y) into the channels of each layer.

    Shapes below: N points, D layers, C channels, F = banks(D) filter banks of K values each.
    """

    name: ClassVar[str]
    """The family's name in files and on the command line."""
    filter_tensors: ClassVar[dict[str, FilterTensor]]
    """The tensors of the file (docs/format.md) that make up the K values of a filter, by name, in order."""
    filter_gain: ClassVar[float] = 1.0
    """Learning rate of filters as a multiple of that of hidden weights; 0 keeps their initial values."""
    rate_gain: ClassVar[float] = 1.0
    """Learning rate of all parameters as a multiple of the preset's."""
    error_exponent: ClassVar[float] = 0.5
    """Exponent p of the loss, in which the error e of a subnet has the weight e^(-p).

    0 minimizes the sum of errors; 1 the sum of their logarithms, in which deep subnets, whose errors are
    small, count as much as shallow ones.
    """
    periodic_bias: ClassVar[bool] = False
    """Whether a hidden bias is the phase of a sine, so that only its value modulo 2π matters."""
    lean: ClassVar[bool] = False
    """Whether layers have no biases, and a single step size per matrix instead of one per output."""
    has_roots: ClassVar[bool] = False
    """Whether codes of filters stand for signed square roots of their values.

    Frequencies are then rounded to their codes and frozen before the hidden weights are quantized, as a grid
    of 8 bits is too coarse to learn on.
    """
    has_latents: ClassVar[bool] = False
    """Whether each subnet has latents: the coefficients of a lapped transform at its level."""

    @property
    def filter_bits(self) -> list[int]:
        """Bits of the code of each of a filter's K values."""
        return [bits for rows, bits in self.filter_tensors.values() for _ in range(rows)]

    def planes(self, colours: int) -> int:
        """Returns the number of the latents' planes: that of the picture's colours, or 0 without latents.

        The planes are the first channels of every layer, which pass them on unchanged: no hidden weights lead
        to them.
        """
        return colours if self.has_latents else 0

    def default_space(self, width: int, height: int, colours: int) -> Space:
        """Returns the default subnets for a picture of width × height pixels with `colours` channels."""
        return Space.default(width, height)

    @abstractmethod
    def banks(self, depth: int) -> int:
        """Returns the number of filter banks of a subnet of that depth."""

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
        """Returns random initial filters, float32[F, K, C].

        Args:
            depth: D, the greatest depth.
            width: C, the number of channels.
            aspect: sides (x, y) of the picture as multiples of their geometric mean; frequencies are scaled
                by them so that they are isotropic in pixels.
            bandwidth: highest first-layer frequency, in radians per half of that mean side.
            limit: the highest frequency that pixels can show (Nyquist), in the same unit.
            generator: draws the random numbers.
        """

    def roots(self, filters: Tensor) -> Tensor:
        """Returns the values that are quantized: the filters themselves, or their signed square roots."""
        return filters.sign() * filters.abs().sqrt() if self.has_roots else filters

    def filters(self, roots: Tensor) -> Tensor:
        """Returns the filters of given roots: the inverse of `roots`."""
        return roots * roots.abs() if self.has_roots else roots

    def confined(self, filters: Tensor) -> Tensor:
        """Returns filters float32[F, K, C], after a training step, moved back to the allowed values."""
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
        """Evaluates the channels of each layer, as a head reads them.

        All tensors may have a leading axis of pictures, each of which has a network of its own.

        Args:
            filters: float32[F, K, C].
            weights: float32[D-1, C, C], applied as h @ W.
            biases: float32[D-1, C], or [0, C] if the family is `lean`.
            x: coordinates of the points, float32[N] in [-1, 1].
            y: coordinates of the points, float32[N] in [-1, 1].
            features: the first n channels' inputs from the latents, float32[N, n], if there are any.
            planes: number of the latents' planes.

        Returns:
            D tensors float32[N, C].
        """


@cache
def families() -> dict[str, Family]:
    """Returns all families by name: the classes with a `name` in the modules of this package."""
    return {name: own for module in _modules() for name, own in _families_of(module).items()}


def family(name: str) -> Family:
    """Returns the family of that name. Raises AnirError, listing the known ones, if there is none."""
    # The module of that name first, as those of other families import torch.
    known = _families_of(name) if name in _modules() else {}
    known = known if name in known else families()
    if name not in known:
        raise AnirError(f"no family '{name}'; there are {', '.join(sorted(known))}")
    return known[name]


def _modules() -> list[str]:
    return [module.name for module in iter_modules(__path__)]


@cache
def _families_of(module: str) -> dict[str, Family]:
    """Returns the families that a module of this package defines, by name."""
    members = vars(import_module(f"{__name__}.{module}")).values()
    kinds = [own for own in members if isinstance(own, type) and issubclass(own, Family)]
    return {kind.name: kind() for kind in kinds if hasattr(kind, "name")}
