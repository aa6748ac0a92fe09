"""Rate–distortion curves of a set of pictures, and Bjøntegaard deltas."""

from collections.abc import Callable, Sequence
from statistics import mean

import bjontegaard
import numpy as np

Point = tuple[float, float]
"""Bits per pixel and PSNR in dB."""

RATES = (0.03, 0.05, 0.1, 0.15, 0.18, 0.25, 0.35, 0.5, 0.75, 1.0, 1.5)
"""Bits per pixel at which curves are tabulated."""


def pareto(points: Sequence[Point]) -> list[Point]:
    """Returns the points that no other point beats in both rate and PSNR, by rising rate."""
    front: list[Point] = []
    for bpp, psnr in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or psnr > front[-1][1]:
            front.append((bpp, psnr))
    return front


def within(points: Sequence[Point], bpp: float) -> float | None:
    """Returns the best PSNR at no more than `bpp`, or None if no point is that small."""
    return max((quality for rate, quality in points if rate <= bpp), default=None)


def between(points: Sequence[Point], bpp: float) -> float | None:
    """Returns the PSNR at exactly `bpp`, linear between a codec's settings; None outside them."""
    front = pareto(points)
    if not front[0][0] <= bpp <= front[-1][0]:
        return None
    return float(np.interp(bpp, [rate for rate, _ in front], [quality for _, quality in front]))


def curve(
    pictures: Sequence[Sequence[Point]], at: Callable[[Sequence[Point], float], float | None]
) -> list[Point]:
    """Returns the mean PSNR over pictures at each of RATES, without rates at which a picture has none.

    Args:
        pictures: the points of each picture.
        at: the PSNR of some points at a rate, or None: `within` or `between`.
    """
    means = []
    for bpp in RATES:
        best = [quality for points in pictures if (quality := at(points, bpp)) is not None]
        if len(best) == len(pictures):
            means.append((bpp, mean(best)))
    return means


def mean_points(pictures: Sequence[Sequence[Point]]) -> list[Point]:
    """Returns means over pictures of rate and PSNR, one point per setting; settings are the same for all."""
    return [
        (mean(p[0] for p in setting), mean(p[1] for p in setting)) for setting in zip(*pictures, strict=True)
    ]


def bjontegaard_deltas(anchor: Sequence[Point], test: Sequence[Point]) -> dict[str, float] | None:
    """Returns how much `test` differs from `anchor` in rate (%) and PSNR (dB), after Bjøntegaard 2001.

    Both are mean curves, interpolated after Akima. None if they do not overlap in PSNR or have fewer than
    three points; without the PSNR if they do not overlap in rate.
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
