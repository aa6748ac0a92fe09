"""A decoder of the embedded stream of coefficients, as docs/format.md specifies it, in plain Python.

It is slow: for small pictures. A position `at` is a tuple (row of cells, column of cells, plane, vertical
frequency, horizontal frequency), and `f` is its index (i, j). A size is a reconstructed magnitude.
"""

import math
from bisect import bisect_right
from itertools import product

from tests.context_reference import UNKNOWN, Contexts
from tests.entropy_reference import SQUASHED, Counter, Entropy, stretch
from tests.network_reference import SignNetwork, SizeNetwork

BAND_STEPS = [1, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27]
"""The table B."""
FIRST_CHANCE = [  # the table F
    162, 212, 278, 363, 475, 621, 811, 1058, 1379, 1795, 2331, 3020, 3901, 5018, 6420, 8163, 10295,
    12860, 15881, 19350, 23222, 27410, 31785, 36196, 40485, 44511, 48167, 51390, 54156, 56476, 58386,
    59933,
]  # fmt: skip


class Levels(Contexts):
    """The state of all coefficients, which each level refines."""

    def __init__(self, entropy: Entropy, rows: int, columns: int, planes: int, pitch: int) -> None:
        super().__init__(planes)
        self.entropy, self.rows, self.columns, self.pitch = entropy, rows, columns, pitch
        self.size_network, self.sign_network = SizeNetwork(), SignNetwork()
        self.low: dict[tuple[int, ...], int] = {}
        self.high: dict[tuple[int, ...], int] = {}
        self.classes = {
            (m, p, b, a): Counter(FIRST_CHANCE[a], 4)
            for m in (0, 1)
            for p in range(planes)
            for b in range(12)
            for a in range(32)
        }
        self.order = sorted(
            ((u, v) for u in range(pitch) for v in range(pitch)),
            key=lambda f: (sum(f), f[0] if sum(f) % 2 else f[1]),
        )

    def level(self, width: int) -> None:
        """Decodes a level of that width."""
        self.width = width
        self.measure_by(width)
        for counter in self.classes.values():
            counter.p = max(counter.p, 40)
        # All means, one frequency of all blocks after another.
        for k, m in sorted(product(range(8), range(8)), key=lambda f: (sum(f), f)):
            for r, c in product(range(k, self.rows, 8), range(m, self.columns, 8)):
                for p in range(self.planes):
                    self.coefficient(r, c, p, 0, 0)
        for r, c, p in product(range(self.rows), range(self.columns), range(self.planes)):
            for u, v in self.order[1:]:
                self.coefficient(r, c, p, u, v)

    def coefficient(self, r: int, c: int, p: int, u: int, v: int) -> None:
        at = (r, c, p, u, v)
        mean = int(u == v == 0)
        f = (r % 8, c % 8) if mean else (u, v)
        if not self.sign.get(at, 0):
            activity = self.log(2 * self.activity(*at))
            counter = self.classes[mean, p, bisect_right(BAND_STEPS, sum(f)), activity]
            high, class_threshold = self.high.get(at, UNKNOWN), self.threshold(stretch(counter.p))
            if counter.p < 40 or high < class_threshold * 26 >> 4:
                return
            self.significance(at, f, mean, activity, counter, high, class_threshold)
        while self.sign.get(at, 0):
            length = self.high[at] - self.low[at]
            if 2 * length < 3 * self.width:
                return
            self.refine(at, f, mean, length)

    def threshold(self, odds: int) -> int:
        return (self.width * max(33423 - (odds * 1802 >> 6), 32768) + 32768) >> 16

    def significance(
        self,
        at: tuple[int, ...],
        f: tuple[int, int],
        mean: int,
        activity: int,
        counter: Counter,
        high: int,
        class_threshold: int,
    ) -> None:
        """Decodes the significance of a coefficient, unless it is skipped, and then its sign and interval."""
        p, new = at[2], high == UNKNOWN
        gap = 4 if new else bisect_right([16, 20, 26], high * 10 // class_threshold)
        second = ((min(f[0], 15) * 16 + min(f[1], 15)) * 5 + gap) * 2 + (activity > 14)
        given = self.size_network.estimate(
            self.size_inputs(at, activity, high), (3 if self.planes == 1 else min(p, 2)) + 4 * mean, f
        )
        bucket = min(max(given.odds + 2560 >> 7, 0), 31)
        band = bisect_right(BAND_STEPS, sum(f))
        slots = [bucket * 32 + 2 * band + (f[0] > f[1]), second, self.pattern(at)]
        selector = self.second_selector(f)
        kind = 9 * mean + 3 * new
        odds = self.entropy.predict((kind, p), slots, activity, selector, given)
        probability = SQUASHED[odds + 3072]
        own_threshold = self.threshold(odds)
        if high < own_threshold * 28 >> 4:
            return
        limit = own_threshold if new else own_threshold * 14 >> 4
        is_significant = self.entropy.decide(odds)
        counter.learn(is_significant)
        if not is_significant:
            self.high[at] = limit
            return
        nearby = self.sign_network.estimate(self.sign_inputs(at), min(p, 1) + 2 * mean, f)
        index = min(f[0], 7) * 8 + min(f[1], 7)
        slots_of_sign = self.sign_slots(at, f, nearby.odds)
        odds = self.entropy.predict((9 * mean + 8, p), slots_of_sign, 0, index, nearby)
        sign = 1 if self.entropy.decide(odds) else -1
        width = self.width
        parts = UNKNOWN if new else max((2 * (high - limit) + width) // (2 * width), 1)
        length = width if new else (high - limit) // parts
        part, low = 0, limit
        top = high if parts == 1 else low + length
        while part < parts - 1 and low < 1 << 22:
            odds = self.entropy.predict((kind + (2 if part else 1), p), slots, activity, selector, given)
            if not self.entropy.decide(odds):
                break
            part, low = part + 1, top
            if new:
                top += length << max(part - 8, 0)
            else:
                top = high if part == parts - 1 else top + length
        relative = min((top - low) * 256 // width, 256)
        short = ((65536 - probability) * relative * relative >> 16) * 69 >> 8
        self.put(at, low, top, low + ((top - low) * (32768 - short) + 32768 >> 16))
        self.sign[at] = sign

    def refine(self, at: tuple[int, ...], f: tuple[int, int], mean: int, length: int) -> None:
        low, high, p = self.low[at], self.high[at], at[2]
        activity = self.log(2 * self.activity(*at))
        third = (min(sum(f), 31) * 16 + min(low * 4 // length, 15)) * 4 + (activity >> 3)
        kind = 9 * mean + (6 if 2 * low < 3 * length else 7)
        slots = self.refinement_slots(at, activity, third)
        odds = self.entropy.predict((kind, p), slots, activity, self.second_selector(f))
        middle = low + (length >> 1)
        low, high = (middle, high) if self.entropy.decide(odds) else (low, middle)
        self.put(at, low, high, low + ((high - low) * 29491 + 32768 >> 16))

    def put(self, at: tuple[int, ...], low: int, high: int, size: int) -> None:
        self.low[at], self.high[at], self.size[at] = low, high, size

    @staticmethod
    def second_selector(f: tuple[int, int]) -> int:
        return min(min(sum(f), 20) + 21 * (f[0] == 0) + 21 * (f[1] == 0), 63)

    def values(self) -> dict[tuple[int, ...], int]:
        """The values of all significant coefficients, and the means of all cells, by position."""
        grid = max(self.width >> 4, 1)
        result = {at: self.sign[at] * ((size + grid // 2) // grid) * grid for at, size in self.size.items()}
        for r in range(self.rows):
            for c in range(self.columns):
                for p in range(self.planes):
                    result[r, c, p, 0, 0] = self.mean(r, c, p, grid)
        return result

    def mean(self, r: int, c: int, p: int, grid: int) -> int:
        top, left = r - r % 8, c - c % 8
        down, across = min(self.rows - top, 8), min(self.columns - left, 8)
        total = grid << 23
        for k in range(down):
            for m in range(across):
                at = (top + k, left + m, p, 0, 0)
                value = self.size.get(at, 0) * self.sign.get(at, 0)
                total += value * cosine(m, c - left, across) * cosine(k, r - top, down)
        return total // (grid << 24) * grid


def cosine(frequency: int, at: int, n: int) -> int:
    """The orthonormal DCT's basis function of a frequency at point `at` of n, times 4096, rounded."""
    scale = 4096 * math.sqrt((2 if frequency else 1) / n)
    return math.floor(scale * math.cos(math.pi * (at + 0.5) * frequency / n) + 0.5)
