"""A trained supernet as a Model: integer codes, and heads in closed form."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.checkpoint import Model, Quantized, QuantizedTrunk
from anir_toolchain.fitting import Fitting
from anir_toolchain.quantizer import quantize
from anir_toolchain.refine import refine, solve_heads
from anir_toolchain.supernet import TOP_CODE, Trunk, round_steps, row_step, top_codes


@torch.no_grad()
def finish(fitting: Fitting, image: NDArray[np.uint8], source: str) -> Model:
    """The quantized result, with every head solved by least squares on a sample of the pixels.

    Local cosines are chosen again, now that it is known what networks make of them.
    """
    if fitting.kind.has_latents:
        refine(fitting)
    trunks = {width: _quantize_trunk(fitting, width) for width in fitting.learners}
    return Model(
        family_name=fitting.config.family,
        bits=fitting.config.bits,
        space=fitting.space,
        preset=fitting.config.schedule_name,
        seed=fitting.config.seed,
        source=source,
        image=torch.from_numpy(image.copy()),
        trunks=trunks,
    )


def _quantize_trunk(fitting: Fitting, width: int) -> QuantizedTrunk:
    trunk = fitting.learners[width].trunk
    own = {name: value.cpu() for name, value in trunk.parameters.items()}
    step_codes, step_scale = round_steps(own["log_step"].exp())
    weight = quantize(own["weight"], (step_codes * step_scale)[:, None, :], trunk.bits)
    # In training nothing reads these.
    weight[..., : trunk.family.kept] = 0
    head, head_bias = solve_heads(fitting, width, Trunk.hard_view)
    return QuantizedTrunk(
        filters=_row_codes(own["filters"], top_codes(trunk.family), torch.int16),
        weight=weight.to(torch.int8),
        step=Quantized(step_codes.to(torch.int8), step_scale[..., 0]),
        bias=_row_codes(own["bias"], torch.tensor(TOP_CODE), torch.int8),
        head=head,
        head_bias=head_bias,
        latents=tuple(own for subnet, own in fitting.latents.items() if subnet.width == width),
    )


def _row_codes(values: Tensor, top: Tensor, dtype: torch.dtype) -> Quantized:
    step = row_step(values, top)
    return Quantized((values / step).round().to(dtype), step[..., 0])
