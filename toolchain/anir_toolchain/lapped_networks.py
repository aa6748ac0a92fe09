"""Chooses the networks of a trained picture of the family `lapped`: common ones, or its own where they pay.

A picture's own layers and heads cost bytes of its file, common ones cost none. They pay if they raise PSNR by
more than the same number of bytes of coefficients would.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from anir_runtime.common_networks import Colours, common_trunks, has_common
from anir_runtime.network import Floats

from anir_toolchain.common_heads import Head, best_head, own_bytes, worth
from anir_toolchain.features import LatentFeatures
from anir_toolchain.lapped_synthesis import last_layer
from anir_toolchain.model import Quantized, QuantizedTrunk
from anir_toolchain.picture import Picture
from anir_toolchain.space import Subnet
from anir_toolchain.trunk import Trunk
from anir_toolchain.trunk_heads import with_best_heads

_PIXELS = 80_000
"""Least number of pixels, if there are as many, on which near heads are solved and errors measured."""


def start_from_common(trunk: Trunk) -> None:
    """Sets a trunk's weights to the common ones, if there are common networks of its size."""
    width, planes = trunk.width, trunk.planes
    if all(has_common(depth, width, planes) for depth in trunk.depths):
        own = common_trunks()[width - planes].layers(trunk.depths[-1], planes)
        values = torch.from_numpy(own["weights"] * own["steps"][:, None, None])
        with torch.no_grad():
            trunk.parameters["weight"].copy_(values)


@torch.no_grad()
def choose_networks(
    trunks: Mapping[int, Trunk],
    are_trained: bool,
    picture: Picture,
    colours: Colours,
    features: LatentFeatures,
    level_bytes: Mapping[Subnet, int],
) -> dict[int, QuantizedTrunk]:
    """Returns the best networks of each width for the picture.

    Args:
        trunks: the picture's trunks by width.
        are_trained: whether the trunks have been trained; if not, they are used only where there are no
            common networks.
        picture: the picture to be shown.
        colours: the map from the latents' planes to colours.
        features: the latent features of the subnets.
        level_bytes: for each subnet the bytes of the prefix that ends with its level.
    """
    count, planes = len(picture), picture.colours
    index = torch.arange(0, count, max(1, count // _PIXELS), device=picture.device)
    wanted = (picture.pixels(index).float() / 255).cpu().numpy()
    result = {}
    for width, trunk in trunks.items():
        subnets = [Subnet(depth, width) for depth in trunk.depths]
        seen = [own.cpu().numpy() for own in features.of_width(width, index)]
        choices = []
        if all(has_common(subnet.depth, width, planes) for subnet in subnets):
            widths = [round(1 / features.latents[subnet].step) for subnet in subnets]
            best = [
                best_head(subnet, colours, level_width, level_bytes[subnet], own, wanted)
                for subnet, level_width, own in zip(subnets, widths, seen, strict=True)
            ]
            heads = [head for _, head in best]
            choices.append((sum(gain for gain, _ in best), common_trunk(subnets, heads)))
        if are_trained or not choices:
            trained = with_best_heads(trunk, picture, features)
            sizes = [level_bytes[subnet] for subnet in subnets]
            choices.append((_worth(trunk, trained, seen, wanted, sizes), trained))
        result[width] = max(choices, key=lambda choice: choice[0])[1]
    return result


def _worth(
    trunk: Trunk, own: QuantizedTrunk, seen: Sequence[Floats], wanted: Floats, sizes: Sequence[int]
) -> float:
    """Returns the `common_heads.worth` in dB of a trunk's own networks, summed over all depths."""
    _, colours, width = own.head.codes.shape
    weights = (own.weight.float() * own.step.values[..., None]).numpy()
    cost = own_bytes(trunk.depths[-1], width, colours, trunk.bits)
    total = 0.0
    for k, depth in enumerate(trunk.depths):
        head = {
            "head": own.head.codes[k].numpy(),
            "head.scale": own.head.scale[k].numpy(),
            "head.bias": own.head_bias[k].numpy(),
        }
        total += worth(last_layer(weights[: depth - 1], seen[k]), head, wanted, cost / sizes[k])
    return total


def common_trunk(subnets: Sequence[Subnet], heads: Sequence[Head]) -> QuantizedTrunk:
    """Returns the trunk of the common networks of one width, with the given head for each depth."""
    channels, colours = subnets[-1].width, len(heads[0]["head"])
    layers = common_trunks()[channels - colours].layers(subnets[-1].depth, colours)
    steps = torch.from_numpy(layers["steps"])
    codes, scale, bias = (
        torch.from_numpy(np.stack([head[name] for head in heads]))
        for name in ("head", "head.scale", "head.bias")
    )
    return QuantizedTrunk(
        filters=Quantized(torch.zeros(1, 0, channels, dtype=torch.int16), torch.zeros(1, 0)),
        weight=torch.from_numpy(layers["weights"]),
        step=Quantized(torch.ones(len(steps), 1, dtype=torch.int8), steps),
        bias=Quantized(torch.zeros(0, channels, dtype=torch.int8), torch.zeros(0)),
        head=Quantized(codes, scale),
        head_bias=bias,
    )
