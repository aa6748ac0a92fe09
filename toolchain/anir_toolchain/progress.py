"""How far a training is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from anir_toolchain.presets import Phase


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes:
        phase: `codes` while latents are quantized, at first, now and then, and at last; else the preset's.
        step: number of steps done.
        steps: number of all steps.
        psnr: estimates in dB for the smallest, a middle and the largest subnet by name, once there are any.
    """

    phase: Phase | Literal["codes"]
    step: int
    steps: int
    psnr: dict[str, float]


OnProgress = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """Takes no notice."""
