"""Untrained models whose pictures have strong contrasts, to test files without training."""

import math
from typing import Any

import torch
from anir_runtime.level_step import LevelStep
from anir_toolchain.families import family
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.levels import level_order, refined_levels
from anir_toolchain.model import Model, Quantized, QuantizedTrunk
from anir_toolchain.space import Space
from anir_toolchain.trunk import top_codes

SMALL = Space((2, 3, 4, 5), (16, 24, 32, 48))


def random_model(
    name: str = "siren",
    bits: int = 4,
    size: tuple[int, int] = (96, 64),
    space: Space = SMALL,
    seed: int = 0,
    colours: int = 3,
    pitch: int = 16,
) -> Model:
    generator = torch.Generator().manual_seed(seed)
    depth = space.depths[-1]
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=generator) * 2 - 1

    def trunk(width: int) -> QuantizedTrunk:
        heads, lean, latent = (len(space.depths), colours), family(name).lean, family(name).has_latents
        weight = torch.randint(low, high + 1, (depth - 1, width, width), generator=generator)
        weight[..., : family(name).planes(colours)] = 0
        limit = math.pi / 2 * math.sqrt(size[0] * size[1])
        filters = family(name).init_filters(depth, width, (1.2, 0.8), 27.0, limit, generator)
        return QuantizedTrunk(
            filters=filter_rows(name, filters),
            weight=weight.to(torch.int8),
            step=rows((1.5 + uniform(depth - 1, 1 if lean else width)) / high * (3 / width) ** 0.5),
            bias=rows(uniform(0 if lean else depth - 1, width) * 3),
            head=rows(uniform(*heads, width) * (0.05 if latent else 0.2), alike=latent),
            head_bias=uniform(*heads) * 0.1 + 0.5,
        )

    image = (torch.rand(size[1], size[0], colours, generator=generator) * 255).to(torch.uint8)
    steps: tuple[LevelStep, ...] = ()
    if family(name).has_latents:
        levels = refined_levels(analyse(image.numpy(), pitch).coefficients, level_order(space), size, bits)
        steps = tuple(level.step for level in levels)
    return Model(
        family_name=name,
        bits=bits,
        space=space,
        preset="fast",
        seed=seed,
        source="random.png",
        image=image,
        trunks={width: trunk(width) for width in space.widths},
        steps=steps,
        pitch=pitch,
    )


def rows(values: torch.Tensor, alike: bool = False) -> Quantized:
    scale = values.abs().amax(-1) / 127
    if alike:
        scale = scale.amax(-1, keepdim=True).expand(scale.shape).clone()
    return Quantized((values / scale.unsqueeze(-1)).round().to(torch.int8), scale)


def filter_rows(name: str, filters: torch.Tensor) -> Quantized:
    values = family(name).roots(filters)
    scale = values.abs().amax(-1) / top_codes(family(name))[:, 0]
    return Quantized((values / scale.unsqueeze(-1)).round().to(torch.int16), scale)


def leaves(state: Any) -> list[torch.Tensor]:
    """Returns all tensors and numbers within a trunk's state, as tensors."""
    if state is None:
        return []
    if not isinstance(state, dict | list):
        return [torch.as_tensor(state)]
    parts = state.values() if isinstance(state, dict) else state
    return [leaf for part in parts for leaf in leaves(part)]
