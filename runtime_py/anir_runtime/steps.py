"""How each level of an `.anir` file refines a picture's coefficients (docs/format.md, "Stream")."""

from dataclasses import dataclass

from anir_runtime.coder import Coder

LEAST_WIDTH, MOST_WIDTH = 64, 32767
_PARTS, _NEAR = 9, 8
"""A width v − (v c >> 9), where v is the width before and c from 0 to 255, is told as c, in 8 bits."""


@dataclass(frozen=True)
class Step:
    """How a level refines coefficients.

    Attributes:
        width: in units, 64 to 32767: intervals of sizes other than zero are less than one and a half times
            as long afterwards, and what the level's network sees is in units of it.
        reach: distance in pixels, 1 to 4, of the nearest neighbours that the level's network sees.
    """

    width: int
    reach: int


def code_step(coder: Coder, before: Step | None, step: Step | None = None) -> Step:
    """Codes, in the coder's direction, what a level does first; to encode, it is given.

    Args:
        coder: of the file.
        before: of the level before, if there is one.
        step: to encode.
    """
    width, reach = (step.width, step.reach - 1) if step else (0, 0)
    smaller = _parts_smaller(before.width, width) if before and step else -1
    if before and coder.bits(1, int(smaller >= 0)):
        width = _reduced(before.width, coder.bits(_NEAR, max(smaller, 0)))
    else:
        width = coder.bits(15, width)
    return Step(width, coder.bits(2, reach) + 1)


def cheap_width(before: Step | None, width: int) -> int:
    """A width that is told in few bits, near the one given."""
    if not before or not before.width >= width > before.width // 2:
        return width
    parts = round(((before.width - width) << _PARTS) / before.width)
    return _reduced(before.width, min(parts, (1 << _NEAR) - 1))


def _reduced(width: int, parts: int) -> int:
    """A width less so many of its 512 parts."""
    return width - (width * parts >> _PARTS)


def _parts_smaller(before: int, width: int) -> int:
    """By how many parts a width is smaller than the one before; -1 if it cannot be told so."""
    return next((parts for parts in range(1 << _NEAR) if _reduced(before, parts) == width), -1)
