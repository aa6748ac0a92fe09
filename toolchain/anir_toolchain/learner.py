"""One trunk that learns: its optimizer, its errors, and what to go back to if it goes astray."""

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from anir_toolchain.soap import Soap
from anir_toolchain.supernet import Parameters, Trunk

_EMPHASIS = 0.5
"""Power of a subnet's error by which its share in the loss falls: deep ones gain, depth 2 loses a little."""
_DIVERGED = 2.0
"""A mean error so many times its lowest (3 dB) is a fit gone astray."""
_DIVERGED_CODING = 16.0
"""The same (12 dB) while latents learn to save bits, which costs a smooth picture some dB."""
_CALM = 100
"""Steps after which the running errors have forgotten what they were before quantizing."""
_HASTE = 0.01
"""By how much bits get dearer or cheaper in a step, at most."""
_GOOD_ENOUGH = 1e-3
"""Below this mean error (36 dB), ups and downs do not matter."""

_REMEMBERED = (
    "least_error",
    "rate_factor",
    "good",
    "steps",
    "guarded_from",
    "diverged",
    "first_bits",
    "price",
)
"""What else a learner has to remember."""

TileResult = tuple[Tensor, Parameters]


class Learner:
    """A trunk in training."""

    def __init__(self, trunk: Trunk, allowed_bits: float) -> None:
        self.trunk = trunk
        self.allowed_bits = allowed_bits
        own = trunk.parameters
        self.optimizer = Soap(
            [
                {"params": [own["filters"]], "gain": trunk.family.filter_gain},
                {"params": [own["head"], own["head_bias"], own["weight"], own["bias"]]},
                {"params": [own["log_step"]], "gain": 0.3},
                *_latent_groups(own),
            ],
            lr=0.0,
        )
        depths = torch.tensor(trunk.depths, device=own["weight"].device)
        self.depth_share = depths**trunk.family.depth_power
        # Running mean squared error of each depth, and what to go back to if it explodes.
        self.error = torch.ones(len(trunk.depths), device=own["weight"].device)
        self.least_error = math.inf
        self.steps = self.guarded_from = 0
        self.diverged = _DIVERGED
        # The narrower, the larger a weight is, and so is its step, within reason.
        self.rate_factor = min(math.sqrt(128 / own["weight"].shape[-1]), 1.6)
        self.good: dict[str, Any] = {}
        # What latents took at first, and the price of a bit: its share in the error, times all bits allowed.
        self.first_bits, self.price = 0.0, 0.5

    def view(self, phase: str, softened: float, coded: float | None) -> Parameters:
        """The trunk as it is trained in that phase."""
        if phase == "fit":
            return self.trunk.real_view(coded)
        return self.trunk.soft_view(softened, coded) if phase == "soften" else self.trunk.hard_view()

    def begin_quantizing(self) -> None:
        """Between `fit` and `soften`."""
        self.trunk.begin_quantizing()
        self.least_error, self.good, self.diverged = math.inf, {}, _DIVERGED
        self.guarded_from = self.steps + _CALM

    def begin_coding(self) -> None:
        """Within `fit`: from here on latents have to pay for their bits."""
        if self.trunk.pyramid:
            self.trunk.begin_coding()
            self.optimizer.state.pop(self.trunk.parameters["latents"], None)
            self.diverged = _DIVERGED_CODING

    def tile_gradients(
        self, view: Parameters, pixels: int, x: Tensor, y: Tensor, colours: Tensor
    ) -> TileResult:
        """Mean squared errors of each depth, and gradients of their sum weighted by `_share`.

        Of some points and for all three colours, as shares of the means over `pixels` points.
        """
        leaves = {name: value.detach().requires_grad_(value.requires_grad) for name, value in view.items()}
        outputs, target = self.trunk.outputs(leaves, x, y), colours.T.contiguous()
        errors = torch.stack([(rgb - target).square().sum() for rgb in outputs]) / (3 * pixels)
        torch.autograd.backward((errors * self._share()).sum())
        gradients = {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}
        return errors.detach(), gradients

    def update(
        self, view: Parameters, tiles: Sequence[TileResult], rate: float, saving: float | None
    ) -> None:
        """One step of the optimizer. Tiles add up in order, so that the number of threads changes no bit.

        Args:
            view: what `view` gave.
            tiles: what `tile_gradients` gave for it.
            rate: of learning.
            saving: how far latents should be on the way to the bits that they are allowed, 0 to 1; None: they
                are free.
        """
        self.steps += 1
        names = list(tiles[0][1])
        values = [view[name] for name in names]
        gradients = [torch.stack([own[name] for _, own in tiles]).sum(0) for name in names]
        if saving is not None and "latents" in view and view["latents"].requires_grad:
            values.append(self.trunk.latent_bits(view["latents"]))
            gradients.append(torch.tensor(self._bit_price(saving), device=values[-1].device))
        torch.autograd.backward(values, gradients)
        self.error.lerp_(torch.stack([errors for errors, _ in tiles]).sum(0), 1 / min(self.steps, 20))
        for group in self.optimizer.param_groups:
            group["lr"] = rate * self.rate_factor
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._guard()

    @torch.no_grad()
    def _bit_price(self, saving: float) -> float:
        """What a bit costs in shares of the error: it follows the number of bits."""
        # A picture of one colour needs none.
        bits = max(self.trunk.entropy_bits(), 1.0)
        if not self.first_bits:
            self.first_bits = bits
        excess = math.pow(max(1.0, self.first_bits / self.allowed_bits), (1 - saving) ** 2)
        ratio = bits / (self.allowed_bits * excess)
        self.price *= math.exp(_HASTE * min(max(3 * math.log(ratio), -1.0), 1.0))
        return self.price * ratio / self.allowed_bits

    def _share(self) -> Tensor:
        """Of each depth's error in what is minimized, which is about 1: so gradients do not fade with it."""
        share = self.error**-_EMPHASIS * self.depth_share
        return share / (share * self.error).sum()

    @torch.no_grad()
    def _guard(self) -> None:
        """Goes back to the last good parameters, at half the rate, when the error has exploded."""
        if self.steps < self.guarded_from:
            return
        error = self.error.mean().item()
        self.least_error = min(self.least_error, error)
        if not error < self.diverged * max(self.least_error, _GOOD_ENOUGH) and self.good:
            self._load(copy.deepcopy(self.good))
            self.rate_factor /= 2
        elif self.steps % 50 == 0:
            self.good = copy.deepcopy(self._training_state())

    def _training_state(self) -> dict[str, Any]:
        return {
            "parameters": self.trunk.parameters,
            "error": self.error,
            "optimizer": self.optimizer.state_dict(),
        }

    def _load(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            for name, value in state["parameters"].items():
                self.trunk.parameters[name].copy_(value)
            self.error.copy_(state["error"])
        self.optimizer.load_state_dict(state["optimizer"])

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return self._training_state() | {name: getattr(self, name) for name in _REMEMBERED}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from a `state`."""
        self._load(state)
        for name in _REMEMBERED:
            setattr(self, name, state[name])


def _latent_groups(own: Parameters) -> list[dict[str, Any]]:
    """Adam with a long memory for latents, as few pixels of a step touch each of them."""
    if "latents" not in own:
        return []
    return [
        {"params": [own["latents"]], "gain": 10.0, "betas": (0.9, 0.99), "eps": 1e-15},
        {"params": [own["log_latent_step"], own["log_spread"]], "gain": 1.0},
    ]
