"""How long to train and how: the three presets."""

from dataclasses import dataclass

from anir_runtime.errors import AnirError


@dataclass(frozen=True)
class Preset:
    """One trade of time for quality.

    Attributes:
        steps: optimizer steps of the two narrowest trunks; a wider one's fall as its width grows.
        batch: pixels per step.
        rate: SOAP's peak learning rate at width 128, higher in narrower trunks; it warms up over the first
            50 steps and falls by a cosine.
        soften: fraction of the steps after which hidden weights are drawn to their codes.
        settle: fraction after which the codes stand and only filters, biases and heads still learn.
        rounds: times that codes of local cosines, if there are any, are chosen again at the end.
    """

    steps: int
    batch: int
    rate: float
    soften: float
    settle: float
    rounds: int


# At 4 bits a trunk learns little after some 2,500 steps, whatever the rate: bench/NOTES.md.
PRESETS = {
    "fast": Preset(steps=1000, batch=4096, rate=2e-2, soften=0.6, settle=0.95, rounds=2),
    "balanced": Preset(steps=2500, batch=4096, rate=2e-2, soften=0.5, settle=0.95, rounds=4),
    "best": Preset(steps=5000, batch=8192, rate=2e-2, soften=0.6, settle=0.97, rounds=6),
}


def preset(name: str) -> Preset:
    """The preset of that name. Raises AnirError, listing the known ones, if there is none."""
    if name not in PRESETS:
        raise AnirError(f"no preset '{name}'; there are {', '.join(PRESETS)}")
    return PRESETS[name]
