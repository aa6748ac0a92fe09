"""One trunk that learns: its optimizer, its errors, and what to go back to if it goes astray."""

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from anir_toolchain.soap import Soap
from anir_toolchain.supernet import Parameters, Trunk

_DIVERGED = 2.0
"""A mean error so many times its lowest (3 dB) is a fit gone astray."""
_CALM = 100
"""Steps after which the running errors have forgotten what they were before quantizing."""
_GOOD_ENOUGH = 1e-3
"""Below this mean error (36 dB), ups and downs do not matter."""

_REMEMBERED = ("least_error", "rate_factor", "good", "steps", "guarded_from")
"""What else a learner has to remember."""

TileResult = tuple[Tensor, Parameters]


class Learner:
    """A trunk in training."""

    def __init__(self, trunk: Trunk) -> None:
        self.trunk = trunk
        own = trunk.parameters
        self.optimizer = Soap(
            [
                {"params": [own["filters"]], "gain": trunk.family.filter_gain},
                {"params": [own["head"], own["head_bias"], own["weight"], own["bias"]]},
                {"params": [own["log_step"]], "gain": 0.3},
            ],
            lr=0.0,
        )
        # Running mean squared error of each depth, and what to go back to if it explodes.
        self.error = torch.ones(len(trunk.depths), device=own["weight"].device)
        self.least_error = math.inf
        self.steps = self.guarded_from = 0
        # The narrower, the larger a weight is, and so is its step, within reason.
        self.rate_factor = min(math.sqrt(128 / own["weight"].shape[-1]), 1.6)
        self.good: dict[str, Any] = {}

    def view(self, phase: str, softened: float) -> Parameters:
        """The trunk as it is trained in that phase."""
        if phase == "fit":
            return self.trunk.parameters
        return self.trunk.soft_view(softened) if phase == "soften" else self.trunk.hard_view()

    def begin_quantizing(self) -> None:
        """Between `fit` and `soften`."""
        self.trunk.begin_quantizing()
        self.least_error, self.good = math.inf, {}
        self.guarded_from = self.steps + _CALM

    def tile_gradients(
        self, view: Parameters, pixels: int, x: Tensor, y: Tensor, colours: Tensor, *features: Tensor
    ) -> TileResult:
        """Mean squared errors of each depth, and gradients of their sum weighted by `_share`.

        Of some points and for all three colours, as shares of the means over `pixels` points.
        """
        leaves = {name: value.detach().requires_grad_(value.requires_grad) for name, value in view.items()}
        outputs, target = self.trunk.outputs(leaves, x, y, features), colours.T.contiguous()
        errors = torch.stack([(rgb - target).square().sum() for rgb in outputs]) / (3 * pixels)
        torch.autograd.backward((errors * self._share()).sum())
        gradients = {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}
        return errors.detach(), gradients

    def update(self, view: Parameters, tiles: Sequence[TileResult], rate: float) -> None:
        """One step of the optimizer at that rate of learning, for the `view` that tiles were drawn from.

        Tiles add up in order, so that the number of threads changes no bit.
        """
        self.steps += 1
        names = list(tiles[0][1])
        values = [view[name] for name in names]
        gradients = [torch.stack([own[name] for _, own in tiles]).sum(0) for name in names]
        torch.autograd.backward(values, gradients)
        self.error.lerp_(torch.stack([errors for errors, _ in tiles]).sum(0), 1 / min(self.steps, 20))
        for group in self.optimizer.param_groups:
            group["lr"] = rate * self.rate_factor
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._guard()

    def _share(self) -> Tensor:
        """Of each depth's error in what is minimized, which is about 1: so gradients do not fade with it."""
        share = self.error**-self.trunk.family.emphasis
        return share / (share * self.error).sum()

    @torch.no_grad()
    def _guard(self) -> None:
        """Goes back to the last good parameters, at half the rate, when the error has exploded."""
        if self.steps < self.guarded_from:
            return
        error = self.error.mean().item()
        self.least_error = min(self.least_error, error)
        if not error < _DIVERGED * max(self.least_error, _GOOD_ENOUGH) and self.good:
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
