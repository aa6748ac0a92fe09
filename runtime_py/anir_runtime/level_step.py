"""Codes what each level of a `lapped` picture begins with: its width and reach (docs/format.md, "Stream")."""

from dataclasses import dataclass

from anir_runtime.coder import Coder

LEAST_WIDTH, MOST_WIDTH = 64, 32767
"""Range of a level's quantization step, its width, in units of coefficients."""
STEP_BYTES = 3
"""Most bytes that a `LevelStep` takes."""
_SHIFT, _SHORT_BITS = 9, 8
"""A width v − (v c >> 9), with v the previous level's width and c from 0 to 255, is coded as c in 8 bits."""


@dataclass(frozen=True)
class LevelStep:
    """What a level of a `lapped` picture begins with.

    Attributes:
        width: the level's quantization step in units, 64 to 32767: intervals of the magnitudes of significant
            coefficients become shorter than one and a half times the width, and the inputs of the level's
            network are relative to it.
        reach: distance in pixels, 1 to 4, from a point to the nearest neighbours whose planes are inputs of
            the level's network.
    """

    width: int
    reach: int


def code_level_step(coder: Coder, before: LevelStep | None, step: LevelStep | None = None) -> LevelStep:
    """Codes a level's step, in the direction of the first strip's coder, at the beginning of the level.

    `before` is the previous level's step, if there is one; `step` is the one to encode. Returns the step that
    was encoded or decoded; a decoded width may be below `LEAST_WIDTH`.
    """
    width, reach = (step.width, step.reach - 1) if step else (0, 0)
    smaller = _parts_smaller(before.width, width) if before and step else -1
    if before and coder.bits(1, int(smaller >= 0)):
        width = _reduced(before.width, coder.bits(_SHORT_BITS, max(smaller, 0)))
    else:
        width = coder.bits(15, width)
    return LevelStep(width, coder.bits(2, reach) + 1)


def near_width(before: LevelStep | None, width: int) -> int:
    """Returns a width near the given one that takes 9 bits instead of 16; if there is none, the given one."""
    if not before or not before.width >= width > before.width // 2:
        return width
    parts = round(((before.width - width) << _SHIFT) / before.width)
    return _reduced(before.width, min(parts, (1 << _SHORT_BITS) - 1))


def _reduced(width: int, parts: int) -> int:
    """Returns width − ⌊width · parts / 512⌋."""
    return width - (width * parts >> _SHIFT)


def _parts_smaller(before: int, width: int) -> int:
    """Returns the `parts` that reduce width `before` to `width`; -1 if none from 0 to 255 does."""
    return next((parts for parts in range(1 << _SHORT_BITS) if _reduced(before, parts) == width), -1)
