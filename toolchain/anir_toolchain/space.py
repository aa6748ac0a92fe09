"""Which subnets there are: every depth with every width, the widths nested in one another."""

import re
from dataclasses import dataclass

import torch
from anir_runtime.errors import AnirError

# The default space at 768x512: the sixteen files span 0.07 to 1.05 bits per pixel.
_DEPTHS = (2, 3, 4, 5)
_WIDTHS = (64, 96, 128, 192)
_PIXELS = 768 * 512
_WIDTH_STEP = 8
_NARROWEST, _WIDEST = 16, 384


@dataclass(frozen=True, order=True)
class Subnet:
    """One member of the space: `depth` sine or filter layers of `width` channels."""

    depth: int
    width: int

    @property
    def name(self) -> str:
        """The name it is written with, e.g. `d3w64`."""
        return f"d{self.depth}w{self.width}"

    @classmethod
    def parse(cls, name: str) -> "Subnet":
        """The inverse of `name`. Raises AnirError if `name` has another form."""
        match = re.fullmatch(r"d(\d{1,3})w(\d{1,5})", name)
        if not match:
            raise AnirError(f"'{name}' is no subnet name: write depth and width like d3w64")
        return cls(int(match[1]), int(match[2]))


@dataclass(frozen=True)
class Space:
    """The subnets of one supernet: depths × widths, both ascending.

    Channels are nested: those of a width group read only from their own and narrower groups, which makes
    a narrow subnet an exact part of every wider one.
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
        """The sixteen subnets for a picture of width × height: bytes in proportion to the pixels.

        Widths stop growing at about 1.6 megapixels, where training would outgrow an evening.
        """
        scale = (width * height / _PIXELS) ** 0.5
        scale = min(max(scale, _NARROWEST / _WIDTHS[0]), _WIDEST / _WIDTHS[-1])
        widths = tuple(round(w * scale / _WIDTH_STEP) * _WIDTH_STEP for w in _WIDTHS)
        return cls(_DEPTHS, widths)

    @property
    def subnets(self) -> tuple[Subnet, ...]:
        """All subnets, by depth, then width."""
        return tuple(Subnet(d, w) for d in self.depths for w in self.widths)

    @property
    def largest(self) -> Subnet:
        """The subnet that contains all the others."""
        return Subnet(self.depths[-1], self.widths[-1])

    def find(self, name: str) -> Subnet:
        """The subnet of that name. Raises AnirError, listing the known ones, if there is none."""
        subnet = Subnet.parse(name)
        if subnet not in self.subnets:
            raise AnirError(f"no subnet '{name}'; there are {', '.join(s.name for s in self.subnets)}")
        return subnet

    def groups(self, width: int | None = None) -> tuple[tuple[int, int], ...]:
        """The width groups [start, stop) of the subnet of that width (the widest by default)."""
        stops = [w for w in self.widths if width is None or w <= width]
        return tuple(zip([0, *stops[:-1]], stops, strict=True))

    def mask(self) -> torch.Tensor:
        """float32[C, C] over (input, output): 1 where an output may read that input, else 0."""
        group = torch.zeros(self.widths[-1])
        for i, (start, stop) in enumerate(self.groups()):
            group[start:stop] = i
        return (group[:, None] <= group[None, :]).float()
