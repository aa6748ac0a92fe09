"""The inverse lapped transform: latents' planes at any coordinates; what networks see and make of them."""

import math

import numpy as np
from anir_runtime.lapped_transform import BESIDE, Axis, Floats, coefficients, seen_by
from anir_runtime.network import Latents

CONSTANT = math.pi / 2
"""Value of the first layer's channels that see nothing."""


def planes_at(latents: Latents, x: Floats, y: Floats, size: tuple[int, int]) -> Floats:
    """The colour planes float32[H', W', N] at columns x [W'] and rows y [H'] of a picture of size (W, H)."""
    values = coefficients(latents)
    across, down = (
        Axis(pixels, latents.pitch).cosines(at, values.shape[-1])
        for pixels, at in zip(size, (x, y), strict=True)
    )
    order = ["einsum_path", (0, 1), (0, 1)]
    planes: Floats = np.einsum("akh,pakbl,blw->hwp", down, values, across, optimize=order)
    return planes


def features_at(latents: Latents, x: Floats, y: Floats, size: tuple[int, int], channels: int) -> Floats:
    """What the first n of a network's channels see, float32[H', W', n], at columns x [W'] and rows y [H'].

    Args:
        latents: of the network.
        x: coordinates in [-1, 1].
        y: coordinates in [-1, 1].
        size: (W, H) of the picture in pixels.
        channels: of the network; n is the number of those that see something (`seen_by`).
    """
    right, down = (
        (at + np.array(BESIDE, np.float32)[:, None] * np.float32(2 * latents.reach / pixels)).ravel()
        for at, pixels in zip((x, y), size, strict=True)
    )
    planes = planes_at(latents, right, down, size).reshape(len(BESIDE), len(y), len(BESIDE), len(x), -1)
    seen = planes.transpose(1, 3, 2, 0, 4).reshape(len(y), len(x), -1)
    return seen @ differences(channels, len(latents.codes))


def differences(channels: int, planes: int) -> Floats:
    """What the channels see as sums of an array [right, down, plane], flattened: float32[9 · planes, n]."""
    seen = seen_by(channels, planes)
    result = np.zeros((len(BESIDE), len(BESIDE), planes, len(seen)), np.float32)
    for channel, (plane, right, down) in enumerate(seen):
        result[right + 1, down + 1, plane, channel] = 1
        result[1, 1, plane, channel] -= bool(right or down)
    return result.reshape(-1, len(seen))


def last_layer(weights: Floats, seen: Floats) -> Floats:
    """The channels from which a head makes colours, float32[M, C].

    Args:
        weights: of the hidden layers of a network of the family `lapped`, float32[L, C, C], applied as h @ W.
        seen: what its first channels see of the latents at M points, float32[M, n].
    """
    outer = ((0, 0), (0, weights.shape[-1] - seen.shape[-1]))
    first = np.pad(seen, outer, constant_values=np.float32(CONSTANT))
    layer = first
    for weight in weights:
        layer = layer @ weight
        np.sin(layer, out=layer)
        layer += first
    return layer


def synthesis_macs_per_pixel(latents: Latents) -> int:
    """Multiply-accumulates that the features take at a pixel, where the windows of two cells overlap."""
    k, beside, others = int(latents.codes.shape[-1]), len(BESIDE), len(latents.codes) - 1
    # Sums along rows come first, for each cosine down the columns; a pixel has a pitch's share of them.
    # Plane 0 is needed at all multiples of the reach, the others at the point alone.
    return (beside + others) * (2 * k * k // latents.pitch) + (beside**2 + others) * 2 * k
