"""The families of networks that the runtime draws; each module in this package defines some of them.

CONTRIBUTING.md lists the few other places in the code that name families.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import NamedTuple

from anir_runtime.network import Network
from anir_runtime.tiles import Renderer


class Field(NamedTuple):
    """Type and shape of a tensor.

    Attributes:
        types: names of the element types that are allowed, such as int4.
        shape: lengths of the axes, as numbers or letters: D for the number of layers, L = D − 1 for that of
            hidden matrices, C for the channels of a layer, N for the colour channels.
        scaled: number of leading axes that the tensor's float32 scale, `<name>.scale`, has; 0 without one.
    """

    types: tuple[str, ...]
    shape: tuple[int | str, ...]
    scaled: int = 0


@dataclass(frozen=True)
class Family:
    """A kind of coordinate network.

    Attributes:
        fields: types and shapes of the tensors, by name, `weights` first. Their order is that in `.anir`
            files, and must never change.
        renderer: creates the renderer of a network of the family.
        has_latents: whether networks have latents of a lapped transform.
    """

    fields: Mapping[str, Field]
    renderer: Callable[[Network], Renderer]
    has_latents: bool = False

    def shapes(
        self, depth: int, channels: int, colours: int
    ) -> dict[str, tuple[tuple[str, ...], tuple[int, ...]]]:
        """Returns the types and the shape of each tensor, including scales, of a network of this size."""
        lengths = {"D": depth, "L": depth - 1, "C": channels, "N": colours}
        result = {}
        for name, field in self.fields.items():
            shape = tuple(lengths[n] if isinstance(n, str) else n for n in field.shape)
            result[name] = field.types, shape
            if field.scaled:
                result[f"{name}.scale"] = ("float32",), shape[: field.scaled]
        return result


MATRICES = {
    "weights": Field(("int4", "int8"), ("L", "C", "C")),
    "head": Field(("int8",), ("N", "C"), scaled=1),
    "head.bias": Field(("float32",), ("N",)),
}
"""Fields of the hidden matrices and the head, which all families have."""

LEAN_MATRICES = {**MATRICES, "steps": Field(("float32",), ("L",))}
"""`MATRICES` and one step size per hidden matrix, for families whose layers have no biases."""


@cache
def families() -> dict[str, Family]:
    """Returns all families by name, from the FAMILIES of each module in this package."""
    found: dict[str, Family] = {}
    for module in iter_modules(__path__, f"{__name__}."):
        found |= import_module(module.name).FAMILIES
    return found
