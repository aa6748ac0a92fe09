"""The optimizer SOAP: Adam in the eigenbasis of Shampoo's preconditioner, for many matrices at once.

Vyas et al. 2024, SOAP: Improving and Stabilizing Shampoo using Adam.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

_BETA = 0.95
"""Decay per step of the momentum, and of the second moments and preconditioners."""
_EPSILON = 1e-8
"""Added to the root of the second moment."""
_EVERY = 10
"""Number of steps between updates of the eigenbases."""


class Soap:
    """SOAP for parameters of four or more axes, the last two of which form a matrix; Adam for the others.

    The first axis of every parameter is that of pictures, which learn independently. The class does not
    derive from torch's Optimizer, as constructing one loads torch's compiler, which takes over a second.

    Attributes:
        gains: the parameters, each with its learning rate as a multiple of that of a step.
        state: the state of each parameter: tensors by name.
    """

    def __init__(self, gains: Mapping[Tensor, float]) -> None:
        self.gains = gains
        self.state = defaultdict[Tensor, dict[str, Any]](dict)

    @torch.no_grad()
    def step(self, rates: Tensor) -> None:
        """Updates every parameter by its gradient, if it has one, and clears all gradients.

        `rates` are the learning rates of the pictures, float64[P].
        """
        for param, gain in self.gains.items():
            if param.grad is None:
                continue
            if param.dim() < 4:
                update = _adam(param.grad, self.state[param], None)
            else:
                update = _soap(param.grad, self.state[param])
            param.sub_(update * (rates * gain).to(param.dtype).reshape(-1, *[1] * (param.dim() - 1)))
            param.grad = None


def _adam(grad: Tensor, state: dict[str, Any], basis: tuple[Tensor, Tensor] | None) -> Tensor:
    """Returns Adam's update for a learning rate of 1; second moments are in `basis` (left, right), if any."""
    if "step" not in state:
        state.update(step=0, mean=torch.zeros_like(grad), square=torch.zeros_like(grad))
    state["step"] += 1
    state["mean"].lerp_(grad, 1 - _BETA)
    projected = _into(grad, basis)
    state["square"].mul_(_BETA).addcmul_(projected, projected, value=1 - _BETA)
    correction = (1 - _BETA ** state["step"]) ** 0.5 / (1 - _BETA ** state["step"])
    update = _into(state["mean"], basis) / state["square"].sqrt().add_(_EPSILON) * correction
    result: Tensor = update if basis is None else basis[0] @ update @ basis[1].mT
    return result


def _soap(grad: Tensor, state: dict[str, Any]) -> Tensor:
    """Returns SOAP's update for a learning rate of 1; `state` has the preconditioners and their bases."""
    outer = (grad @ grad.mT, grad.mT @ grad)
    if "left" not in state:
        # The first gradient only initializes the bases, as in the authors' code.
        state["left"], state["right"] = (product * (1 - _BETA) for product in outer)
        state["basis"] = tuple(torch.linalg.eigh(state[side])[1].flip(-1) for side in ("left", "right"))
        return torch.zeros_like(grad)
    update = _adam(grad, state, state["basis"])
    for side, product in zip(("left", "right"), outer, strict=True):
        state[side].lerp_(product, 1 - _BETA)
    if state["step"] % _EVERY == 0:
        _rotate(state)
    return update


def _rotate(state: dict[str, Any]) -> None:
    """Updates the bases by a power iteration and QR, with eigenvectors by descending eigenvalue."""
    basis = []
    for axis, side, q in zip((-2, -1), ("left", "right"), state["basis"], strict=True):
        iterated = state[side] @ q
        order = (q * iterated).sum(-2).argsort(-1, descending=True)
        iterated = iterated.gather(-1, order.unsqueeze(-2).expand_as(iterated))
        across = order.unsqueeze(-1 if axis == -2 else -2)
        state["square"] = state["square"].gather(axis, across.expand_as(state["square"]))
        basis.append(torch.linalg.qr(iterated)[0])
    state["basis"] = tuple(basis)


def _into(tensor: Tensor, basis: tuple[Tensor, Tensor] | None) -> Tensor:
    """Projects a matrix G onto the bases: Lᵀ G R."""
    return tensor if basis is None else basis[0].mT @ tensor @ basis[1]
