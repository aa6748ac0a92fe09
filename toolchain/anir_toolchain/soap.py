"""The optimizer SOAP: Adam in the eigenbasis of Shampoo's preconditioner, for many matrices at once.

Vyas et al. 2024, SOAP: Improving and Stabilizing Shampoo using Adam.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class Soap:
    """SOAP for parameters of four or more axes, the last two of which form a matrix; Adam for the others.

    The first axis of every parameter is that of pictures, which learn independently. The class does not
    derive from torch's Optimizer, as constructing one loads torch's compiler, which takes over a second.

    Attributes:
        param_groups: the groups, with defaults filled in; they may be changed between steps.
        state: the state of each parameter: tensors by name.
    """

    def __init__(
        self,
        groups: Sequence[dict[str, Any]],
        lr: float | Tensor,
        betas: tuple[float, float] = (0.95, 0.95),
        eps: float = 1e-8,
        frequency: int = 10,
    ) -> None:
        """Sets up the optimizer.

        Args:
            groups: dicts with `params`, a list of tensors; optionally with a `gain`, a factor of the learning
                rate, or with values of their own for the arguments below.
            lr: learning rate, or one for each picture, float64[P].
            betas: decay per step of the momentum, and of the second moments and preconditioners.
            eps: added to the root of the second moment.
            frequency: number of steps between updates of the eigenbases.
        """
        common = {"lr": lr, "betas": betas, "eps": eps, "frequency": frequency, "gain": 1.0}
        self.param_groups = [{**common, **group} for group in groups]
        self.state = defaultdict[Tensor, dict[str, Any]](dict)

    def zero_grad(self) -> None:
        """Clears the gradients of all parameters."""
        for group in self.param_groups:
            for param in group["params"]:
                param.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Updates every parameter that has a gradient."""
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                if param.dim() < 4:
                    update = _adam(param.grad, self.state[param], group, None)
                else:
                    update = _soap(param.grad, self.state[param], group)
                rate = group["lr"] * group["gain"]
                if isinstance(rate, Tensor):
                    rate = rate.to(param.dtype).reshape(-1, *[1] * (param.dim() - 1))
                param.sub_(update * rate)


def _adam(
    grad: Tensor, state: dict[str, Any], group: dict[str, Any], basis: tuple[Tensor, Tensor] | None
) -> Tensor:
    """Returns Adam's update for a learning rate of 1; second moments are in `basis` (left, right), if any."""
    (beta1, beta2), eps = group["betas"], group["eps"]
    if "step" not in state:
        state.update(step=0, mean=torch.zeros_like(grad), square=torch.zeros_like(grad))
    state["step"] += 1
    state["mean"].lerp_(grad, 1 - beta1)
    projected = _into(grad, basis)
    state["square"].mul_(beta2).addcmul_(projected, projected, value=1 - beta2)
    correction = (1 - beta2 ** state["step"]) ** 0.5 / (1 - beta1 ** state["step"])
    update = _into(state["mean"], basis) / state["square"].sqrt().add_(eps) * correction
    result: Tensor = update if basis is None else basis[0] @ update @ basis[1].mT
    return result


def _soap(grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    """Returns SOAP's update for a learning rate of 1; `state` has the preconditioners and their bases."""
    outer = (grad @ grad.mT, grad.mT @ grad)
    beta2 = group["betas"][1]
    if "left" not in state:
        # The first gradient only initializes the bases, as in the authors' code.
        state["left"], state["right"] = (product * (1 - beta2) for product in outer)
        state["basis"] = tuple(torch.linalg.eigh(state[side])[1].flip(-1) for side in ("left", "right"))
        return torch.zeros_like(grad)
    update = _adam(grad, state, group, state["basis"])
    for side, product in zip(("left", "right"), outer, strict=True):
        state[side].lerp_(product, 1 - beta2)
    if state["step"] % group["frequency"] == 0:
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
