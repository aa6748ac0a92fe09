"""A decoder of an `.anir` stream's decisions in plain Python (docs/format.md, "Decisions" and "Mixing")."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

ASSEMBLY = Path(__file__).parents[1] / "web_demo" / "neural-img" / "assembly" / "coder"
FIRST_WEIGHTS = (
    np.frombuffer((ASSEMBLY / "mixer.bin").read_bytes(), np.int8).astype(int).reshape(18, 2, 6) * 1024
).tolist()
"""The mixer's initial weights, [kind][0 for plane 0 and 1 for others][input]."""
LOGISTIC = [  # T₀ to T₄₈
    *[16] * 8, 22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955, 17625, 24743,
    32768, 40793, 47911, 53581, 57724, 60565, 62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438,
    65476, 65500, 65514, *[65520] * 8,
]  # fmt: skip


def squash(x: int) -> int:
    """The probability of log-odds x."""
    i, part = divmod(x + 3072, 128)
    return (LOGISTIC[i] * (128 - part) + (LOGISTIC[i + 1] * part if part else 0) + 64) >> 7


SQUASHED = [squash(x) for x in range(-3072, 3073)]


def stretch(p: int) -> int:
    """The log-odds of a probability p."""
    return STRETCHED[p >> 4]


STRETCHED = [
    next((x for x in range(-3072, 3073) if SQUASHED[x + 3072] >= 16 * p + 8), 3072) for p in range(4096)
]


class Estimate(NamedTuple):
    """What a network gives the mixer: its log-odds, and values of its first hidden layer."""

    odds: int
    hidden: list[int]


class Counter:
    """An adaptive probability estimate p, which has learned from `seen` decisions."""

    def __init__(self, p: int = 32768, seen: int = 0) -> None:
        self.p, self.seen = p, seen

    def learn(self, bit: int, start: int | None = None) -> None:
        p = start if start is not None and not self.seen else self.p
        rate = 655360 // (10 * self.seen + 16)
        self.p = min(max(p + (((65535 if bit else 0) - p) * rate >> 16), 16), 65519)
        self.seen = min(self.seen + 1, 255)


class Entropy:
    """Decodes decisions from bytes."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 4
        self.low, self.high = 0, 2**32 - 1
        self.value = int.from_bytes(data[:4].ljust(4, b"\0"), "big")
        self.digest = 0
        self.counters: dict[tuple[tuple[int, int], int, int], Counter] = {}
        self.weights: dict[tuple[tuple[int, int], int, int], list[int]] = {}
        self.numbers: dict[tuple[int, int], Counter] = {}

    def code(self, p: int) -> int:
        span = self.high - self.low
        middle = self.low + (span >> 16) * p + ((span & 65535) * p >> 16)
        bit = int(self.value <= middle)
        if bit:
            self.high = middle
        else:
            self.low = middle + 1
        while self.low >> 24 == self.high >> 24:
            byte = self.data[self.at] if self.at < len(self.data) else 0
            self.at += 1
            self.low = self.low << 8 & 0xFFFFFFFF
            self.high = (self.high << 8 | 255) & 0xFFFFFFFF
            self.value = (self.value << 8 | byte) & 0xFFFFFFFF
        self.digest = (self.digest ^ (1 if bit else 2)) * 0x01000193 & 0xFFFFFFFF
        return bit

    def bits(self, many: int) -> int:
        result = 0
        for _ in range(many):
            result = result << 1 | self.code(32768)
        return result

    def symbol(self, many: int, group: int) -> int:
        node = 1
        for _ in range(many):
            counter = self.numbers.setdefault((group, node), Counter())
            bit = self.code(counter.p)
            counter.learn(bit)
            node = node << 1 | bit
        return node - (1 << many)

    def check(self) -> bool:
        wanted = self.digest >> 22
        return self.bits(10) == wanted

    def predict(
        self,
        kind: tuple[int, int],
        slots: list[int],
        activity: int,
        frequency: int,
        given: Estimate | None = None,
    ) -> int:
        """The log-odds of a decision, which `decide` then decodes.

        Args:
            kind: kind and plane of the decision.
            slots: the slot in each context.
            activity: the first selector.
            frequency: the second selector.
            given: a network's estimate, if it is an input.
        """
        own = [self.counters.setdefault((kind, i, slot), Counter()) for i, slot in enumerate(slots)]
        inputs = [stretch(c.p) * (2560 * c.seen // (10 * c.seen + 7)) >> 8 for c in own]
        inputs += [77] if given is None else [given.odds, 0, 77, *given.hidden]
        first = FIRST_WEIGHTS[kind[0]][min(kind[1], 1)] + [0] * (len(inputs) - 6)
        sets = [
            self.weights.setdefault((kind, s, chosen), list(first))
            for s, chosen in enumerate((activity, frequency, 0))
        ]
        dots = [sum(w * x for w, x in zip(own, inputs, strict=True)) >> 16 for own in sets]
        odds = [min(max(dot, -3071), 3071) for dot in dots]
        self._last = own, inputs, sets, odds
        return abs(sum(odds)) // 3 * (1 if sum(odds) > 0 else -1)

    def decide(self, odds: int) -> int:
        own, inputs, sets, each = self._last
        bit = self.code(SQUASHED[odds + 3072])
        for weights, own_odds in zip(sets, each, strict=True):
            error = 65536 * bit - SQUASHED[own_odds + 3072]
            for i, x in enumerate(inputs):
                weights[i] += (error * x + 8192) >> 14 if i < 6 else (error * x + 16384) >> 15
        for counter in own:
            counter.learn(bit, SQUASHED[odds + 3072])
        return bit
