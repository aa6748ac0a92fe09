"""The inverse lapped transform: latents' planes at any coordinates; what networks see and make of them."""

import math

import numpy as np
from anir_runtime.lapped_transform import Axis, Seen, coefficients, present, seen_by
from anir_runtime.network import Floats, Latents

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
    planes = len(latents.codes)
    seen = seen_in(channels, planes)
    unit = [np.float32(2 * latents.reach / pixels) for pixels in size]
    at = {
        (right, down): planes_at(latents, x + right * unit[0], y + down * unit[1], size)
        for right, down in {(right, down) for _, right, down in seen}
    }
    result = np.stack([at[right, down][..., plane] for plane, right, down in seen], axis=-1)
    result[..., planes:] -= at[0, 0][..., [own.plane for own in seen[planes:]]]
    return result


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


def synthesis_macs_per_pixel(latents: Latents, channels: int) -> int:
    """Multiply-accumulates of a network's features at a pixel, where the windows of two cells overlap."""
    k, seen = int(latents.codes.shape[-1]), set(seen_in(channels, len(latents.codes)))
    # Sums along rows come first, for each cosine down the columns; a pixel has a pitch's share of them.
    rows = {(plane, down) for plane, _, down in seen}
    return len(rows) * (2 * k * k // latents.pitch) + len(seen) * 2 * k


def seen_in(channels: int, planes: int) -> list[Seen]:
    """What a network's first channels see (`seen_by`), of the planes that a picture has (`present`)."""
    return [present(own, planes) for own in seen_by(channels, planes)]
