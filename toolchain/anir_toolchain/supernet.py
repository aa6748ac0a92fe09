"""The once-for-all supernet in training: a trunk of real-valued layers per width, shared by all depths."""

import math

import torch
from torch import Tensor

from anir_toolchain.families import Family
from anir_toolchain.pyramid import Pyramid
from anir_toolchain.quantizer import code_range, lsq, quantize, soft_round
from anir_toolchain.rate import entropy_bits, laplace_bits

VECTOR_BITS = 8
"""Bits of biases, step sizes, heads and some filter values: a row of the file's table each."""
LATENT_BITS = 4
"""Bits that a latent has before entropy coding, at most."""
_LATENT_STEP = 2.0
"""The first step of latents in what the second layer's sines see, radians."""
TOP_CODE = 127
"""The largest code of such a row; a 16-bit value is a high and a low row, and its largest 127 · 256."""

Parameters = dict[str, Tensor]


class Trunk:
    """The subnets of one width: parameters by name, and what they compute.

    With D layers, C channels, F filter banks of K values each, and one head per depth:
    filters [F, K, C], weight [D-1, C, C] over (input, output), bias [D-1, C], head [depths, 3, C],
    head_bias [depths, 3], log_step [D-1, C]: the logarithm of each output's 4- or 8-bit step size.
    With feature grids also: latents [N], in steps, log_latent_step [Z], and log_spread [Z], of the
    distribution that their codes are taken to have. RGB is in [-1, 1] here.
    """

    def __init__(
        self,
        family: Family,
        depths: tuple[int, ...],
        bits: int,
        parameters: Parameters,
        pyramid: Pyramid | None,
    ) -> None:
        self.family = family
        self.depths = depths
        self.bits = bits
        self.parameters = parameters
        self.pyramid = pyramid

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
            "bias": uniform(depth - 1, width) * bound,
            "head": uniform(len(depths), 3, width) * 0.01,
            "head_bias": torch.zeros(len(depths), 3),
            "log_step": torch.zeros(depth - 1, width),
        }
        pyramid = family.pyramid(width, size)
        if pyramid:
            parameters |= {
                "latents": uniform(pyramid.latents) * 0.3,
                "log_latent_step": torch.zeros(sum(pyramid.channels)),
                "log_spread": torch.zeros(sum(pyramid.channels)),
            }
        return cls(family, depths, bits, parameters, pyramid)

    def to(self, device: torch.device) -> "Trunk":
        """The same, ready to be trained on that device."""
        moved = {name: value.to(device) for name, value in self.parameters.items()}
        trained = {name: value.requires_grad_() for name, value in moved.items()}
        return Trunk(self.family, self.depths, self.bits, trained, self.pyramid)

    def step(self) -> Tensor:
        """Each output's step size, [D-1, 1, C]."""
        return self.parameters["log_step"].exp()[:, None, :]

    def real_view(self, coded: float | None = None) -> Parameters:
        """The network as it is before any rounding, but for latents once they are being `coded`."""
        return self._with_grids(self.parameters, self._soft_latents(coded))

    def soft_view(self, progress: float, coded: float | None = None) -> Parameters:
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
        view = {**self.parameters, "weight": weight, **self._rounded_vectors()}
        return self._with_grids(view, self._soft_latents(coded))

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
            view = {**self.parameters, "weight": weight}
            view = self._with_grids(view, self.latent_codes())
        return {**view, **self._rounded_vectors()}

    def latent_codes(self) -> Tensor | None:
        """The codes of the latents as they are exported, float32[N], if there are any."""
        if not self.pyramid:
            return None
        return quantize(self.parameters["latents"], torch.tensor(1.0), LATENT_BITS).detach()

    def _soft_latents(self, coded: float | None) -> Tensor | None:
        """Softly rounded, ever closer to codes as `coded` goes from 0 to 1; None: as they are."""
        if not self.pyramid:
            return None
        latents = self.parameters["latents"]
        if coded is None:
            return latents
        low, high = code_range(LATENT_BITS)
        return soft_round(latents.clamp(low, high), torch.tensor(0.5 - 0.45 * coded))

    def _with_grids(self, view: Parameters, latents: Tensor | None) -> Parameters:
        """The view with grid0, grid1, … [channels, rows, columns] that come of these latents, if any."""
        if not self.pyramid or latents is None:
            return view
        levels = self.pyramid.grids(latents, self.parameters["log_latent_step"].exp())
        grids = {f"grid{i}": level for i, level in enumerate(levels)}
        return {**view, **grids, "latents": latents}

    def latent_bits(self, latents: Tensor) -> Tensor:
        """What latents in steps, rounded or nearly, are taken to need in the file, a scalar."""
        assert self.pyramid is not None
        spreads = self.pyramid.per_channel(self.parameters["log_spread"].clamp_min(-3))
        levels = zip(self.pyramid.levels(latents), spreads, strict=True)
        return torch.stack([laplace_bits(level, spread) for level, spread in levels]).sum()

    def entropy_bits(self) -> float:
        """What the latents' codes need in the file, by the entropy of each channel."""
        codes = self.latent_codes()
        assert codes is not None
        assert self.pyramid is not None
        return sum(entropy_bits(plane) for plane in self.pyramid.planes(codes))

    @torch.no_grad()
    def begin_coding(self) -> None:
        """Chooses the latents' steps: all of the same weight in what the second layer sees."""
        assert self.pyramid is not None
        own, channels = self.parameters, sum(self.pyramid.channels)
        gain = own["weight"][0, :channels].square().sum(1).sqrt().clamp_min(1e-3)
        factors = own["log_latent_step"].exp() * gain / _LATENT_STEP
        levels = self.pyramid.levels(own["latents"])
        for level, factor in zip(levels, self.pyramid.per_channel(factors), strict=True):
            level.mul_(factor)
        own["log_latent_step"].copy_((_LATENT_STEP / gain).log())
        spread = torch.cat([level.abs().mean((1, 2)) for level in levels])
        own["log_spread"].copy_(spread.clamp_min(0.05).log())

    def layers(self, view: Parameters, x: Tensor, y: Tensor) -> list[Tensor]:
        """The channels after each layer at N points, [N, C]."""
        grids = [view[f"grid{i}"] for i in range(len(self.pyramid.channels))] if self.pyramid else []
        return self.family.forward(view["filters"], view["weight"], view["bias"], x, y, grids)

    def outputs(self, view: Parameters, x: Tensor, y: Tensor) -> list[Tensor]:
        """RGB of every subnet at N points: per depth [3, N]."""
        layers = self.layers(view, x, y)
        # Three long rows: products with three columns would take four times as long.
        return [
            torch.addmm(view["head_bias"][i, :, None], view["head"][i], layers[depth - 1].T)
            for i, depth in enumerate(self.depths)
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
            step = self.spread() * 0.3 * 2 ** (4 - self.bits)
            self.parameters["log_step"].copy_(step.clamp_min(1e-8).log())
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
    return torch.tensor([[TOP_CODE * 2 ** (bits - 8)] for bits in family.filter_rows.values()])


def row_step(values: Tensor, top: Tensor) -> Tensor:
    """The step size with which each row's (last axis) largest value has the code `top`, that axis kept."""
    return (values.abs().amax(-1, keepdim=True) / top.to(values.device)).clamp_min(1e-12)


def round_steps(steps: Tensor) -> tuple[Tensor, Tensor]:
    """Codes 1 to 127 of positive step sizes [D-1, C], and what a code is worth in each layer, [D-1, 1]."""
    scale = row_step(steps, torch.tensor(TOP_CODE))
    return quantize(steps, scale, VECTOR_BITS).clamp_min(1), scale
