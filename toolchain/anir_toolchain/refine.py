"""Codes of local cosines chosen again, now that it is known what networks make of them.

A network mends some of its planes' errors, and adds others; codes that show what its picture lacks, besides
what they showed before, let it come nearer.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.checkpoint import Quantized
from anir_toolchain.choosing import TRIALS, choose_again
from anir_toolchain.fitting import Fitting
from anir_toolchain.heads import Moments
from anir_toolchain.lapped import Latents
from anir_toolchain.space import Subnet
from anir_toolchain.supernet import VECTOR_BITS, Parameters, Trunk

_BATCH = 2**16
_MOMENTS = (0.25, 0.5)
"""Shares of the steps after which codes are chosen again, in about the bits that there are."""
View = Callable[[Trunk], Parameters]
"""A trunk's network: as it is exported, or in real numbers."""


def is_due(fitting: Fitting) -> bool:
    """Whether codes are to be chosen again before the next step."""
    due = (round(share * fitting.preset.steps) for share in _MOMENTS)
    return fitting.kind.has_latents and fitting.step > 0 and fitting.step in due


def refine_roughly(fitting: Fitting) -> None:
    """Chooses codes again in the midst of training, in about the bits that there are."""
    bits = [fitting.latent_bits(subnet) for subnet in fitting.space.subnets]
    _refine(fitting, lambda trunk: trunk.parameters, bits, trials=1)


def refine(fitting: Fitting, view: View = Trunk.hard_view) -> None:
    """Chooses codes again at the end, in the bits that there are, for what a trunk's network is by then."""
    subnets = fitting.space.subnets
    # In passing first, in bits as they come.
    for _ in range(fitting.preset.rounds - 1):
        _refine(fitting, view, [None] * len(subnets))
    _refine(fitting, view, [fitting.latent_bits(subnet) for subnet in subnets])


@torch.no_grad()
def _refine(fitting: Fitting, view: View, bits: Sequence[float | None], trials: int = TRIALS) -> None:
    """Once, in so many bits for each subnet, which are found in so many trials."""
    subnets, widths = fitting.space.subnets, fitting.space.widths
    heads = fitting.pool.map(lambda width: solve_heads(fitting, width, view), widths)
    head_of = dict(zip(widths, heads, strict=True))

    def again(subnet: Subnet, bits: float | None) -> Latents:
        missing = _missing(fitting, subnet, view, *head_of[subnet.width]) @ fitting.colours
        return choose_again(fitting.latents[subnet], fitting.planes_of(subnet), missing, bits, trials)

    fitting.show(dict(zip(subnets, fitting.pool.map(again, subnets, bits), strict=True)))


@torch.no_grad()
def _missing(
    fitting: Fitting, subnet: Subnet, view: View, head: Quantized, bias: Tensor
) -> NDArray[np.float32]:
    """What the picture has more than the subnet's, float32[H, W, 3], in units of half its range."""
    trunk, at = fitting.learners[subnet.width].trunk, fitting.space.depths.index(subnet.depth)
    matrix, own = head.values[at].T.to(fitting.device), bias[at].to(fitting.device)
    network, parts = view(trunk), []
    for index in torch.split(torch.arange(len(fitting.pixels), device=fitting.device), _BATCH):
        x, y, colours = fitting.points(index)
        channels = trunk.channels_of(subnet.depth, network, x, y, fitting.features_of(subnet, index))
        rgb = torch.addmm(own, channels, matrix).clamp(0, 1)
        parts.append(colours - (2 * rgb - 1))
    return torch.cat(parts).reshape(fitting.height, fitting.width, 3).cpu().numpy()


@torch.no_grad()
def solve_heads(fitting: Fitting, width: int, view: View) -> tuple[Quantized, Tensor]:
    """Codes int8[depths, 3, C] with their scales, and biases float32[depths, 3], for RGB in [0, 1]."""
    trunk = fitting.learners[width].trunk
    index = torch.arange(0, len(fitting.pixels), max(1, len(fitting.pixels) // 2**17), device=fitting.device)
    network = view(trunk)
    moments = [Moments(width, fitting.device) for _ in trunk.depths]
    for part in torch.split(index, 4096):
        x, y, colours = fitting.points(part)
        channels = trunk.channels(network, x, y, fitting.features(width, part))
        for moment, own in zip(moments, channels, strict=True):
            moment.add(own, (colours + 1) / 2)
    solved = [moment.solve(VECTOR_BITS, alike=trunk.family.lean) for moment in moments]
    codes, scale, bias = (torch.stack(parts) for parts in zip(*solved, strict=True))
    return Quantized(codes.to(torch.int8), scale), bias
