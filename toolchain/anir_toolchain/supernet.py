"""The once-for-all supernet in training: a trunk of real-valued layers per width, shared by all depths."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from anir_toolchain.families import Family
from anir_toolchain.quantizer import code_range, lsq, quantize, soft_round

VECTOR_BITS = 8
"""Bits of biases, step sizes, heads and some filter values: a row of the file's table each."""
TOP_CODE = 127
"""The largest code of such a row; a 16-bit value is a high and a low row, and its largest 127 · 256."""

Parameters = dict[str, Tensor]


class Trunk:
    """The subnets of one width: parameters by name, and what they compute.

    With D layers, C channels, F filter banks of K values each, and one head per depth:
    filters [F, K, C], weight [D-1, C, C] over (input, output), bias [D-1, C], head [depths, 3, C],
    head_bias [depths, 3], log_step [D-1, C]: the logarithm of each output's 4- or 8-bit step size.
    If the family is lean: bias [0, C], log_step [D-1, 1].
    RGB is in [-1, 1] here.
    """

    def __init__(
        self,
        family: Family,
        depths: tuple[int, ...],
        bits: int,
        parameters: Parameters,
    ) -> None:
        self.family = family
        self.depths = depths
        self.bits = bits
        self.parameters = parameters

    @classmethod
    def create(
        cls,
        family: Family,
        depths: tuple[int, ...],
        width: int,
        bits: int,
        size: tuple[int, int],
        bandwidth: float,
        generator: torch.Generator,
    ) -> "Trunk":
        """A fresh trunk for a picture of (width, height)."""
        depth = depths[-1]

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator) * 2 - 1

        # Activations of either kind have variance ½; √(6 / fan-in) keeps that of every pre-activation at 1.
        bound = math.sqrt(6 / width)
        mean_side = math.sqrt(size[0] * size[1])
        aspect = (size[0] / mean_side, size[1] / mean_side)
        parameters = {
            "filters": family.init_filters(depth, width, aspect, bandwidth, generator),
            "weight": uniform(depth - 1, width, width) * bound,
            "bias": uniform(0 if family.lean else depth - 1, width) * bound,
            "head": uniform(len(depths), 3, width) * 0.01,
            "head_bias": torch.zeros(len(depths), 3),
            "log_step": torch.zeros(depth - 1, 1 if family.lean else width),
        }
        return cls(family, depths, bits, parameters)

    def to(self, device: torch.device) -> "Trunk":
        """The same, ready to be trained on that device."""
        moved = {name: value.to(device) for name, value in self.parameters.items()}
        trained = {name: value.requires_grad_() for name, value in moved.items()}
        return Trunk(self.family, self.depths, self.bits, trained)

    def step(self) -> Tensor:
        """Each output's step size, [D-1, 1, C], or each matrix's, [D-1, 1, 1]."""
        return self.parameters["log_step"].exp()[:, None, :]

    def soft_view(self, progress: float) -> Parameters:
        """The network on its way to codes: vectors rounded straight through, hidden weights drawn to codes.

        At 4 bits a hidden weight is softly rounded, twice in a row, by a staircase that grows steeper with
        `progress` from 0 to 1, in early layers sooner; its gradient leads to a code that it can stay at.
        At 8 bits plain LSQ loses next to nothing.
        """
        step = self.step()
        if self.bits == 8:
            weight = lsq(self.parameters["weight"], step, self.bits)
        else:
            ratio = (self.parameters["weight"] / step).clamp(*code_range(self.bits))
            temperature = self._temperature(progress)
            weight = soft_round(soft_round(ratio, temperature), temperature) * step
        return {**self.parameters, "weight": weight, **self._rounded_vectors()}

    def _temperature(self, progress: float) -> Tensor:
        """Of each layer's staircase, [D-1, 1, 1]: 0.7 down to 0.1, early layers first."""
        weight = self.parameters["weight"]
        order = torch.linspace(0, 1, len(weight), device=weight.device)
        done = (1.5 * progress - 0.5 * order).clamp(0, 1)
        return (0.7 - 0.6 * done)[:, None, None]

    def hard_view(self) -> Parameters:
        """The network that is exported, except that its heads are real-valued."""
        with torch.no_grad():
            codes, scale = round_steps(self.step()[:, 0])
            step = (codes * scale)[:, None, :]
            weight = quantize(self.parameters["weight"], step, self.bits) * step
        return {**self.parameters, "weight": weight, **self._rounded_vectors()}

    def channels(self, view: Parameters, x: Tensor, y: Tensor, features: Sequence[Tensor]) -> list[Tensor]:
        """The channels that each depth's head sees at N points, [N, C].

        Features, if there are any, are [N, n] for each depth, which then does not share its activations.
        """
        if not features:
            layers = self.family.forward(view["filters"], view["weight"], view["bias"], x, y)
            return [layers[depth - 1] for depth in self.depths]
        return [
            self.channels_of(depth, view, x, y, own) for depth, own in zip(self.depths, features, strict=True)
        ]

    def channels_of(self, depth: int, view: Parameters, x: Tensor, y: Tensor, features: Tensor) -> Tensor:
        """The channels that the head of one depth sees at N points, [N, C], by its features [N, n]."""
        weights, biases = (view[name][: depth - 1] for name in ("weight", "bias"))
        return self.family.forward(view["filters"], weights, biases, x, y, features)[-1]

    def outputs(self, view: Parameters, x: Tensor, y: Tensor, features: Sequence[Tensor]) -> list[Tensor]:
        """RGB of every subnet at N points: per depth [3, N]."""
        # Three long rows: products with three columns would take four times as long.
        return [
            torch.addmm(view["head_bias"][i, :, None], view["head"][i], channels.T)
            for i, channels in enumerate(self.channels(view, x, y, features))
        ]

    def spread(self) -> Tensor:
        """Root mean square of each output's hidden weights, [D-1, C]."""
        return self.parameters["weight"].square().mean(1).sqrt()

    @torch.no_grad()
    def trim_tails(self) -> None:
        """Holds hidden weights within 2.2 times their output's spread: sixteen levels suit no heavy tails."""
        limit = 2.2 * self.spread()[:, None, :]
        self.parameters["weight"].clamp_(-limit, limit)

    def begin_quantizing(self) -> None:
        """Sets step sizes from the real-valued weights, and brings periodic biases into [-π, π)."""
        with torch.no_grad():
            # 0.3 σ at 4 bits: sixteen levels reach ±2.4 σ.
            step, log_step = self.spread() * 0.3 * 2 ** (4 - self.bits), self.parameters["log_step"]
            if self.family.lean:
                step = step[:, self.family.kept :].square().mean(1, keepdim=True).sqrt()
            log_step.copy_(step.clamp_min(1e-8).log())
            if self.family.periodic_bias:
                self.parameters["bias"].copy_(
                    torch.remainder(self.parameters["bias"] + math.pi, 2 * math.pi) - math.pi
                )

    def _rounded_vectors(self) -> Parameters:
        rows = {"filters": top_codes(self.family), "bias": torch.tensor(TOP_CODE)}
        # A row's largest value sets its step: nothing is clipped at 16 bits, so that one call does for 8 too.
        return {
            name: lsq(self.parameters[name], row_step(self.parameters[name].detach(), top), 16)
            for name, top in rows.items()
        }


def top_codes(family: Family) -> Tensor:
    """The largest code of each of a filter's K values, [K, 1]."""
    return torch.tensor([TOP_CODE * 2 ** (bits - 8) for bits in family.filter_rows.values()]).reshape(-1, 1)


def row_step(values: Tensor, top: Tensor) -> Tensor:
    """The step size with which each row's (last axis) largest value has the code `top`, that axis kept."""
    return (values.abs().amax(-1, keepdim=True) / top.to(values.device)).clamp_min(1e-12)


def round_steps(steps: Tensor) -> tuple[Tensor, Tensor]:
    """Codes 1 to 127 of positive step sizes [D-1, n], and what a code is worth in each layer, [D-1, 1]."""
    scale = row_step(steps, torch.tensor(TOP_CODE))
    return quantize(steps, scale, VECTOR_BITS).clamp_min(1), scale
