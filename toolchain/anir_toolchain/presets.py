"""The presets: schedules of a training, with the phase and learning rate of each step."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from anir_runtime.errors import AnirError

Phase = Literal["fit", "soften", "settle"]
"""Phases of a training: in real numbers, with weights pulled towards their codes, with frozen codes."""

_LEARNING_FREQUENCIES = 2 / 3
"""Share of the phase `fit` in which 8-bit frequencies are learned; then they are frozen as codes."""
_STABLE_DEPTH = 3
"""Most layers of a network of 8 bits that long trainings at the full learning rate suit (bench/NOTES.md)."""
_WARMUP = 50
"""Number of steps over which the learning rate rises."""
_LEAST_RATE = 1e-5
"""Added to the learning rate, so that the last steps have an effect."""


@dataclass(frozen=True)
class Preset:
    """A schedule, which trades time for quality. Steps count from 1.

    Attributes:
        steps: number of optimizer steps of the two narrowest trunks; wider trunks take fewer, the wider they
            are.
        batch: number of pixels in a step.
        rate: SOAP's peak learning rate at width 128; it is higher for narrower trunks.
        soften: share of the steps after which hidden weights are pulled towards their codes.
        settle: share of the steps after which codes are frozen; only filters, biases and heads still learn.
        rounds: rounds of `levels_by_synthesis` for pictures of `lapped` that need no training.
    """

    steps: int
    batch: int
    rate: float
    soften: float
    settle: float
    rounds: int = 0

    def with_steps(self, steps: int, bits: int, depth: int) -> Preset:
        """Returns the preset with another number of steps.

        If there are more steps than before, the peak rate falls with the fourth root of the ratio: networks
        of 4 bits gain up to half a dB, and deep ones of 8 bits seldom diverge. Those of 8 bits and few layers
        keep their rate, as they would lose 0.3 dB (bench/NOTES.md).

        Args:
            steps: the number of steps.
            bits: bits of a hidden weight.
            depth: number of layers of the deepest network.
        """
        is_stable = bits == 8 and depth <= _STABLE_DEPTH
        longer = 1.0 if is_stable or not self.steps else max(1.0, steps / self.steps)
        return replace(self, steps=steps, rate=self.rate / longer**0.25)

    def phase(self, step: int) -> Phase:
        """Returns the phase of a step."""
        done = step / max(1, self.steps)
        return "fit" if done < self.soften else "soften" if done < self.settle else "settle"

    def frequencies_are_frozen(self, step: int) -> bool:
        """Whether 8-bit frequencies are frozen at a step, after having been rounded to their codes."""
        return step >= _LEARNING_FREQUENCIES * self.soften * self.steps

    def softening(self, step: int) -> float:
        """Returns the progress within the phase `soften` at a step, from 0 to 1."""
        done = step / self.steps - self.soften
        return min(max(done / (self.settle - self.soften), 0.0), 1.0)

    def learning_rate(self, step: int) -> float:
        """Returns the learning rate of a step: half a cosine, with a linear warm-up."""
        cosine = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.rate * min(1.0, step / _WARMUP) * cosine + _LEAST_RATE


# At 4 bits a trunk learns little after some 2,500 steps, whatever the rate: bench/NOTES.md.
PRESETS = {
    "instant": Preset(steps=0, batch=4096, rate=0.0, soften=0.6, settle=0.95),
    "fast": Preset(steps=1000, batch=4096, rate=2e-2, soften=0.6, settle=0.95, rounds=2),
    "balanced": Preset(steps=2500, batch=4096, rate=2e-2, soften=0.5, settle=0.95, rounds=2),
    "best": Preset(steps=5000, batch=8192, rate=2e-2, soften=0.6, settle=0.97, rounds=2),
}


def preset(name: str) -> Preset:
    """Returns the preset of that name. Raises AnirError, listing the known ones, if there is none."""
    if name not in PRESETS:
        raise AnirError(f"no preset '{name}'; there are {', '.join(PRESETS)}")
    return PRESETS[name]
