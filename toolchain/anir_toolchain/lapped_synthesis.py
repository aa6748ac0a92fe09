"""The inverse lapped transform at any coordinates, and the networks' inputs and last layer made of it."""

import math

import numpy as np
from anir_runtime.lapped_transform import Axis, LatentInput, coefficients, inputs_of
from anir_runtime.network import Floats, Latents

CONSTANT = math.pi / 2
"""Value of the first layer's channels that have no input."""


def planes_at(latents: Latents, x: Floats, y: Floats, size: tuple[int, int]) -> Floats:
    """Returns planes float32[H', W', N] at columns x [W'] and rows y [H'] of a picture of size (W, H)."""
    values = coefficients(latents)
    across, down = (
        Axis(pixels, latents.pitch).cosines(at, values.shape[-1])
        for pixels, at in zip(size, (x, y), strict=True)
    )
    order = ["einsum_path", (0, 1), (0, 1)]
    planes: Floats = np.einsum("akh,pakbl,blw->hwp", down, values, across, optimize=order)
    return planes


def features_at(latents: Latents, x: Floats, y: Floats, size: tuple[int, int], channels: int) -> Floats:
    """Returns a network's inputs from its latents, float32[H', W', n], at columns x [W'] and rows y [H'].

    Args:
        latents: the network's latents.
        x: coordinates in [-1, 1].
        y: coordinates in [-1, 1].
        size: (W, H) of the picture in pixels.
        channels: number of the network's channels; n of them have an input (`inputs_of`).
    """
    planes = len(latents.codes)
    seen = existing_inputs(channels, planes)
    unit = [np.float32(2 * latents.reach / pixels) for pixels in size]
    at = {
        (right, down): planes_at(latents, x + right * unit[0], y + down * unit[1], size)
        for right, down in {(right, down) for _, right, down in seen}
    }
    result = np.stack([at[right, down][..., plane] for plane, right, down in seen], axis=-1)
    result[..., planes:] -= at[0, 0][..., [own.plane for own in seen[planes:]]]
    return result


def last_layer(weights: Floats, seen: Floats) -> Floats:
    """Returns the last layer's channels of a network of the family `lapped`, float32[M, C].

    Args:
        weights: the hidden matrices, float32[L, C, C], applied as h @ W.
        seen: the network's inputs from the latents at M points, float32[M, n].
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
    """Returns the multiply-accumulates per pixel of a network's inputs, where two cells' windows overlap."""
    k, seen = int(latents.codes.shape[-1]), set(existing_inputs(channels, len(latents.codes)))
    # For each row, sums over the vertical frequencies come first; all pixels of a cell's row share these.
    rows = {(plane, down) for plane, _, down in seen}
    return len(rows) * (2 * k * k // latents.pitch) + len(seen) * 2 * k


def existing_inputs(channels: int, planes: int) -> list[LatentInput]:
    """Returns the inputs of a network's first channels (`inputs_of`).

    Plane 0 at the point takes the place of planes that the picture lacks: its difference from itself is 0.
    """
    return [own if own.plane < planes else LatentInput(0, 0, 0) for own in inputs_of(channels, planes)]
