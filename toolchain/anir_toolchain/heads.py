"""The linear heads in closed form: least squares, then rounding whose errors make up for one another."""

from collections.abc import Callable

import torch
from torch import Tensor

from anir_toolchain.features import LatentFeatures
from anir_toolchain.model import Quantized
from anir_toolchain.picture import Picture
from anir_toolchain.quantizer import VECTOR_BITS, quantize
from anir_toolchain.trunk import Parameters, Trunk

_RIDGE = 1e-5
"""Ridge regression's penalty on each channel's coefficients, by the channel's mean square."""
_LEAST_ENERGY = 0.1
"""Channels with less mean square than so much of the median are penalized as if they had as much."""
_PIXELS = 2**17
"""Heads are solved on every n-th pixel, so that there are about as many, or up to twice as many."""
_BATCH = 4096
"""Pixels that go through a network at a time."""


@torch.no_grad()
def solve_heads(
    trunk: Trunk, parameters: Parameters, picture: Picture, features: LatentFeatures
) -> tuple[Quantized, Tensor]:
    """The best heads of a trunk's subnets, from their last layer to colours in [0, 1].

    Returns:
        Codes int8[depths, colours, C] with scale [depths, colours], and biases float32[depths, colours],
        all on the CPU.
    """
    moments = moments_of(trunk, parameters, picture, features)
    solved = [moment.solve(VECTOR_BITS, shared_step=trunk.family.has_latents) for moment in moments]
    codes, scale, bias = (torch.stack(parts) for parts in zip(*solved, strict=True))
    return Quantized(codes.to(torch.int8), scale), bias


@torch.no_grad()
def moments_of(
    trunk: Trunk, parameters: Parameters, picture: Picture, features: LatentFeatures
) -> list["Moments"]:
    """Moments of the last layer of each of a trunk's subnets, and of the picture's colours in [0, 1]."""
    width, count = trunk.parameters["head"].shape[-1], len(picture)
    index = torch.arange(0, count, max(1, count // _PIXELS), device=picture.device)
    moments = [Moments(width, picture.colours, picture.device) for _ in trunk.depths]
    for part in torch.split(index, _BATCH):
        x, y, colours = picture.points(part)
        channels = trunk.last_layers(parameters, x, y, features.of_width(width, part))
        for moment, own in zip(moments, channels, strict=True):
            moment.add(own, (colours + 1) / 2)
    return moments


class Moments:
    """Second moments of one layer's channels and the colours, summed in float64 over batches of points."""

    def __init__(self, channels: int, colours: int, device: torch.device) -> None:
        self.gram = torch.zeros(channels + 1, channels + 1, dtype=torch.float64, device=device)
        self.cross = torch.zeros(channels + 1, colours, dtype=torch.float64, device=device)
        self.points = 0

    def add(self, channels: Tensor, colours: Tensor) -> None:
        """Adds N points, by their channels [N, C] and colours [N, colours]."""
        rows = torch.cat([torch.ones_like(channels[:, :1]), channels], dim=1).double()
        self.gram += rows.T @ rows
        self.cross += rows.T @ colours.double()
        self.points += len(rows)

    def solve(self, bits: int, shared_step: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """The best quantized linear map from the C channels to the colours.

        Args:
            bits: of a code.
            shared_step: whether all colours have to have the same step.

        Returns:
            Codes float32[colours, C], step float32[colours] and bias float32[colours].
        """
        # The bias comes last, so that it makes up for what is left.
        width = len(self.gram) - 1
        order = torch.tensor([*range(1, width + 1), 0], device=self.gram.device)
        cross = self.cross[order] / self.points
        gram = _with_ridge(self.gram[order][:, order] / self.points)
        solution = torch.linalg.solve(gram, cross).T.contiguous()
        largest = solution[:, :-1].abs().amax(1)
        largest = largest.amax().expand(len(largest)) if shared_step else largest
        step = (largest / (2 ** (bits - 1) - 1)).clamp_min(1e-12)
        codes = _rounded_in_turn(solution, gram, step, width, lambda own: quantize(own, step, bits))
        return codes.float().cpu(), step.float().cpu(), solution[:, -1].float().cpu()

    def moves_from(self, head: Quantized, bias: Tensor, most: int) -> Tensor:
        """By how much the codes of a head should be moved at the channels behind the planes.

        Planes and bias stay.

        Args:
            head: codes int8[N, C] and scale [N] for N colours and planes.
            bias: float32[N].
            most: of a move; one less upwards.

        Returns:
            int64[N, C - N].
        """
        planes = len(head.codes)
        own = slice(1 + planes, None)
        scale = head.scale.double()[:, None]
        known = torch.cat([bias.double()[:, None], head.codes.double() * scale], dim=1).to(self.gram.device)
        gram = _with_ridge(self.gram[own, own] / self.points)
        lacking = (self.cross[own] - self.gram[own] @ known.T) / self.points
        solution = torch.linalg.solve(gram, lacking).T / scale.to(gram.device)
        one = torch.ones_like(solution[:, 0])
        moves = _rounded_in_turn(
            solution, gram, one, len(gram), lambda own: own.round().clamp(-most, most - 1)
        )
        return moves.long().cpu()


def _rounded_in_turn(
    solution: Tensor, gram: Tensor, step: Tensor, count: int, to_codes: Callable[[Tensor], Tensor]
) -> Tensor:
    """Codes of the first coefficients of a least-squares solution, those of one channel after the other.

    Those that are left make up for the error: GPTQ (Frantar et al. 2022), with its Cholesky factor of the
    inverse Hessian.

    Args:
        solution: coefficients float64[N, C], which are changed as they make up for errors.
        gram: second moments of the channels, float64[C, C].
        step: the value of a code of 1, [N].
        count: of the channels that are rounded.
        to_codes: rounds coefficients [N] to codes [N].

    Returns:
        float64[N, count].
    """
    feedback = torch.linalg.cholesky(torch.linalg.inv(gram), upper=True)
    codes = torch.zeros_like(solution[:, :count])
    for i in range(count):
        codes[:, i] = to_codes(solution[:, i])
        error = (solution[:, i] - codes[:, i] * step) / feedback[i, i]
        solution[:, i:] -= error[:, None] * feedback[i, i:]
    return codes


def _with_ridge(gram: Tensor) -> Tensor:
    """A matrix of second moments with the penalty on its diagonal."""
    energy = gram.diagonal()
    # The largest coefficient sets the step of all: a channel that is next to nothing must not have it.
    return gram + _RIDGE * energy.clamp_min(_LEAST_ENERGY * energy.median().item()).diag()
