"""A decoder of the embedded stream of coefficients, as docs/format.md specifies it, in plain Python.

It is slow: for small pictures. A position `at` is a tuple (row of cells, column of cells, plane, vertical
frequency, horizontal frequency), and `f` is its index (i, j). A size is a reconstructed magnitude.
"""

import math
from bisect import bisect_right
from itertools import product

import numpy as np

from tests.entropy_reference import ASSEMBLY, SQUASHED, Counter, Entropy, stretch

LOG_STEPS = [  # the table L
    1, 1, 2, 3, 4, 6, 9, 12, 17, 23, 31, 43, 60, 82, 112, 154, 211, 290, 397, 545, 747, 1023, 1403,
    1922, 2635, 3610, 4948, 6780,
]  # fmt: skip
BAND_STEPS = [1, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27]
"""The table B."""
FIRST_CHANCE = [  # the table F
    162, 212, 278, 363, 475, 621, 811, 1058, 1379, 1795, 2331, 3020, 3901, 5018, 6420, 8163, 10295,
    12860, 15881, 19350, 23222, 27410, 31785, 36196, 40485, 44511, 48167, 51390, 54156, 56476, 58386,
    59933,
]  # fmt: skip
UNKNOWN = 1 << 30
"""`high` before anything is known."""
AROUND = ((0, -1), (0, 1), (-1, 0), (1, 0))
BESIDE = [(0, 0, *offset) for offset in AROUND]
"""Left, right, up, down, as offsets (cells down and across, frequencies down and across)."""
CELLS = [(*offset, 0, 0) for offset in AROUND]
"""West, east, north, south."""
BEFORE_AFTER = (-1, 1)


class SizeNetwork:
    """Estimates from the sizes around a coefficient the log-odds that it becomes significant."""

    def __init__(self) -> None:
        weights = np.frombuffer((ASSEMBLY / "size_network.bin").read_bytes(), np.int8).astype(int)
        parts = np.split(weights, np.cumsum([16 * 22, 8 * 16, 16 * 16, 16 * 16, 8 * 16, 8, 8]))
        first, *offsets, second, self.second_offsets, self.last, self.last_offset = parts
        self.first, self.second = first.reshape(16, 22), second.reshape(8, 16)
        self.kinds, self.rows, self.columns = (part.reshape(-1, 16) for part in offsets)

    def odds(self, inputs: list[int], kind: int, f: tuple[int, int]) -> int:
        offsets = self.kinds[kind] + self.rows[min(f[0], 15)] + self.columns[min(f[1], 15)]
        hidden = (self.first @ inputs + 16 * offsets).clip(0, 4095)
        hidden = (self.second @ hidden + 512 * self.second_offsets >> 5).clip(0, 4095)
        return min(max(int(self.last @ hidden + 1024 * self.last_offset[0]) >> 6, -3071), 3071)


class SignNetwork:
    """Estimates from the signs around a coefficient the log-odds that it is positive."""

    def __init__(self) -> None:
        weights = np.frombuffer((ASSEMBLY / "sign_network.bin").read_bytes(), np.int8).astype(int)
        parts = np.split(weights, np.cumsum([16 * 46, 16 * 28, 8 * 16, 8 * 16]))
        self.both, self.even = parts[0].reshape(16, 46), parts[1].reshape(16, 28)
        self.rows, self.columns, self.last = (part.reshape(-1, 16) for part in parts[2:])

    def odds(self, inputs: list[int], kind: int, f: tuple[int, int]) -> int:
        x = np.array(inputs)
        down, across = (-1 if frequency % 2 else 1 for frequency in f)
        sums = self.both @ x + self.even @ np.concatenate([across * x[:14], down * x[14:28]])
        factors = self.rows[min(f[0], 7)] + self.columns[min(f[1], 7)]
        hidden = (sums * factors >> 2).clip(-512, 512)
        return min(max(int(self.last[kind] @ hidden) >> 5, -3071), 3071)


class Levels:
    """The state of all coefficients, which each level refines."""

    def __init__(self, entropy: Entropy, rows: int, columns: int, planes: int, pitch: int) -> None:
        self.entropy, self.rows, self.columns, self.pitch = entropy, rows, columns, pitch
        self.planes, self.size_network, self.sign_network = planes, SizeNetwork(), SignNetwork()
        self.low: dict[tuple[int, ...], int] = {}
        self.high: dict[tuple[int, ...], int] = {}
        self.size: dict[tuple[int, ...], int] = {}
        self.sign: dict[tuple[int, ...], int] = {}
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

    def log(self, x: int) -> int:
        """The function L, relative to the level's width."""
        return bisect_right(LOG_STEPS, min(x * self.inverse >> 20, 8191))

    def level(self, width: int) -> None:
        """Decodes a level of that width."""
        self.width, self.inverse = width, (1 << 20) // width
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
        given = self.size_network.odds(
            self.size_inputs(at, activity, high), (3 if self.planes == 1 else min(p, 2)) + 4 * mean, f
        )
        bucket = min(max(given + 2560 >> 7, 0), 31)
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
        nearby = self.sign_network.odds(self.sign_inputs(at), min(p, 1) + 2 * mean, f)
        index = min(f[0], 7) * 8 + min(f[1], 7)
        odds = self.entropy.predict((9 * mean + 8, p), self.sign_slots(at, f, nearby), 0, index, nearby)
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

    def size_at(self, at: tuple[int, ...], *offset: int) -> int:
        """The size at an offset (cells down and across, frequencies down and across) from a position."""
        dr, dc, du, dv = offset
        return self.size.get((at[0] + dr, at[1] + dc, at[2], at[3] + du, at[4] + dv), 0)

    def activity(self, r: int, c: int, p: int, u: int, v: int) -> int:
        at, weights = (r, c, p, u, v), (12, 5, 2, 1, 1, 1)
        total = 0
        for i, w in enumerate(weights, 1):
            total += w * sum(self.size_at(at, 0, 0, *d) for d in ((i, 0), (-i, 0), (0, i), (0, -i)))
        for a in (-1, 1):
            for b in (-1, 1):
                total += 4 * (self.size_at(at, 0, 0, a, b) + self.size_at(at, a, b, 0, 0))
        for d in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            total += 12 * self.size_at(at, *d, 0, 0) + 3 * self.cross(at, *d)
        for q in range(self.planes):
            if q != p:
                other = (r, c, q, u, v)
                total += 5 * self.size.get(other, 0) + self.cross(other, 0, 0)
        return total

    def cross(self, at: tuple[int, ...], dr: int, dc: int, distance: int = 1) -> int:
        """The sum of the four sizes at a distance in frequency, in the cell at an offset."""
        d = distance
        return sum(self.size_at(at, dr, dc, *f) for f in ((d, 0), (-d, 0), (0, d), (0, -d)))

    def others(self, at: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The same position in the other planes."""
        return [(*at[:2], q, *at[3:]) for q in range(self.planes) if q != at[2]]

    def corners(self, at: tuple[int, ...]) -> int:
        return sum(self.size_at(at, 0, 0, a, b) for a in (-1, 1) for b in (-1, 1))

    def diagonal(self, at: tuple[int, ...]) -> int:
        return sum(self.size_at(at, a, b, 0, 0) for a in (-1, 1) for b in (-1, 1))

    def refinement_slots(self, at: tuple[int, ...], activity: int, third: int) -> list[int]:
        own = 2 * self.cross(at, 0, 0) + self.cross(at, 0, 0, 2) + self.corners(at)
        cells = 2 * sum(self.size_at(at, *d, 0, 0) for d in AROUND) + self.diagonal(at)
        wide = sum(self.cross(at, *d) + self.cross(at, *d, 2) for d in AROUND)
        planes = sum(4 * self.size.get(o, 0) + self.cross(o, 0, 0) for o in self.others(at))
        own_log = self.log(8 * own)
        return [
            own_log * 32 + self.log(8 * cells),
            self.log(8 * planes) * 32 + activity,
            third,
            self.log(4 * (wide + cells)) * 32 + own_log,
            self.pattern(at),
        ]

    def pattern(self, at: tuple[int, ...]) -> int:
        def rounded(x: int, most: int) -> int:
            return min(((2 * x * self.inverse >> 20) + 1) >> 1, most)

        left, right, up, down = (self.size_at(at, 0, 0, *f) for f in AROUND)
        west, east, north, south = (self.size_at(at, *d, 0, 0) for d in AROUND)
        pattern = 0
        for x in (left, up, west, north, sum(self.size.get(o, 0) for o in self.others(at))):
            pattern = pattern * 3 + rounded(x, 2)
        return pattern * 4 + rounded(right + down + east + south, 3)

    def size_inputs(self, at: tuple[int, ...], activity: int, high: int) -> list[int]:
        """The inputs of the network of sizes."""
        beside, cells = ([self.size_at(at, *o) for o in offsets] for offsets in (BESIDE, CELLS))
        second = self.cross(at, 0, 0, 2)
        across, down = (sum(self.cross(at, *d) for d in pair) for pair in (AROUND[:2], AROUND[2:]))
        far_crosses = sum(self.cross(at, *d, 2) for d in AROUND)
        same = sum(self.size.get(o, 0) for o in self.others(at))
        crosses = sum(self.cross(o, 0, 0) for o in self.others(at))
        around = 2 * sum(cells) + self.diagonal(at)
        sums = [8 * x for x in beside] + [4 * second, 4 * self.corners(at)] + [8 * x for x in cells]
        sums += [4 * self.diagonal(at), 4 * across, 4 * down, 2 * far_crosses, 8 * same, 4 * crosses]
        sums += [8 * (2 * sum(beside) + second + self.corners(at)), 8 * around]
        sums += [4 * (across + down + far_crosses + around)]
        known = high < UNKNOWN
        return [*map(self.log, sums), activity, self.log(8 * high) if known else 0, 0 if known else 16]

    def sign_at(self, at: tuple[int, ...], *offset: int) -> int:
        """The sign at an offset from a position, likewise."""
        dr, dc, du, dv = offset
        return self.sign.get((at[0] + dr, at[1] + dc, at[2], at[3] + du, at[4] + dv), 0)

    def sign_inputs(self, at: tuple[int, ...]) -> list[int]:
        """The inputs of the network of signs."""
        along: list[list[tuple[int, ...]]] = []
        for axis in (1, 0):

            def offset(cells: int, frequencies: int, axis: int = axis) -> tuple[int, ...]:
                return (0, cells, 0, frequencies) if axis else (cells, 0, frequencies, 0)

            own = [offset(0, d) for d in (-1, 1, -2, 2)]
            cells = [offset(d, 0) for d in BEFORE_AFTER]
            beside = [offset(d, far * e) for far in (1, 2) for d in BEFORE_AFTER for e in BEFORE_AFTER]
            along.append([*own, *cells, *beside])
        corners = list(product(BEFORE_AFTER, BEFORE_AFTER))
        others = [(0, 0, *d) for d in corners] + [(*d, 0, 0) for d in corners]
        offsets = [*along[0], *along[1], *others]
        inputs = [self.sign_at(at, *o) * self.log(8 * self.size_at(at, *o)) for o in offsets]
        for i in (1, 2):
            inputs += self.agreement(at, (at[2] - i) % self.planes)
        return inputs

    def agreement(self, at: tuple[int, ...], plane: int) -> list[int]:
        """Inputs for the agreement of the signs around with those in another plane."""
        other = (*at[:2], plane, *at[3:])
        far = [(0, 0, 2 * a, 2 * b) for a, b in AROUND]
        corners = [(0, 0, a, b) for a in BEFORE_AFTER for b in BEFORE_AFTER]
        crosses = [(*cell, *d) for cell in AROUND for d in AROUND]
        return [
            2 * self.sign.get(other, 0) * sum(self.sign_at(at, *o) * self.sign_at(other, *o) for o in offsets)
            for offsets in (BESIDE, far, corners, CELLS, crosses)
        ]

    def sign_slots(self, at: tuple[int, ...], f: tuple[int, int], odds: int) -> list[int]:
        last, last_but_one = (
            self.sign.get((*at[:2], (at[2] - i) % self.planes, *at[3:]), 0) + 1 for i in (1, 2)
        )
        known, likely = 3 * last + last_but_one, min(max(odds + 1024 >> 6, 0), 31)
        return [
            likely * 9 + known,
            (min(f[0], 15) * 16 + min(f[1], 15)) * 9 + known,
            likely * 64 + min(f[0], 7) * 8 + min(f[1], 7),
        ]

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
