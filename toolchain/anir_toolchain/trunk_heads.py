"""The heads of trained trunks, solved from second moments of their last layers."""

import numpy as np
import torch

from anir_toolchain.features import LatentFeatures
from anir_toolchain.heads import Moments
from anir_toolchain.model import Quantized, QuantizedTrunk
from anir_toolchain.picture import Picture
from anir_toolchain.quantizer import VECTOR_BITS
from anir_toolchain.trunk import Parameters, Trunk

_PIXELS = 2**17
"""Least number of pixels on which heads are solved (see `moments_of`)."""
_BATCH = 4096
"""Pixels that are evaluated at a time."""


def with_best_heads(trunk: Trunk, picture: Picture, features: LatentFeatures) -> QuantizedTrunk:
    """Returns a trunk as codes, with the best heads from its quantized layers to the picture's colours."""
    moments = moments_of(trunk, trunk.quantized(), picture, features)
    solved = [own.solve(VECTOR_BITS, shared_step=trunk.family.has_latents) for own in moments]
    codes, scale, bias = (torch.from_numpy(np.stack(parts)) for parts in zip(*solved, strict=True))
    return trunk.to_codes(Quantized(codes.to(torch.int8), scale.float()), bias.float())


@torch.no_grad()
def moments_of(
    trunk: Trunk,
    parameters: Parameters,
    picture: Picture,
    features: LatentFeatures,
    pixels: int = _PIXELS,
) -> list[Moments]:
    """Returns for each subnet of a trunk the moments of its last layer and the picture's colours in [0, 1].

    They are summed on the picture's device, over every n-th pixel: at least `pixels` of them and fewer than
    twice as many, or all of a small picture.
    """
    width, count = trunk.width, len(picture)
    index = torch.arange(0, count, max(1, count // pixels), device=picture.device)
    sums = [
        torch.zeros(width + 1, width + 1 + picture.colours, device=picture.device).double()
        for _ in trunk.depths
    ]
    for part in torch.split(index, _BATCH):
        x, y, colours = picture.points(part)
        layers = trunk.last_layers(parameters, x, y, features.of_width(width, part))
        for total, channels in zip(sums, layers, strict=True):
            rows = torch.cat([torch.ones_like(channels[:, :1]), channels], dim=1).double()
            total.addmm_(rows.T, torch.cat([rows, ((colours + 1) / 2).double()], dim=1))
    gathered = [total.cpu().numpy() for total in sums]
    return [Moments(own[:, : width + 1], own[:, width + 1 :], len(index)) for own in gathered]
