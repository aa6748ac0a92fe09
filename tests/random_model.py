"""Untrained models with lively pictures: what the file format must carry, without a fit."""

import math
from typing import Any

import torch
from anir_runtime.network import Latents
from anir_toolchain.families import family
from anir_toolchain.levels import in_order, level_bytes
from anir_toolchain.model import Model, Quantized, QuantizedTrunk
from anir_toolchain.space import Space, Subnet
from anir_toolchain.trunk import top_codes

SMALL = Space((2, 3, 4, 5), (16, 24, 32, 48))


def random_model(
    name: str = "siren",
    bits: int = 4,
    size: tuple[int, int] = (96, 64),
    space: Space = SMALL,
    seed: int = 0,
    colours: int = 3,
) -> Model:
    generator = torch.Generator().manual_seed(seed)
    depth = space.depths[-1]
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=generator) * 2 - 1

    def trunk(width: int) -> QuantizedTrunk:
        heads, lean = (len(space.depths), colours), family(name).lean
        weight = torch.randint(low, high + 1, (depth - 1, width, width), generator=generator)
        weight[..., : family(name).planes(colours)] = 0
        filters = family(name).init_filters(depth, width, (1.2, 0.8), 20.0, generator)
        return QuantizedTrunk(
            filters=filter_rows(name, filters),
            weight=weight.to(torch.int8),
            step=rows((1.5 + uniform(depth - 1, 1 if lean else width)) / high * (3 / width) ** 0.5),
            bias=rows(uniform(0 if lean else depth - 1, width) * 3),
            head=rows(uniform(*heads, width) * (0.05 if lean else 0.2), alike=lean),
            head_bias=uniform(*heads) * 0.1 + 0.5,
            latents=tuple(latents(Subnet(d, width)) for d in space.depths if family(name).has_latents),
        )

    def latents(subnet: Subnet) -> Latents:
        cells = (-(-size[0] // 16), -(-size[1] // 16))
        # Some are large, most are zero: of a picture of the usual size, as many as in a trained network.
        own = level_bytes(len(space.subnets), size)[in_order(space).index(subnet)]
        others = min(0.125, 0.12 * 8 * own / (size[0] * size[1]))
        power = 2 * round(math.log(1 / 28) / math.log(1 - others) / 2) + 1
        codes = (uniform(colours, *cells, 12, 12) ** power * 14).round()
        # Means stay small, so that their sums do.
        codes[..., 0, 0] = codes[..., 0, 0].clamp(-1, 1)
        return Latents(codes.to(torch.int16).numpy(), 0.1875, pitch=16, down=False, reach=2)

    return Model(
        family_name=name,
        bits=bits,
        space=space,
        preset="fast",
        seed=seed,
        source="random.png",
        image=(torch.rand(size[1], size[0], colours, generator=generator) * 255).to(torch.uint8),
        trunks={width: trunk(width) for width in space.widths},
    )


def rows(values: torch.Tensor, alike: bool = False) -> Quantized:
    scale = values.abs().amax(-1) / 127
    if alike:
        scale = scale.amax(-1, keepdim=True).expand(scale.shape).clone()
    return Quantized((values / scale.unsqueeze(-1)).round().to(torch.int8), scale)


def filter_rows(name: str, values: torch.Tensor) -> Quantized:
    scale = values.abs().amax(-1) / top_codes(family(name))[:, 0]
    return Quantized((values / scale.unsqueeze(-1)).round().to(torch.int16), scale)


def leaves(state: Any) -> list[torch.Tensor]:
    """All tensors and numbers of a trunk's state."""
    if state is None:
        return []
    if not isinstance(state, dict | list):
        return [torch.as_tensor(state)]
    parts = state.values() if isinstance(state, dict) else state
    return [leaf for part in parts for leaf in leaves(part)]
