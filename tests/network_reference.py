"""The networks of sizes and of signs, as docs/format.md specifies them, in plain Python with numpy.

An index `f` is the position's frequency (i, j).
"""

import numpy as np

from tests.entropy_reference import ASSEMBLY, Estimate


class SizeNetwork:
    """Estimates from the sizes around a coefficient the log-odds that it becomes significant."""

    def __init__(self) -> None:
        weights = np.frombuffer((ASSEMBLY / "size_network.bin").read_bytes(), np.int8).astype(int)
        parts = np.split(weights, np.cumsum([16 * 22, 8 * 16, 16 * 16, 16 * 16, 8 * 16, 8, 8]))
        first, *offsets, second, self.second_offsets, self.last, self.last_offset = parts
        self.first, self.second = first.reshape(16, 22), second.reshape(8, 16)
        self.kinds, self.rows, self.columns = (part.reshape(-1, 16) for part in offsets)

    def estimate(self, inputs: list[int], kind: int, f: tuple[int, int]) -> Estimate:
        offsets = self.kinds[kind] + self.rows[min(f[0], 15)] + self.columns[min(f[1], 15)]
        first = (self.first @ inputs + 16 * offsets).clip(0, 4095)
        second = (self.second @ first + 512 * self.second_offsets >> 5).clip(0, 4095)
        odds = min(max(int(self.last @ second + 1024 * self.last_offset[0]) >> 6, -3071), 3071)
        return Estimate(odds, (first >> 2).tolist())


class SignNetwork:
    """Estimates from the signs around a coefficient the log-odds that it is positive."""

    def __init__(self) -> None:
        weights = np.frombuffer((ASSEMBLY / "sign_network.bin").read_bytes(), np.int8).astype(int)
        parts = np.split(weights, np.cumsum([16 * 46, 16 * 28, 8 * 16, 8 * 16]))
        self.both, self.even = parts[0].reshape(16, 46), parts[1].reshape(16, 28)
        self.rows, self.columns, self.last = (part.reshape(-1, 16) for part in parts[2:])

    def estimate(self, inputs: list[int], kind: int, f: tuple[int, int]) -> Estimate:
        x = np.array(inputs)
        down, across = (-1 if frequency % 2 else 1 for frequency in f)
        sums = self.both @ x + self.even @ np.concatenate([across * x[:14], down * x[14:28]])
        factors = self.rows[min(f[0], 7)] + self.columns[min(f[1], 7)]
        hidden = (sums * factors >> 2).clip(-512, 512)
        return Estimate(min(max(int(self.last[kind] @ hidden) >> 5, -3071), 3071), hidden.tolist())
