"""Estimates the PSNR of networks in training."""

import math

import torch

from anir_toolchain.space import Subnet
from anir_toolchain.training_state import Task, Training


@torch.no_grad()
def estimate_psnr(task: Task, training: Training, quantized: bool) -> dict[str, float]:
    """Estimates the PSNR in dB of the smallest, a middle and the largest subnet, by name.

    It is measured on a sample of pixels, with the heads as trained so far, and the networks either quantized,
    as they would be exported, or in real numbers.
    """
    x, y, colours = task.picture.points(training.check)
    depths, widths = task.space.depths, task.space.widths
    middle = Subnet(depths[len(depths) // 2], widths[len(widths) // 2])
    psnr = {}
    for subnet in dict.fromkeys((task.space.subnets[0], middle, task.space.largest)):
        trunk = training.trunks[subnet.width]
        parameters = trunk.quantized() if quantized else trunk.parameters
        features = training.features.of_width(subnet.width, training.check)
        drawn = trunk.colours(parameters, x, y, features)[depths.index(subnet.depth)].clamp(-1, 1)
        # Colours span [-1, 1], whereas PSNR's peak is 1.
        error = (drawn - colours.T).square().mean().item() / 4
        psnr[subnet.name] = -10 * math.log10(max(error, 1e-10))
    return psnr
