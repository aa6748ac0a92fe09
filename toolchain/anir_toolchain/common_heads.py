"""Heads of the common networks of the family `lapped`: common heads, or heads near them where these pay.

A head near the common one differs from it by offsets: small integer offsets to its codes, which cost bytes.
They pay if they raise PSNR by more than the same number of bytes of coefficients would.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from anir_runtime.common_networks import MOST_OFFSET, Colours, common_trunks, with_offsets
from anir_runtime.network import Floats
from numpy.typing import NDArray

from anir_toolchain.heads import Moments, offset_bits
from anir_toolchain.lapped_synthesis import last_layer
from anir_toolchain.space import Subnet

Head = Mapping[str, NDArray[Any]]
"""A head's tensors by the names of docs/format.md."""
DB_PER_SHARE = 14.0
"""Gain in dB that a picture's own tensors must have, per share of the level's bytes that they take.

One level's coefficients gain some 3.4 dB (in low levels) to 4.5 dB when its bytes grow by a factor of e; the
price is higher because later levels would profit from these bytes, too.
"""


def own_bytes(depth: int, channels: int, planes: int, bits: int) -> float:
    """Estimates the bytes of a network's own layers, which shallower networks share, and of its own head.

    Args:
        depth: number of layers.
        channels: number of channels of each layer, including the planes.
        planes: number of the picture's planes.
        bits: bits of a hidden weight.
    """
    layers = (depth - 1) * channels * (channels - planes) * bits / 8
    # The head: for each colour a code per channel; scales and biases.
    return layers + planes * (channels + 4) + 16


def best_head(
    subnet: Subnet, colours: Colours, width: int, size: int, seen: Floats, wanted: Floats
) -> tuple[float, Head]:
    """Returns the `worth` in dB of the common network with the best head, and that head.

    Args:
        subnet: depth and width of the network; there must be a common one of that size.
        colours: the map from planes to colours.
        width: quantization step of the level, in units.
        size: bytes of the prefix that ends with the level.
        seen: the network's inputs from the level's latents at M pixels, float32[M, n].
        wanted: the picture's colours at these pixels, float32[M, N] in [0, 1].
    """
    known, planes = common_trunks()[subnet.width - wanted.shape[1]], wanted.shape[1]
    own = known.layers(subnet.depth, planes)
    channels = last_layer(own["weights"] * own["steps"][:, None, None], seen)
    common = colours.head(known.head(subnet.depth), width)
    # The price of a bit in dB, converted to squared error, summed over all colours.
    price = DB_PER_SHARE / size / 8 * math.log(10) / 10 * planes * squared_error(channels, common, wanted)
    offsets = Moments.of(channels, wanted).head_offsets(common, MOST_OFFSET, price)
    heads = [(common, 0.0), (with_offsets(common, offsets), offset_bits(offsets) / 8)]
    worths = [(worth(channels, head, wanted, cost / size), head) for head, cost in heads]
    return max(worths, key=lambda choice: choice[0])


def worth(channels: Floats, head: Head, wanted: Floats, share: float) -> float:
    """Returns the PSNR in dB that a head reaches, minus the price of the bytes that the own tensors take.

    Args:
        channels: the last layer's channels at M pixels, float32[M, C].
        head: the head's tensors.
        wanted: the picture's colours at these pixels, float32[M, N] in [0, 1].
        share: the own tensors' share of the bytes of the prefix that ends with the level.
    """
    return -10 * math.log10(max(squared_error(channels, head, wanted), 1e-10)) - DB_PER_SHARE * share


def squared_error(channels: Floats, head: Head, wanted: Floats) -> float:
    """Returns the mean squared error of a head's colours, clipped to [0, 1]."""
    shown = channels @ (head["head"] * head["head.scale"][:, None]).T + head["head.bias"]
    return float(np.square(shown.clip(0, 1) - wanted).mean())
