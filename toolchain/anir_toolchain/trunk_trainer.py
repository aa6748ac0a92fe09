"""Training the trunks of one or more pictures: optimizer, loss, and recovery from divergence."""

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
"""Width at which a preset's learning rate holds; narrower trunks have larger weights, and a higher rate."""
_MOST_RATE_FACTOR = 1.6
"""Largest factor by which a narrow trunk's learning rate is raised."""
_AVERAGED = 20
"""Time constant, in steps, of the exponential moving average of the errors."""
_DIVERGED = 2.0
"""Ratio of a trunk's mean error to its least one so far at which it counts as diverged (3 dB)."""
_DIVERGED_IN_FIT = 1.4
"""The same in real numbers (1.5 dB), where errors can also rise slowly, over thousands of steps."""
_GOOD = 1.1
"""Ratio of a trunk's mean error to its least one so far up to which a state replaces the last backup."""
_GOOD_ENOUGH = 1e-3
"""Mean error (36 dB) below which a trunk never counts as diverged: small errors may fluctuate."""
_CALM = 100
"""Steps after the start of quantization until the averaged errors have forgotten the time before."""
_BACKUP_EVERY = 50
"""Steps between two backups."""
_LOOK_EVERY = 10
"""Steps between two checks for divergence: each check has to wait until the GPU has caught up."""

_OF_PICTURES = ("least_error", "rate_factor", "diverged", "backup")
"""Attributes with a value for each picture that are saved with its state, besides those of `_learned`."""
_OF_ALL = ("steps", "guarded_from")
"""Attributes that are saved, too, and are the same for all pictures."""

State = dict[str, Any]
"""A saved state: tensors and numbers by name, in nested dicts and tuples."""
TileResult = tuple[Tensor, Parameters]
"""A tile's errors, float32[P, depths], and gradients with respect to the parameters that were used."""


class TrunkTrainer:
    """Trains trunks of equal shape, one for each of P pictures, each as it would learn alone.

    Attributes:
        trunk: all trunks joined into one, whose tensors have a leading axis of pictures.
        parts: the trunk of each picture; its tensors are views of those of `trunk`.
        error: moving average of each depth's mean squared error, float32[P, depths]; colours in [-1, 1].
        least_error: least value so far of each picture's `error`, averaged over depths, float32[P].
        rate_factor: learning rate of each picture as a multiple of the schedule's, float64[P].
        diverged: whether each picture has diverged since the last check, bool[P].
        steps: number of updates so far.
        guarded_from: number of updates from which on divergence is checked for.
        backup: the state to return to after a divergence, empty at first.
    """

    def __init__(self, trunks: Sequence[Trunk]) -> None:
        first, count = trunks[0], len(trunks)
        joined = _joined([trunk.parameters for trunk in trunks])
        self.parts = [first.with_parameters(_of_picture(joined, i)) for i in range(count)]
        own = {name: value.requires_grad_() for name, value in joined.items()}
        self.trunk = first.with_parameters(own)
        gains = {"filters": first.family.filter_gain, "log_step": _STEP_SIZE_GAIN}
        self.optimizer = Soap({value: gains.get(name, 1.0) for name, value in own.items()})
        device = own["weight"].device
        self.error = torch.ones(count, len(first.depths), device=device)
        self.least_error = torch.full((count,), math.inf, device=device)
        narrow = min(math.sqrt(_RATE_WIDTH / first.width), _MOST_RATE_FACTOR)
        factor = first.family.rate_gain * narrow
        self.rate_factor = torch.full((count,), factor, dtype=torch.float64, device=device)
        self.diverged = torch.zeros(count, dtype=torch.bool, device=device)
        self.steps = self.guarded_from = 0
        self.backup: State = {}

    def parameters(self, phase: Phase, softening: float) -> Parameters:
        """Returns the parameters to train with; `softening`, 0 to 1, is how far the phase `soften` is."""
        if phase == "fit":
            return self.trunk.parameters
        return self.trunk.softly_quantized(softening) if phase == "soften" else self.trunk.quantized()

    def begin_quantization(self) -> None:
        """Initializes step sizes for the phase `soften`, and resets the checks for divergence."""
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
        """Returns what a tile, N points of each of P pictures, contributes to a step's errors and gradients.

        Args:
            parameters: the parameters to evaluate the networks with.
            pixels: number of points of the whole step, per picture.
            x: coordinates of the points, float32[P, N] in [-1, 1].
            y: coordinates of the points, float32[P, N] in [-1, 1].
            colours: the pictures' colours at the points, float32[P, N, colours] in [-1, 1].
            features: latent features for each depth, float32[P, N, n]; none without latents.

        Returns:
            For each picture and depth the squared error, summed over the tile's points and colours and
            divided by colours · pixels; and the gradients of the sum of these, weighted by `_loss_weights`.
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
        """Takes one step of the optimizer.

        Tiles are summed in a fixed order, so that the result does not depend on the number of threads.

        Args:
            parameters: the parameters with which the tiles were evaluated.
            tiles: the results of `tile_gradients` for all tiles of the step.
            rate: learning rate of the schedule.
            standing: whether the frequencies of filters are frozen.
        """
        self.steps += 1
        names = list(tiles[0][1])
        values = [parameters[name] for name in names]
        gradients = [torch.stack([own[name] for _, own in tiles]).sum(0) for name in names]
        torch.autograd.backward(values, gradients)
        self.error.lerp_(torch.stack([errors for errors, _ in tiles]).sum(0), 1 / min(self.steps, _AVERAGED))
        filters = self.trunk.parameters["filters"]
        frequencies = filters[..., :2, :].detach().clone()
        self.optimizer.step(rate * self.rate_factor)
        with torch.no_grad():
            filters.copy_(self.trunk.family.confined(filters))
            if standing:
                filters[..., :2, :] = frequencies
        self._guard()

    def _loss_weights(self) -> Tensor:
        """Returns each error's weight in the loss: error^(-error_exponent), normalized per picture.

        Each picture's loss is then 1, so that gradients do not shrink with the errors.
        """
        weights = self.error**-self.trunk.family.error_exponent
        return weights / (weights * self.error).sum(-1, keepdim=True)

    @torch.no_grad()
    def _guard(self) -> None:
        """Resets pictures that have diverged to the last backup, and halves their learning rate."""
        if self.steps < self.guarded_from:
            return
        error = self.error.mean(-1)
        self.least_error = torch.fmin(self.least_error, error)
        # Only quantization sets `guarded_from`.
        most = _DIVERGED if self.guarded_from else _DIVERGED_IN_FIT
        self.diverged |= ~(error < most * self.least_error.clamp_min(_GOOD_ENOUGH))
        if self.steps % _LOOK_EVERY == 0:
            if self.backup and self.diverged.any():
                self._go_back()
            self.diverged.zero_()
            if self.steps % _BACKUP_EVERY == 0:
                now: State = {"parameters": self.trunk.parameters, **self._learned()}
                good = error <= _GOOD * self.least_error
                self.backup = _chosen(good, now, self.backup) if self.backup else _mapped(torch.clone, now)

    def _go_back(self) -> None:
        before = dict(self.backup)
        for name, value in before.pop("parameters").items():
            own = self.trunk.parameters[name]
            own.copy_(_chosen(self.diverged, value, own))
        self._load(_chosen(~self.diverged, self._learned(), before))
        self.rate_factor = torch.where(self.diverged, self.rate_factor / 2, self.rate_factor)

    def _learned(self) -> State:
        """Returns what a step changes and a reset restores, besides the parameters."""
        return {
            "error": self.error,
            "optimizer": {name: self.optimizer.state[own] for name, own in self.trunk.parameters.items()},
        }

    def _load(self, learned: State) -> None:
        self.error = learned["error"]
        for name, own in learned["optimizer"].items():
            self.optimizer.state[self.trunk.parameters[name]] = own

    def state(self, picture: int) -> State:
        """Returns a picture's state, from which its trunk can be trained on, alone or in another batch."""
        tensors = self._learned() | {name: getattr(self, name) for name in _OF_PICTURES}
        # Cloned, as torch saves a view together with the whole tensor.
        own: State = _mapped(torch.clone, _of_picture(tensors, picture))
        return own | {name: getattr(self, name) for name in _OF_ALL}

    def restore(self, states: Sequence[State]) -> None:
        """Continues from the results of `state`, one for each picture, all after the same number of steps."""
        device = self.error.device
        joined = _mapped(lambda tensor: tensor.to(device), _joined(states))
        self._load(joined)
        for name in (*_OF_PICTURES, *_OF_ALL):
            setattr(self, name, joined[name])


def _mapped(function: Callable[..., Tensor], *states: Any) -> Any:
    """Applies a function to corresponding tensors of equally nested states; numbers come from the first."""
    first = states[0]
    if isinstance(first, dict):
        return {name: _mapped(function, *(state[name] for state in states)) for name in first}
    if isinstance(first, tuple):
        return tuple(_mapped(function, *own) for own in zip(*states, strict=True))
    return function(*states) if isinstance(first, Tensor) else first


def _chosen(which: Tensor, states: Any, others: Any) -> Any:
    """Returns `states`, with tensors of `others` for the pictures where `which`, bool[P], does not hold."""

    def of_each(own: Tensor, other: Tensor) -> Tensor:
        return torch.where(which.reshape(-1, *[1] * (own.dim() - 1)), own, other)

    return _mapped(of_each, states, others)


def _joined(states: Sequence[State]) -> State:
    """Stacks the states of single pictures along a new leading axis of pictures."""
    own: State = _mapped(_stacked, *states)
    return own


def _stacked(*tensors: Tensor) -> Tensor:
    """Stacks tensors, keeping the memory layout of their matrices, on which rounding in products depends."""
    own = [tensor.detach() for tensor in tensors]
    if own[0].is_contiguous():
        return torch.stack(own)
    return torch.stack([tensor.mT for tensor in own]).mT


def _of_picture(state: State, picture: int) -> State:
    """Returns views of a state's tensors for one picture, by its number."""
    own: State = _mapped(lambda tensor: tensor[picture], state)
    return own
