"""The progress of a training, as it is reported."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from anir_toolchain.presets import Phase


@dataclass(frozen=True)
class Progress:
    """The progress of a training.

    Attributes:
        phase: `codes` while latents are computed, before the first step; then the phase of the preset.
        step: number of steps done.
        steps: total number of steps.
        psnr: estimates in dB for the smallest, a middle and the largest subnet by name; empty at first.
    """

    phase: Phase | Literal["codes"]
    step: int
    steps: int
    psnr: dict[str, float]


OnProgress = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """Ignores the progress: the default callback."""
