"""Which networks a picture of the family `lapped` gets: the common ones, or its own where they pay.

Layers or a head of its own cost bytes of a file, the common ones none. They pay if they raise PSNR by more
than as many bytes of coefficients would.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from anir_runtime.common_networks import NEAR, Colours, CommonTrunk, common_trunks, has_common
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.features import LatentFeatures
from anir_toolchain.heads import moments_of, solve_heads
from anir_toolchain.model import Quantized, QuantizedTrunk
from anir_toolchain.picture import Picture
from anir_toolchain.space import Subnet
from anir_toolchain.trunk import Parameters, Trunk

_DB_PER_SHARE = 14.0
"""What own tensors have to gain in dB, by the share of a level's bytes that they take.

Coefficients gain some 3.4 dB with e times the bytes; levels after this one pay as well.
"""
_MOVE_BYTES = 0.3
"""Bytes that a move of a code from the common head to one near it takes, about."""
_PIXELS = 2**16
"""Pixels on which errors are measured, at least, or all."""
_BATCH = 4096

Heads = tuple[Quantized, Tensor]
"""Codes int8[depths, N, C] with scale [depths, N], and biases float32[depths, N]."""


def start_from_common(trunk: Trunk) -> None:
    """Gives a trunk the common weights, if there are common networks of its size."""
    parameters = common_parameters(trunk)
    if parameters is not None:
        with torch.no_grad():
            trunk.parameters["weight"].copy_(parameters["weight"])


def common_parameters(trunk: Trunk) -> Parameters | None:
    """The parameters of a trunk with the common weights, if there are common networks of its size."""
    weight, planes = trunk.parameters["weight"], trunk.parameters["head"].shape[1]
    channels = weight.shape[-1]
    if not all(has_common(depth, channels, planes) for depth in trunk.depths):
        return None
    own = common_trunks()[channels - planes].layers(trunk.depths[-1], planes)
    values = torch.from_numpy(own["weights"] * own["steps"][:, None, None])
    return {**trunk.parameters, "weight": values.to(weight.device)}


@torch.no_grad()
def choose_networks(
    trunks: Mapping[int, Trunk],
    are_trained: bool,
    picture: Picture,
    colours: Colours,
    features: LatentFeatures,
    level_bytes: Mapping[Subnet, int],
) -> dict[int, QuantizedTrunk]:
    """The best networks of each width for the picture.

    Args:
        trunks: whose subnets are chosen, by width.
        are_trained: whether they have learned anything beyond what they began with.
        picture: that is shown.
        colours: that the latents' planes become.
        features: with the latents.
        level_bytes: of the prefix that ends with each subnet.
    """
    result = {}
    for width, trunk in trunks.items():
        subnets = [Subnet(depth, width) for depth in trunk.depths]
        measure = _Measure(trunk, picture, features, np.array([level_bytes[own] for own in subnets]))
        choices = []
        if (parameters := common_parameters(trunk)) is not None:
            known = common_trunks()[width - picture.colours]
            heads = common_heads(known, subnets, colours, [1 / features.latents[own].step for own in subnets])
            worth, best = _with_best_heads(measure, parameters, heads)
            choices.append((worth, _common_trunk(trunk.depths[-1], known, best)))
        if are_trained or not choices:
            own = solve_heads(trunk, trunk.quantized(), picture, features)
            layers = (trunk.depths[-1] - 1) * width * (width - picture.colours) * trunk.bits / 8
            cost = layers + _head_bytes(width, picture.colours)
            worth = measure.worth(trunk.quantized(), own, cost).sum()
            choices.append((worth, trunk.to_codes(*own)))
        result[width] = max(choices, key=lambda choice: choice[0])[1]
    return result


def _head_bytes(width: int, colours: int) -> int:
    """Of a head in a file: a code of each colour for each channel, scales and biases."""
    return colours * (width + 4) + 16


@dataclass(frozen=True)
class _Measure:
    """Says what networks of a trunk are worth.

    Attributes:
        trunk: of the networks.
        picture: that they show.
        features: with their latents.
        sizes: bytes of the prefix of each depth's level, int64[depths].
    """

    trunk: Trunk
    picture: Picture
    features: LatentFeatures
    sizes: NDArray[np.int64]

    def worth(self, parameters: Parameters, heads: Heads, cost: float) -> NDArray[np.float64]:
        """PSNR of each depth in dB, float64[depths], less what that many bytes are worth."""
        values, biases = heads[0].values.to(self.picture.device), heads[1].to(self.picture.device)
        total = torch.zeros(len(values), dtype=torch.float64)
        count = len(self.picture)
        index = torch.arange(0, count, max(1, count // _PIXELS), device=self.picture.device)
        for part in torch.split(index, _BATCH):
            x, y, colours = self.picture.points(part)
            seen = self.features.of_width(values.shape[-1], part)
            for i, channels in enumerate(self.trunk.last_layers(parameters, x, y, seen)):
                shown = torch.addmm(biases[i], channels, values[i].T).clamp(0, 1)
                total[i] += (shown - (colours + 1) / 2).square().sum().double().cpu()
        error: NDArray[np.float64] = total.numpy() / (self.picture.colours * len(index))
        worth: NDArray[np.float64] = -10 * np.log10(error.clip(1e-10)) - _DB_PER_SHARE * cost / self.sizes
        return worth


def _with_best_heads(measure: _Measure, parameters: Parameters, heads: Heads) -> tuple[float, Heads]:
    """What common layers are worth with these heads, or with heads near them where these pay."""
    (head, biases), colours = heads, heads[0].codes.shape[1]
    moments = moments_of(measure.trunk, parameters, measure.picture, measure.features)
    codes = head.codes.clone()
    for own, moment, scale, bias in zip(codes, moments, head.scale, biases, strict=True):
        moves = moment.moves_from(Quantized(own, scale), bias, NEAR)
        own[:, colours:] = (own[:, colours:].long() + moves).clamp(-127, 127)
    near = Quantized(codes, head.scale), biases
    worth = measure.worth(parameters, heads, 0)
    near_worth = measure.worth(parameters, near, _MOVE_BYTES * codes[0, :, colours:].numel())
    pays = torch.from_numpy(near_worth > worth)
    best = Quantized(torch.where(pays[:, None, None], codes, head.codes), head.scale)
    return float(np.maximum(worth, near_worth).sum()), (best, biases)


def common_heads(
    known: CommonTrunk, subnets: Sequence[Subnet], colours: Colours, widths: Sequence[float]
) -> Heads:
    """The common heads of subnets whose levels have these widths."""
    heads = [
        colours.head(known.head(subnet.depth), round(width))
        for subnet, width in zip(subnets, widths, strict=True)
    ]
    codes, scale, bias = (
        torch.from_numpy(np.stack([head[name] for head in heads]))
        for name in ("head", "head.scale", "head.bias")
    )
    return Quantized(codes, scale), bias


def _common_trunk(depth: int, known: CommonTrunk, heads: Heads) -> QuantizedTrunk:
    """A trunk of the common layers of a network of that depth."""
    colours, channels = heads[0].codes.shape[1:]
    layers = known.layers(depth, colours)
    steps = torch.from_numpy(layers["steps"])
    return QuantizedTrunk(
        filters=Quantized(torch.zeros(1, 0, channels, dtype=torch.int16), torch.zeros(1, 0)),
        weight=torch.from_numpy(layers["weights"]),
        step=Quantized(torch.ones(len(steps), 1, dtype=torch.int8), steps),
        bias=Quantized(torch.zeros(0, channels, dtype=torch.int8), torch.zeros(0)),
        head=heads[0],
        head_bias=heads[1],
    )
