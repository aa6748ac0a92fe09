"""The families that the runtime draws, one module each, which is found by being here.

CONTRIBUTING.md lists the few other places that know families by name.
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
        types: names of the element types that it may have, int4 among them.
        shape: lengths of its axes, numbers or letters: D for the number of layers, L = D − 1 for that of
            hidden matrices, C for the channels of a layer and N for the colours.
        scaled: number of leading axes of its float32 scale, `<name>.scale`; 0 if it has no scale.
    """

    types: tuple[str, ...]
    shape: tuple[int | str, ...]
    scaled: int = 0


@dataclass(frozen=True)
class Family:
    """A kind of coordinate network.

    Attributes:
        fields: types and shapes of its tensors, by name: `weights` comes first. Their order is that in
            `.anir` files, and never changes.
        renderer: makes what draws a network of the family.
        has_latents: whether a network has latents of a lapped transform.
    """

    fields: Mapping[str, Field]
    renderer: Callable[[Network], Renderer]
    has_latents: bool = False

    def shapes(
        self, depth: int, channels: int, colours: int
    ) -> dict[str, tuple[tuple[str, ...], tuple[int, ...]]]:
        """Types and shape of each tensor, scales included, of a network of that size."""
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
"""Hidden matrices and the head, as all families have them."""

LEAN_MATRICES = {**MATRICES, "steps": Field(("float32",), ("L",))}
"""The same with one step size for each hidden matrix, in families whose layers have no biases."""


@cache
def families() -> dict[str, Family]:
    """All families by name: FAMILIES of each module in this package."""
    found: dict[str, Family] = {}
    for module in iter_modules(__path__, f"{__name__}."):
        found |= import_module(module.name).FAMILIES
    return found
