"""The contexts of the embedded stream's decisions, as docs/format.md specifies them, in plain Python.

A position `at` is a tuple (row of cells, column of cells, plane, vertical frequency, horizontal frequency),
and `f` is its index (i, j). A size is a reconstructed magnitude.
"""

from bisect import bisect_right
from itertools import product

LOG_STEPS = [  # the table L
    1, 1, 2, 3, 4, 6, 9, 12, 17, 23, 31, 43, 60, 82, 112, 154, 211, 290, 397, 545, 747, 1023, 1403,
    1922, 2635, 3610, 4948, 6780,
]  # fmt: skip
UNKNOWN = 1 << 30
"""`high` before anything is known."""
AROUND = ((0, -1), (0, 1), (-1, 0), (1, 0))
BESIDE = [(0, 0, *offset) for offset in AROUND]
"""Left, right, up, down, as offsets (cells down and across, frequencies down and across)."""
CELLS = [(*offset, 0, 0) for offset in AROUND]
"""West, east, north, south."""
BEFORE_AFTER = (-1, 1)


class Contexts:
    """The sizes and signs of all coefficients, and the contexts that they form around a position."""

    def __init__(self, planes: int) -> None:
        self.planes, self.inverse = planes, 0
        self.size: dict[tuple[int, ...], int] = {}
        self.sign: dict[tuple[int, ...], int] = {}

    def measure_by(self, width: int) -> None:
        """Sets the width of the level to which `log` and `pattern` are relative."""
        self.inverse = (1 << 20) // width

    def log(self, x: int) -> int:
        """The function L, relative to the level's width."""
        return bisect_right(LOG_STEPS, min(x * self.inverse >> 20, 8191))

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
        # Kept as a signed number of 32 bits, which may wrap around.
        return max((total + 2**31) % 2**32 - 2**31, 0)

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
