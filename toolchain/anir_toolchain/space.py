"""The space of a supernet: one subnet for each combination of a depth and a width."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from anir_runtime.errors import AnirError

DEPTHS = (2, 3, 4, 5)
"""Depths of the default space."""
WIDTHS = (48, 64, 96, 128)
"""Widths of the default space at 768x512, where the sixteen files span 0.05 to 0.73 bits per pixel."""
_PIXELS = 768 * 512
"""Pixels of a picture whose default widths are WIDTHS."""
_WIDTH_STEP = 4
"""Default widths are multiples of this."""
_LEAST_SCALE, _MOST_SCALE = 1 / 3, 2.0
"""Bounds of default widths over WIDTHS, at 0.04 and 1.6 megapixels; wider ones would train for hours."""


@dataclass(frozen=True, order=True)
class Subnet:
    """One member of the space: a network of `depth` layers with `width` channels each."""

    depth: int
    width: int

    @property
    def name(self) -> str:
        """The subnet's name in files and on the command line, such as `d3w64`."""
        return f"d{self.depth}w{self.width}"

    @classmethod
    def parse(cls, name: str) -> "Subnet":
        """Parses a subnet's `name`. Raises AnirError if it has another form."""
        match = re.fullmatch(r"d(\d{1,3})w(\d{1,5})", name)
        if not match:
            raise AnirError(f"'{name}' is no subnet name: write depth and width like d3w64")
        return cls(int(match[1]), int(match[2]))


@dataclass(frozen=True)
class Space:
    """The subnets of one supernet: depths × widths, both ascending.

    Each width is one trunk of layers, shared by its depths: d3w64 ends after the third layer of d5w64.
    Raises AnirError if depths or widths do not ascend or are out of bounds.
    """

    depths: tuple[int, ...]
    widths: tuple[int, ...]

    def __post_init__(self) -> None:
        for label, values, least in (("depths", self.depths, 2), ("widths", self.widths, 1)):
            if not values or list(values) != sorted(set(values)) or values[0] < least:
                raise AnirError(f"{label} must rise in whole numbers from {least} up, not {values}")
        if self.depths[-1] > 16 or self.widths[-1] > 1024:
            raise AnirError("a subnet has at most 16 layers of at most 1024 channels")

    @classmethod
    def default(cls, width: int, height: int) -> "Space":
        """Returns the default sixteen subnets for a picture of width × height; their bytes grow with it."""
        scale = min(max(math.sqrt(width * height / _PIXELS), _LEAST_SCALE), _MOST_SCALE)
        scaled: list[int] = []
        for w in WIDTHS:
            least = scaled[-1] + _WIDTH_STEP if scaled else _WIDTH_STEP
            scaled.append(max(round(w * scale / _WIDTH_STEP) * _WIDTH_STEP, least))
        return cls(DEPTHS, tuple(scaled))

    @property
    def subnets(self) -> tuple[Subnet, ...]:
        """All subnets, ordered by depth, then width."""
        return tuple(Subnet(d, w) for d in self.depths for w in self.widths)

    @property
    def largest(self) -> Subnet:
        """The subnet of the greatest depth and width."""
        return Subnet(self.depths[-1], self.widths[-1])

    def chosen(self, subnets: Iterable[Subnet | str] | None) -> tuple[Subnet, ...]:
        """Returns subnets that are given as such or by name, each once; by default all.

        Raises AnirError if one is unknown, or none is given.
        """
        if subnets is None:
            return self.subnets
        found = tuple(dict.fromkeys(self.find(own if isinstance(own, str) else own.name) for own in subnets))
        if not found:
            raise AnirError("no subnets are chosen; name at least one")
        return found

    def find(self, name: str) -> Subnet:
        """Returns the subnet of that name. Raises AnirError, listing the known ones, if there is none."""
        subnet = Subnet.parse(name)
        if subnet not in self.subnets:
            raise AnirError(f"no subnet '{name}'; there are {', '.join(s.name for s in self.subnets)}")
        return subnet
