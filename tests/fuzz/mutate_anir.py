"""Mutations of `.anir` files that keep the checksum of the header valid, so that readers read on."""

import random
from copy import copy

from anir_runtime.errors import AnirError

from tests.fuzz.anir_parts import AnirParts
from tests.fuzz.mutate import BYTES, flip

_NUMBERS = (
    0,
    1,
    2,
    3,
    15,
    16,
    17,
    63,
    127,
    128,
    1000,
    1024,
    4096,
    16383,
    16384,
    131072,
    2**21,
    2**27,
    2**28,
    2**32,
)


def anir(rng: random.Random, data: bytes) -> bytes:
    """Changes one to three parts of an `.anir` file."""
    try:
        parts = AnirParts.of(data)
    except (AnirError, ValueError):
        return flip(rng, data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        rng.choice((_number, _kind, _levels, _lengths, _stream, _stream, _end, _splice))(rng, parts)
    return parts.data()


def _other(rng: random.Random, number: int) -> int:
    """Returns a number near the given one, or one of several special or random numbers."""
    near = (number - 1, number + 1, number * 2, number // 2, number * 10, rng.randrange(1, 5000))
    return max(0, rng.choice((*near, rng.choice(_NUMBERS))))


def _number(rng: random.Random, parts: AnirParts) -> None:
    """Changes a size, a depth or a width, or the number of depths, widths or levels."""
    if rng.random() < 0.2:
        parts.counts = [len(parts.levels), len(parts.depths), len(parts.widths)]
    numbers = rng.choice(
        [own for own in (parts.size, parts.size, parts.depths, parts.widths, parts.counts) if own]
    )
    at = rng.randrange(len(numbers))
    numbers[at] = _other(rng, numbers[at])


def _kind(rng: random.Random, parts: AnirParts) -> None:
    """Changes the family, bits, pitch, channels or the version."""
    if rng.random() < 0.1:
        parts.version = rng.randrange(256)
    else:
        parts.kind ^= 1 << rng.randrange(8)


def _levels(rng: random.Random, parts: AnirParts) -> None:
    """Removes, repeats or swaps levels, or changes the subnet of one."""
    levels = parts.levels
    if not levels:
        return
    at = rng.randrange(len(levels))
    match rng.randrange(4):
        case 0:
            del levels[at]
        case 1:
            levels[at:at] = [copy(levels[at]) for _ in range(rng.choice((1, 2, 20)))]
        case 2:
            rng.shuffle(levels)
        case _:
            levels[at].index = rng.choice((rng.randrange(256), levels[at].index ^ 1, levels[at].index ^ 16))


def _lengths(rng: random.Random, parts: AnirParts) -> None:
    """Changes the length of a level; in half of the cases the next one's compensates, so that others stay."""
    if not parts.levels:
        return
    at = rng.randrange(len(parts.levels))
    before = parts.levels[at].length
    parts.levels[at].length = _other(rng, before)
    if at + 1 < len(parts.levels) and rng.random() < 0.5:
        after = parts.levels[at + 1]
        after.length = max(0, after.length + before - parts.levels[at].length)


def _stream(rng: random.Random, parts: AnirParts) -> None:
    """Damages the coded stream, in half of the cases near its beginning."""
    most = len(parts.stream) + 1
    at = rng.randrange(min(most, rng.choice((most, 16))))
    if rng.random() < 0.5:
        parts.stream = parts.stream[:at] + rng.choice(BYTES)(rng, parts.stream[at:])
    else:
        rest = len(parts.stream) - at
        parts.stream = parts.stream[:at] + rng.choice((bytes(rest), b"\xff" * rest, rng.randbytes(rest)))


def _end(rng: random.Random, parts: AnirParts) -> None:
    """Truncates the file, in half of these cases near the end of a level, or appends bytes."""
    end = rng.choice((rng.randrange(len(parts.stream) + 1), rng.choice(parts.ends() or [0])))
    if rng.random() < 0.7:
        parts.stream = parts.stream[: max(0, min(end, 2**20) + rng.choice((0, 0, -1, 1)))]
    else:
        parts.stream += rng.choice((bytes(5000), rng.randbytes(500), parts.stream))


def _splice(rng: random.Random, parts: AnirParts) -> None:
    """Moves or copies a level's bytes to the end of another level."""
    ends = [0, *parts.ends()]
    first, to = rng.randrange(len(ends)), rng.choice(ends)
    own = parts.stream[ends[first - 1] : ends[first]] if first else b""
    kept = parts.stream if rng.random() < 0.5 else parts.stream.replace(own, b"", 1)
    parts.stream = kept[:to] + own + kept[to:]
