"""A trained supernet as a Model: integer codes, and heads in closed form."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.checkpoint import Model, Quantized
from anir_toolchain.fitting import Fitting
from anir_toolchain.heads import Moments
from anir_toolchain.quantizer import quantize
from anir_toolchain.supernet import TOP_CODE, VECTOR_BITS, Parameters, round_steps, row_step, top_codes


@torch.no_grad()
def finish(fitting: Fitting, image: NDArray[np.uint8], source: str) -> Model:
    """The quantized result, with every head solved by least squares on a sample of the pixels."""
    view = {name: value.cpu() for name, value in fitting.net.hard_view().items()}
    own = {name: value.cpu() for name, value in fitting.net.parameters.items()}
    step_codes, step_scale = round_steps(own["log_step"].exp())
    step = (step_codes * step_scale)[:, None, :]
    weight = quantize(own["weight"], step, fitting.net.bits) * fitting.net.space.mask()
    head, head_bias = _solve_heads(fitting, view)
    return Model(
        family_name=fitting.config.family,
        bits=fitting.config.bits,
        space=fitting.net.space,
        preset=fitting.config.preset,
        seed=fitting.config.seed,
        source=source,
        image=torch.from_numpy(image.copy()),
        filters=_row_codes(own["filters"], top_codes(fitting.net.family), torch.int16),
        weight=weight.to(torch.int8),
        step=Quantized(step_codes.to(torch.int8), step_scale[..., 0]),
        bias=_row_codes(own["bias"], torch.tensor(TOP_CODE), torch.int8),
        head=head,
        head_bias=head_bias,
    )


def _solve_heads(fitting: Fitting, view: Parameters) -> tuple[Quantized, Tensor]:
    space = fitting.net.space
    index = torch.arange(0, len(fitting.pixels), max(1, len(fitting.pixels) // 2**17), device=fitting.device)
    width = space.widths[-1]
    moments = [Moments(width, fitting.device) for _ in space.depths]
    filters, weight, bias = (view[name].to(fitting.device) for name in ("filters", "weight", "bias"))
    for part in torch.split(index, 4096):
        x, y, colours = fitting.points(part)
        layers = fitting.net.family.forward(filters, weight, bias, x, y)
        for moment, depth in zip(moments, space.depths, strict=True):
            moment.add(layers[depth - 1], (colours + 1) / 2)
    codes = torch.zeros(len(space.depths), len(space.widths), 3, width)
    scale, bias = torch.zeros(codes.shape[:3]), torch.zeros(codes.shape[:3])
    for i, moment in enumerate(moments):
        for j, w in enumerate(space.widths):
            codes[i, j, :, :w], scale[i, j], bias[i, j] = moment.solve(w, VECTOR_BITS)
    return Quantized(codes.to(torch.int8), scale), bias


def _row_codes(values: Tensor, top: Tensor, dtype: torch.dtype) -> Quantized:
    step = row_step(values, top)
    return Quantized((values / step).round().to(dtype), step[..., 0])
