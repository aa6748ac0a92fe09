"""The configuration of a training, with its checks and defaults."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anir_runtime import families as runtime_families
from anir_runtime.common_networks import INNER, has_common
from anir_runtime.errors import AnirError

from anir_toolchain.families import family
from anir_toolchain.presets import Preset, preset
from anir_toolchain.space import DEPTHS, Space

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Config:
    """What to fit and how.

    Numbers may be of any integer type, and depths and widths any sequence of such. Raises AnirError where
    they are not.

    Attributes:
        family: name of the networks' family.
        bits: bits of a hidden weight, 4 or 8.
        preset: name of the schedule; by default "instant" for families with latents, else "balanced".
        depths: depths of the subnets, ascending; by default those of the default space.
        widths: widths of the subnets, ascending; by default those that suit the picture and the family.
        seed: seed of all random numbers.
        device: "auto" (CUDA if available), "cpu" or "cuda".
        steps: number of optimizer steps; by default the preset's.
    """

    family: str = "lapped"
    bits: int = 4
    preset: str = ""
    depths: tuple[int, ...] | None = None
    widths: tuple[int, ...] | None = None
    seed: int = 0
    device: str = "auto"
    steps: int | None = None

    def __post_init__(self) -> None:
        if not self.preset:
            kind = runtime_families.families().get(self.family)
            name = "instant" if kind is not None and kind.has_latents else "balanced"
            object.__setattr__(self, "preset", name)
        # Model files hold plain values alone, not those of numpy.
        for name in ("family", "preset", "device"):
            object.__setattr__(self, name, str(getattr(self, name)))
        for name in ("bits", "seed", "steps"):
            object.__setattr__(self, name, _whole(name, getattr(self, name)))
        for name in ("depths", "widths"):
            object.__setattr__(self, name, _all_whole(name, getattr(self, name)))

    def space(self, width: int, height: int, colours: int = 3) -> Space:
        """Returns the subnets for a picture of width × height with `colours` channels.

        Raises AnirError if depths or widths are invalid.
        """
        kind = family(self.family)
        default, narrowest = kind.default_space(width, height, colours), kind.planes(colours) + 1
        space = Space(self.depths or default.depths, self.widths or default.widths)
        if space.widths[0] < narrowest:
            raise AnirError(f"the {self.family} family needs widths of at least {narrowest}")
        if kind.has_latents and not self.schedule().steps:
            self._check_common(space, colours)
        return space

    def _check_common(self, space: Space, colours: int) -> None:
        """Raises AnirError unless there are networks for all subnets of a picture that is not trained on."""
        missing = [own.name for own in space.subnets if not has_common(own.depth, own.width, colours)]
        if missing:
            depths, widths = (",".join(map(str, own)) for own in (DEPTHS, [n + colours for n in INNER]))
            raise AnirError(
                f"{self.preset} does not train, and {missing[0]} is no common network of {colours} channels, "
                f"as d{depths}w{widths} are: take --space with some of these, or --preset fast"
            )

    @property
    def schedule_name(self) -> str:
        """The preset's name, with the number of steps if it is not the preset's: `best` or `best:20000`."""
        return self.preset if self.steps is None else f"{self.preset}:{self.steps}"

    def schedule(self) -> Preset:
        """Returns the preset with `steps`. Raises AnirError if it is unknown, or `steps` is less than 1."""
        if self.steps is None:
            return preset(self.preset)
        if self.steps < 1:
            raise AnirError(f"{self.steps} steps train nothing; take 1 or more, or leave them to the preset")
        return preset(self.preset).with_steps(self.steps, self.bits, (self.depths or DEPTHS)[-1])

    def check(self) -> None:
        """Raises AnirError if a name or number is invalid, or the device is unknown or missing."""
        kind = family(self.family)
        if not self.schedule().steps and not kind.has_latents:
            raise AnirError(f"{self.family} networks have to be trained; take --preset fast")
        if self.bits not in (4, 8):
            raise AnirError(f"{self.bits} bits are not supported; choose 4 or 8")
        if self.device not in ("auto", "cpu", "cuda"):
            raise AnirError(f"no device '{self.device}'; there are auto, cpu, cuda")
        if self.device == "cuda":
            self.torch_device()

    def torch_device(self) -> torch.device:
        """Returns the device to train on. Raises AnirError if it is missing."""
        import torch

        if self.device == "cuda" and not torch.cuda.is_available():
            raise AnirError("no CUDA device here; use --device cpu")
        return torch.device("cuda" if self.device != "cpu" and torch.cuda.is_available() else "cpu")


def _whole(name: str, value: Any) -> int | None:
    """Returns a whole number of any type as int. Raises AnirError if it is none."""
    try:
        return None if value is None else operator.index(value)
    except TypeError as error:
        raise AnirError(f"{name}: {value} is not a whole number") from error


def _all_whole(name: str, values: Any) -> tuple[int, ...] | None:
    """Returns several whole numbers as a tuple of int. Raises AnirError if they are none."""
    try:
        return None if values is None else tuple(operator.index(own) for own in values)
    except TypeError as error:
        raise AnirError(f"{name}: {values} are not whole numbers") from error
