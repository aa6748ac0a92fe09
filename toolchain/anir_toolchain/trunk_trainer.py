"""Training one trunk: its optimizer, its running errors, and the way back if it diverges."""

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from anir_toolchain.presets import Phase
from anir_toolchain.soap import Soap
from anir_toolchain.trunk import Parameters, Trunk

_STEP_SIZE_GAIN = 0.3
"""Learning rate of the step sizes' logarithms as a multiple of that of hidden weights."""
_RATE_WIDTH = 128
"""Width at which a preset's learning rate holds; a narrower trunk has larger weights, and a higher rate."""
_MOST_RATE_FACTOR = 1.6
_AVERAGED = 20
"""Steps over which the running errors are averaged, exponentially."""
_DIVERGED = 2.0
"""A trunk has diverged at so many times its least mean error (3 dB)."""
_GOOD_ENOUGH = 1e-3
"""Below this mean error (36 dB) a trunk has not diverged: ups and downs of small errors do not matter."""
_CALM = 100
"""Steps after which running errors no longer tell of the time before quantization."""
_BACKUP_EVERY = 50
"""Steps from one backup to the next."""

_REMEMBERED = ("least_error", "rate_factor", "backup", "steps", "guarded_from")
"""Attributes that a saved state has beside parameters, errors and the optimizer's state."""

TileResult = tuple[Tensor, Parameters]
"""Errors float32[depths] and gradients of the parameters that were used."""


class TrunkTrainer:
    """A trunk in training.

    Attributes:
        trunk: whose parameters change.
        error: running mean squared error of each depth, float32[depths], of colours in [-1, 1].
        least_error: least mean of `error` so far.
        rate_factor: learning rate of this trunk as a multiple of the schedule's.
        steps: number of updates so far.
        guarded_from: number of updates from which on divergence is looked for.
        backup: a state to go back to, empty at first.
    """

    def __init__(self, trunk: Trunk) -> None:
        self.trunk = trunk
        own = trunk.parameters
        self.optimizer = Soap(
            [
                {"params": [own["filters"]], "gain": trunk.family.filter_gain},
                {"params": [own["head"], own["head_bias"], own["weight"], own["bias"]]},
                {"params": [own["log_step"]], "gain": _STEP_SIZE_GAIN},
            ],
            lr=0.0,
        )
        self.error = torch.ones(len(trunk.depths), device=own["weight"].device)
        self.least_error = math.inf
        self.steps = self.guarded_from = 0
        narrow = min(math.sqrt(_RATE_WIDTH / own["weight"].shape[-1]), _MOST_RATE_FACTOR)
        self.rate_factor = trunk.family.rate_gain * narrow
        self.backup: dict[str, Any] = {}

    def parameters(self, phase: Phase, softening: float) -> Parameters:
        """The parameters with which the trunk is trained in a phase, of which `softening` is done, 0 to 1."""
        if phase == "fit":
            return self.trunk.parameters
        return self.trunk.softly_quantized(softening) if phase == "soften" else self.trunk.quantized()

    def begin_quantization(self) -> None:
        """Prepares for the phase `soften`, whose errors begin anew."""
        self.trunk.prepare_quantization()
        self.least_error, self.backup = math.inf, {}
        self.guarded_from = self.steps + _CALM

    def tile_gradients(
        self, parameters: Parameters, pixels: int, x: Tensor, y: Tensor, colours: Tensor, *features: Tensor
    ) -> TileResult:
        """The share of some points in a step's errors and gradients.

        Args:
            parameters: with which the networks are drawn.
            pixels: number of points of the whole step.
            x: float32[N] in [-1, 1].
            y: float32[N] in [-1, 1].
            colours: of the picture, float32[N, colours] in [-1, 1].
            features: of each depth, float32[N, n], if there are latents.

        Returns:
            For each depth the squared error summed up over these points and their colours, divided by
            colours · pixels, and the gradients of their sum weighted by `_loss_weights`.
        """
        leaves = {
            name: value.detach().requires_grad_(value.requires_grad) for name, value in parameters.items()
        }
        outputs, target = self.trunk.colours(leaves, x, y, features), colours.T.contiguous()
        errors = torch.stack([(own - target).square().sum() for own in outputs]) / (len(target) * pixels)
        torch.autograd.backward((errors * self._loss_weights()).sum())
        gradients = {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}
        return errors.detach(), gradients

    def update(self, parameters: Parameters, tiles: Sequence[TileResult], rate: float) -> None:
        """One step of the optimizer.

        Tiles are added up in their order, so that the number of threads changes no bit.

        Args:
            parameters: with which the tiles were drawn.
            tiles: results of `tile_gradients` that make up the step.
            rate: learning rate of the schedule.
        """
        self.steps += 1
        names = list(tiles[0][1])
        values = [parameters[name] for name in names]
        gradients = [torch.stack([own[name] for _, own in tiles]).sum(0) for name in names]
        torch.autograd.backward(values, gradients)
        self.error.lerp_(torch.stack([errors for errors, _ in tiles]).sum(0), 1 / min(self.steps, _AVERAGED))
        for group in self.optimizer.param_groups:
            group["lr"] = rate * self.rate_factor
        self.optimizer.step()
        self.optimizer.zero_grad()
        with torch.no_grad():
            filters = self.trunk.parameters["filters"]
            filters.copy_(self.trunk.family.confined(filters))
        self._recover_if_diverged()

    def _loss_weights(self) -> Tensor:
        """Weight of each depth's error in the loss: error^(-error_exponent), scaled for a loss of about 1.

        So gradients do not fade as errors do.
        """
        weights = self.error**-self.trunk.family.error_exponent
        return weights / (weights * self.error).sum()

    @torch.no_grad()
    def _recover_if_diverged(self) -> None:
        """Goes back to the last backup, at half the learning rate, if the error has exploded."""
        if self.steps < self.guarded_from:
            return
        error = self.error.mean().item()
        self.least_error = min(self.least_error, error)
        if not error < _DIVERGED * max(self.least_error, _GOOD_ENOUGH) and self.backup:
            self._load(copy.deepcopy(self.backup))
            self.rate_factor /= 2
        elif self.steps % _BACKUP_EVERY == 0:
            self.backup = copy.deepcopy(self._training_state())

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
        """Plain values and tensors from which `restore` goes on; the tensors are the trainer's own."""
        return self._training_state() | {name: getattr(self, name) for name in _REMEMBERED}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from a `state`."""
        self._load(state)
        for name in _REMEMBERED:
            setattr(self, name, state[name])
