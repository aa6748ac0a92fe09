"""A trained supernet as a Model: integer codes, some of them chosen again, and heads in closed form."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.checkpoint import Model, Quantized, QuantizedTrunk
from anir_toolchain.choosing import choose_again, principal_colours
from anir_toolchain.fitting import Fitting
from anir_toolchain.heads import Moments
from anir_toolchain.lapped import Latents
from anir_toolchain.quantizer import quantize
from anir_toolchain.space import Subnet
from anir_toolchain.supernet import (
    TOP_CODE,
    VECTOR_BITS,
    Parameters,
    Trunk,
    round_steps,
    row_step,
    top_codes,
)

_BATCH = 2**16
View = Callable[[Trunk], Parameters]
"""A trunk's network: as it is exported, or in real numbers."""


@torch.no_grad()
def finish(fitting: Fitting, image: NDArray[np.uint8], source: str) -> Model:
    """The quantized result, with every head solved by least squares on a sample of the pixels.

    Local cosines are chosen again, now that it is known what networks make of them.
    """
    if fitting.kind.has_latents:
        refine(fitting, image)
    trunks = {width: _quantize_trunk(fitting, width) for width in fitting.learners}
    return Model(
        family_name=fitting.config.family,
        bits=fitting.config.bits,
        space=fitting.space,
        preset=fitting.config.preset,
        seed=fitting.config.seed,
        source=source,
        image=torch.from_numpy(image.copy()),
        trunks=trunks,
    )


@torch.no_grad()
def refine(fitting: Fitting, image: NDArray[np.uint8], view: View = Trunk.hard_view) -> None:
    """Chooses codes again, which are to show what is missing from each subnet's picture, too.

    Args:
        fitting: where they go.
        image: uint8[H, W, 3], that was fitted.
        view: what a trunk's network is.
    """
    colours, subnets = principal_colours(image), fitting.space.subnets

    def again(subnet: Subnet, bits: float | None) -> Latents:
        missing = _missing(fitting, subnet, view, *head_of[subnet.width]) @ colours
        return choose_again(fitting.latents[subnet], fitting.planes_of(subnet), missing, bits)

    # First in passing, in bits as they come; a third time would add 0.02 dB.
    for bits in ([None] * len(subnets), [fitting.latent_bits(subnet) for subnet in subnets]):
        heads = fitting.pool.map(lambda width: _solve_heads(fitting, width, view), fitting.space.widths)
        head_of = dict(zip(fitting.space.widths, heads, strict=True))
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


def _quantize_trunk(fitting: Fitting, width: int) -> QuantizedTrunk:
    trunk = fitting.learners[width].trunk
    own = {name: value.cpu() for name, value in trunk.parameters.items()}
    step_codes, step_scale = round_steps(own["log_step"].exp())
    weight = quantize(own["weight"], (step_codes * step_scale)[:, None, :], trunk.bits)
    # In training nothing reads these.
    weight[..., : trunk.family.kept] = 0
    head, head_bias = _solve_heads(fitting, width, Trunk.hard_view)
    return QuantizedTrunk(
        filters=_row_codes(own["filters"], top_codes(trunk.family), torch.int16),
        weight=weight.to(torch.int8),
        step=Quantized(step_codes.to(torch.int8), step_scale[..., 0]),
        bias=_row_codes(own["bias"], torch.tensor(TOP_CODE), torch.int8),
        head=head,
        head_bias=head_bias,
        latents=tuple(own for subnet, own in fitting.latents.items() if subnet.width == width),
    )


@torch.no_grad()
def _solve_heads(fitting: Fitting, width: int, view: View) -> tuple[Quantized, Tensor]:
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


def _row_codes(values: Tensor, top: Tensor, dtype: torch.dtype) -> Quantized:
    step = row_step(values, top)
    return Quantized((values / step).round().to(dtype), step[..., 0])
