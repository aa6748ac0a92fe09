"""Latents quantized again, now that networks have learned from them.

A network undoes some of the errors of its planes, and adds others. Latents that show what its picture lacks,
besides what they showed before, bring it nearer to the picture in as many bits.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

import numpy as np
import torch
from anir_runtime.network import Latents
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.features import LatentFeatures
from anir_toolchain.heads import solve_heads
from anir_toolchain.lapped_analysis import principal_colours
from anir_toolchain.model import Quantized
from anir_toolchain.picture import Picture
from anir_toolchain.rate_distortion import TRIALS, quantize_again
from anir_toolchain.space import Subnet
from anir_toolchain.trunk import Parameters, Trunk

_BATCH = 2**16
"""Pixels that go through a network at a time."""

TrunkParameters = Mapping[int, tuple[Trunk, Parameters]]
"""Trunks by width, with the parameters that their networks have: in real numbers, or as exported."""


@torch.no_grad()
def refine(
    picture: Picture,
    trunks: TrunkParameters,
    features: LatentFeatures,
    budgets: Sequence[float | None],
    pool: Executor,
    trials: int = TRIALS,
) -> LatentFeatures:
    """New latents for all subnets, and their features; the heads are those that suit the old ones best.

    Args:
        picture: to come nearer to.
        trunks: of all widths.
        features: with the latents so far.
        budgets: bits of each subnet's new latents; without a number their step stays.
        pool: runs trunks, and then subnets, side by side.
        trials: most steps that are tried to meet a budget.
    """

    def solve(width: int) -> tuple[Quantized, Tensor]:
        return solve_heads(*trunks[width], picture, features)

    heads = dict(zip(trunks, pool.map(solve, trunks), strict=True))
    # Those of the planes.
    colours = principal_colours(picture.image)

    def again(subnet: Subnet, bits: float | None) -> Latents:
        residual = _residual(picture, subnet, *trunks[subnet.width], features, *heads[subnet.width])
        planes = features.planes(subnet)
        return quantize_again(features.latents[subnet], planes, residual @ colours, bits, trials)

    subnets = list(features.latents)
    latents = dict(zip(subnets, pool.map(again, subnets, budgets), strict=True))
    return LatentFeatures(latents, picture, pool)


@torch.no_grad()
def _residual(
    picture: Picture,
    subnet: Subnet,
    trunk: Trunk,
    parameters: Parameters,
    features: LatentFeatures,
    heads: Quantized,
    biases: Tensor,
) -> NDArray[np.float32]:
    """The picture minus the subnet's, float32[H, W, N], in units of half the range of 8 bits."""
    at = trunk.depths.index(subnet.depth)
    head, bias = heads.values[at].T.to(picture.device), biases[at].to(picture.device)
    parts = []
    for index in torch.split(torch.arange(len(picture), device=picture.device), _BATCH):
        x, y, colours = picture.points(index)
        channels = trunk.last_layer(subnet.depth, parameters, x, y, features.of(subnet, index))
        drawn = torch.addmm(bias, channels, head).clamp(0, 1)
        parts.append(colours - (2 * drawn - 1))
    return torch.cat(parts).reshape(picture.height, picture.width, picture.colours).cpu().numpy()
