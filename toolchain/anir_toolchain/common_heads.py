"""Heads of the common networks of the family `lapped`: the common ones, or such near them where these pay.

Moves from a common head cost bytes of a file. They pay if they raise PSNR by more than as many bytes of
coefficients would.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from anir_runtime.common_networks import NEAR, Colours, common_trunks, near
from anir_runtime.network import Floats
from numpy.typing import NDArray

from anir_toolchain.heads import Moments, move_bits
from anir_toolchain.lapped_synthesis import last_layer
from anir_toolchain.space import Subnet

Head = Mapping[str, NDArray[Any]]
"""A head's tensors by the names of docs/format.md."""
DB_PER_SHARE = 14.0
"""What own tensors have to gain in dB, by the share of a level's bytes that they take.

Coefficients gain some 3.4 dB with e times the bytes; levels after this one pay as well.
"""


def own_bytes(depth: int, channels: int, planes: int, bits: int) -> float:
    """Bytes that a network's own layers, which are those of the shallower ones too, and its own head take.

    Args:
        depth: number of layers.
        channels: of each layer, those of the planes included.
        planes: of the picture.
        bits: of a hidden weight.
    """
    layers = (depth - 1) * channels * (channels - planes) * bits / 8
    # A code of each colour for each channel, and scales and biases.
    return layers + planes * (channels + 4) + 16


def best_head(
    subnet: Subnet, colours: Colours, width: int, size: int, seen: Floats, wanted: Floats
) -> tuple[float, Head]:
    """What the common network with the best head is worth in dB (`worth`), and that head.

    Args:
        subnet: of whose size there is a common network.
        colours: that planes become.
        width: of the level, in units.
        size: bytes of the prefix that ends with the level.
        seen: what channels see of the level's latents at M pixels, float32[M, n].
        wanted: colours of these pixels, float32[M, N] in [0, 1].
    """
    known, planes = common_trunks()[subnet.width - wanted.shape[1]], wanted.shape[1]
    own = known.layers(subnet.depth, planes)
    channels = last_layer(own["weights"] * own["steps"][:, None, None], seen)
    common = colours.head(known.head(subnet.depth), width)
    # dB per bit, as the error of all colours that saves as much.
    price = DB_PER_SHARE / size / 8 * math.log(10) / 10 * planes * _error(channels, common, wanted)
    moves = Moments.of(channels, wanted).moves_from(common, NEAR, price)
    heads = [(common, 0.0), (near(common, moves), move_bits(moves) / 8)]
    worths = [(worth(channels, head, wanted, cost / size), head) for head, cost in heads]
    return max(worths, key=lambda choice: choice[0])


def worth(channels: Floats, head: Head, wanted: Floats, share: float) -> float:
    """PSNR in dB of the colours that a head makes, less what that share of the level's bytes is worth.

    Args:
        channels: of a last layer at M pixels, float32[M, C].
        head: that makes colours of them.
        wanted: colours of these pixels, float32[M, N] in [0, 1].
        share: of the level's bytes that own tensors take.
    """
    return -10 * math.log10(max(_error(channels, head, wanted), 1e-10)) - DB_PER_SHARE * share


def _error(channels: Floats, head: Head, wanted: Floats) -> float:
    """The mean squared error of the colours that a head makes."""
    shown = channels @ (head["head"] * head["head.scale"][:, None]).T + head["head.bias"]
    return float(np.square(shown.clip(0, 1) - wanted).mean())
