"""Estimates the PSNR of networks in training."""

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
    """Estimates the PSNR in dB of the smallest, a middle and the largest subnet on a sample of pixels.

    Args:
        space: the subnets.
        trunks: the trunks by width; their heads are used as trained so far.
        picture: the picture to compare with.
        features: the latent features of the subnets.
        pixels: indices of the pixels.
        quantized: whether to measure the networks quantized, as they would be exported, or in real numbers.

    Returns:
        PSNR by the subnets' names.
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
        # Colours span [-1, 1], whereas PSNR's peak is 1.
        error = (rgb - colours.T).square().mean().item() / 4
        psnr[subnet.name] = -10 * math.log10(max(error, 1e-10))
    return psnr
