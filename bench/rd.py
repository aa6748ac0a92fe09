"""Rate-distortion curves: what a set of pictures costs and how good it looks, and Bjøntegaard deltas."""

from collections.abc import Callable, Sequence
from statistics import mean

import bjontegaard
import numpy as np

Point = tuple[float, float]
"""Bits per pixel and PSNR in dB."""

RATES = (0.03, 0.05, 0.1, 0.15, 0.18, 0.25, 0.35, 0.5, 0.75, 1.0, 1.5)


def pareto(points: Sequence[Point]) -> list[Point]:
    """The points that no other one beats in both rate and quality, by rising rate."""
    front: list[Point] = []
    for bpp, psnr in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or psnr > front[-1][1]:
            front.append((bpp, psnr))
    return front


def within(points: Sequence[Point], bpp: float) -> float | None:
    """The best PSNR at no more than `bpp`, or None if nothing is that small."""
    return max((quality for rate, quality in points if rate <= bpp), default=None)


def between(points: Sequence[Point], bpp: float) -> float | None:
    """The PSNR at exactly `bpp`, on straight lines between a codec's settings; None outside them."""
    front = pareto(points)
    if not front[0][0] <= bpp <= front[-1][0]:
        return None
    return float(np.interp(bpp, [rate for rate, _ in front], [quality for _, quality in front]))


def curve(
    pictures: Sequence[Sequence[Point]], at: Callable[[Sequence[Point], float], float | None]
) -> list[Point]:
    """Mean over pictures of the PSNR `at` each of RATES that none of them misses."""
    means = []
    for bpp in RATES:
        best = [quality for points in pictures if (quality := at(points, bpp)) is not None]
        if len(best) == len(pictures):
            means.append((bpp, mean(best)))
    return means


def mean_points(pictures: Sequence[Sequence[Point]]) -> list[Point]:
    """Means over pictures of rate and quality, one point per setting; all have the same settings in order."""
    return [
        (mean(p[0] for p in setting), mean(p[1] for p in setting)) for setting in zip(*pictures, strict=True)
    ]


def bjontegaard_deltas(anchor: Sequence[Point], test: Sequence[Point]) -> dict[str, float] | None:
    """By how much rate (%) and PSNR (dB) `test` differs from `anchor`; None where they do not overlap.

    Bjøntegaard 2001 with Akima interpolation; both are mean curves.
    """
    a, b = pareto(anchor), pareto(test)
    if len(a) < 3 or len(b) < 3 or min(a[-1][1], b[-1][1]) <= max(a[0][1], b[0][1]):
        return None
    axes = [[point[i] for point in points] for points in (a, b) for i in (0, 1)]
    options = {"method": "akima", "require_matching_points": False, "min_overlap": 0}
    overlap = (max(a[0][0], b[0][0]), min(a[-1][0], b[-1][0]))
    deltas = {"bd_rate_percent": float(bjontegaard.bd_rate(*axes, **options))}
    if overlap[0] < overlap[1]:
        deltas["bd_psnr_db"] = float(bjontegaard.bd_psnr(*axes, **options))
    return {name: round(value, 2) for name, value in deltas.items()}
