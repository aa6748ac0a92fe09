"""Estimates of the quality of networks in training."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from anir_toolchain.features import LatentFeatures
from anir_toolchain.picture import Picture
from anir_toolchain.space import Space, Subnet
from anir_toolchain.trunk import Trunk


@torch.no_grad()
def estimate_psnr(
    space: Space,
    trunks: Mapping[int, Trunk],
    picture: Picture,
    features: LatentFeatures,
    pixels: Tensor,
    quantized: bool,
) -> dict[str, float]:
    """PSNR in dB of three subnets on some pixels, with their heads as trained so far.

    Args:
        space: the subnets.
        trunks: by width.
        picture: that is compared with.
        features: of the subnets.
        pixels: indices of the pixels.
        quantized: whether networks are measured as they would be exported, or in real numbers.
    """
    x, y, colours = picture.points(pixels)
    depths, widths = space.depths, space.widths
    middle = Subnet(depths[len(depths) // 2], widths[len(widths) // 2])
    psnr = {}
    for subnet in dict.fromkeys((space.subnets[0], middle, space.largest)):
        trunk = trunks[subnet.width]
        parameters = trunk.quantized() if quantized else trunk.parameters
        drawn = trunk.colours(parameters, x, y, features.of_width(subnet.width, pixels))
        rgb = drawn[depths.index(subnet.depth)].clamp(-1, 1)
        # Colours span 2, PSNR's peak is 1.
        error = (rgb - colours.T).square().mean().item() / 4
        psnr[subnet.name] = -10 * math.log10(max(error, 1e-10))
    return psnr
