"""Training a trunk of one or more pictures: its optimizer, its errors, and the way back if one diverges."""

import math
from collections.abc import Callable, Sequence
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
_LOOK_EVERY = 10
"""Steps from one look at what has diverged to the next: a look waits for a GPU to be done with all before."""

_OF_PICTURES = ("least_error", "rate_factor", "diverged", "backup")
"""Attributes that a saved state has of each picture, beside what a step changes."""
_OF_ALL = ("steps", "guarded_from")
"""Attributes that are the same for all pictures."""

State = dict[str, Any]
"""Tensors by name, in dicts and tuples, and numbers."""
TileResult = tuple[Tensor, Parameters]
"""Errors float32[P, depths] and gradients of the parameters that were used."""


class TrunkTrainer:
    """Trunks of the same shape in training, those of P pictures, each as it would learn alone.

    Attributes:
        trunk: all of them as one, whose tensors have an axis of pictures in front.
        parts: the trunk of each picture; its tensors are parts of those of `trunk`, and change with them.
        error: running mean squared error of each depth, float32[P, depths], of colours in [-1, 1].
        least_error: least mean of each picture's `error` so far, float32[P].
        rate_factor: learning rate of each picture as a multiple of the schedule's, float64[P].
        diverged: whether each picture's error has exploded since the last look, bool[P].
        steps: number of updates so far.
        guarded_from: number of updates from which on divergence is looked for.
        backup: a state to go back to, empty at first.
    """

    def __init__(self, trunks: Sequence[Trunk]) -> None:
        first, count = trunks[0], len(trunks)
        joined = _joined([trunk.parameters for trunk in trunks])
        self.parts = [first.with_parameters(_of_picture(joined, i)) for i in range(count)]
        own = {name: value.requires_grad_() for name, value in joined.items()}
        self.trunk = first.with_parameters(own)
        self.optimizer = Soap(
            [
                {"params": [own["filters"]], "gain": first.family.filter_gain},
                {"params": [own["head"], own["head_bias"], own["weight"], own["bias"]]},
                {"params": [own["log_step"]], "gain": _STEP_SIZE_GAIN},
            ],
            lr=0.0,
        )
        device = own["weight"].device
        self.error = torch.ones(count, len(first.depths), device=device)
        self.least_error = torch.full((count,), math.inf, device=device)
        narrow = min(math.sqrt(_RATE_WIDTH / own["weight"].shape[-1]), _MOST_RATE_FACTOR)
        factor = first.family.rate_gain * narrow
        self.rate_factor = torch.full((count,), factor, dtype=torch.float64, device=device)
        self.diverged = torch.zeros(count, dtype=torch.bool, device=device)
        self.steps = self.guarded_from = 0
        self.backup: State = {}

    def parameters(self, phase: Phase, softening: float) -> Parameters:
        """The parameters with which the trunk is trained in a phase, of which `softening` is done, 0 to 1."""
        if phase == "fit":
            return self.trunk.parameters
        return self.trunk.softly_quantized(softening) if phase == "soften" else self.trunk.quantized()

    def begin_quantization(self) -> None:
        """Prepares for the phase `soften`, whose errors begin anew."""
        self.trunk.prepare_quantization()
        self.least_error.fill_(math.inf)
        self.diverged.zero_()
        self.backup = {}
        self.guarded_from = self.steps + _CALM

    def tile_gradients(
        self,
        parameters: Parameters,
        pixels: int,
        x: Tensor,
        y: Tensor,
        colours: Tensor,
        *features: Tensor,
    ) -> TileResult:
        """What a tile of N points of each of P pictures adds to a step's errors and gradients.

        Args:
            parameters: with which the networks are drawn.
            pixels: number of points of the whole step.
            x: float32[P, N] in [-1, 1].
            y: float32[P, N] in [-1, 1].
            colours: of the pictures, float32[P, N, colours] in [-1, 1].
            features: of each depth, float32[P, N, n], if there are latents.

        Returns:
            For each picture and depth the squared error summed up over these points and their colours,
            divided by colours · pixels, and the gradients of their sum weighted by `_loss_weights`.
        """
        leaves = {
            name: value.detach().requires_grad_(value.requires_grad) for name, value in parameters.items()
        }
        outputs, target = self.trunk.colours(leaves, x, y, features), colours.mT.contiguous()
        sums = [(own - target).square().sum((-2, -1)) for own in outputs]
        errors = torch.stack(sums, dim=-1) / (target.shape[-2] * pixels)
        torch.autograd.backward((errors * self._loss_weights()).sum())
        gradients = {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}
        return errors.detach(), gradients

    def update(
        self, parameters: Parameters, tiles: Sequence[TileResult], rate: float, standing: bool = False
    ) -> None:
        """One step of the optimizer.

        Tiles are added up in their order, so that the number of threads changes no bit.

        Args:
            parameters: with which the tiles were drawn.
            tiles: results of `tile_gradients` that make up the step.
            rate: learning rate of the schedule.
            standing: whether the frequencies of filters stay as they are.
        """
        self.steps += 1
        names = list(tiles[0][1])
        values = [parameters[name] for name in names]
        gradients = [torch.stack([own[name] for _, own in tiles]).sum(0) for name in names]
        torch.autograd.backward(values, gradients)
        self.error.lerp_(torch.stack([errors for errors, _ in tiles]).sum(0), 1 / min(self.steps, _AVERAGED))
        for group in self.optimizer.param_groups:
            group["lr"] = rate * self.rate_factor
        filters = self.trunk.parameters["filters"]
        frequencies = filters[..., :2, :].detach().clone()
        self.optimizer.step()
        self.optimizer.zero_grad()
        with torch.no_grad():
            filters.copy_(self.trunk.family.confined(filters))
            if standing:
                filters[..., :2, :] = frequencies
        self._guard()

    def _loss_weights(self) -> Tensor:
        """Weights of errors in the loss: error^(-error_exponent), scaled for a loss of 1 for each picture.

        So gradients do not fade as errors do.
        """
        weights = self.error**-self.trunk.family.error_exponent
        return weights / (weights * self.error).sum(-1, keepdim=True)

    @torch.no_grad()
    def _guard(self) -> None:
        """Takes pictures whose error has exploded back to the last backup, at half their learning rate."""
        if self.steps < self.guarded_from:
            return
        error = self.error.mean(-1)
        self.least_error = torch.fmin(self.least_error, error)
        self.diverged |= ~(error < _DIVERGED * self.least_error.clamp_min(_GOOD_ENOUGH))
        if self.steps % _LOOK_EVERY == 0:
            if self.backup and self.diverged.any():
                self._go_back()
            self.diverged.zero_()
            if self.steps % _BACKUP_EVERY == 0:
                self.backup = _mapped(torch.clone, {"parameters": self.trunk.parameters, **self._learned()})

    def _go_back(self) -> None:
        def chosen(now: Tensor, then: Tensor) -> Tensor:
            return torch.where(self.diverged.reshape(-1, *[1] * (now.dim() - 1)), then, now)

        before = dict(self.backup)
        for name, value in before.pop("parameters").items():
            own = self.trunk.parameters[name]
            own.copy_(chosen(own, value))
        self._load(_mapped(chosen, self._learned(), before))
        self.rate_factor = torch.where(self.diverged, self.rate_factor / 2, self.rate_factor)

    def _learned(self) -> State:
        """All that a step changes and that goes back after a divergence, beside the parameters."""
        return {
            "error": self.error,
            "optimizer": {name: self.optimizer.state[own] for name, own in self.trunk.parameters.items()},
        }

    def _load(self, learned: State) -> None:
        self.error = learned["error"]
        for name, own in learned["optimizer"].items():
            self.optimizer.state[self.trunk.parameters[name]] = own

    def state(self, picture: int) -> State:
        """From which, with its trunk, a picture goes on, by its number: alone or among others."""
        tensors = self._learned() | {name: getattr(self, name) for name in _OF_PICTURES}
        # A part of a tensor would be saved with the whole of it.
        own: State = _mapped(torch.clone, _of_picture(tensors, picture))
        return own | {name: getattr(self, name) for name in _OF_ALL}

    def restore(self, states: Sequence[State]) -> None:
        """Goes on from `state`s, one of each picture, all after the same steps."""
        device = self.error.device
        joined = _mapped(lambda tensor: tensor.to(device), _joined(states))
        self._load(joined)
        for name in (*_OF_PICTURES, *_OF_ALL):
            setattr(self, name, joined[name])


def _mapped(function: Callable[..., Tensor], *states: Any) -> Any:
    """A function of the tensors at the same places of states; numbers are those of the first."""
    first = states[0]
    if isinstance(first, dict):
        return {name: _mapped(function, *(state[name] for state in states)) for name in first}
    if isinstance(first, tuple):
        return tuple(_mapped(function, *own) for own in zip(*states, strict=True))
    return function(*states) if isinstance(first, Tensor) else first


def _joined(states: Sequence[State]) -> State:
    """States of a picture each as one, whose tensors have an axis of pictures in front."""
    own: State = _mapped(_stacked, *states)
    return own


def _stacked(*tensors: Tensor) -> Tensor:
    """Tensors as one, whose matrices lie in memory as theirs do: products of others are rounded otherwise."""
    own = [tensor.detach() for tensor in tensors]
    if own[0].is_contiguous():
        return torch.stack(own)
    return torch.stack([tensor.mT for tensor in own]).mT


def _of_picture(state: State, picture: int) -> State:
    """The parts of a state's tensors that are a picture's, by its number."""
    own: State = _mapped(lambda tensor: tensor[picture], state)
    return own
