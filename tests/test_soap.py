import copy
from collections.abc import Callable
from typing import Any

import torch
from anir_toolchain.soap import Soap


def test_vectors_are_updated_as_by_adam() -> None:
    mine, adams = (torch.tensor([[1.0, -2.0, 3.0]], requires_grad=True) for _ in range(2))
    soap = Soap([{"params": [mine]}], lr=0.1, betas=(0.9, 0.99))
    adam = torch.optim.Adam([adams], lr=0.1, betas=(0.9, 0.99))
    for _ in range(5):
        for value, optimizer in ((mine, soap), (adams, adam)):
            optimizer.zero_grad()
            (value**2 * torch.tensor([1.0, 5.0, 0.1])).sum().backward()
            optimizer.step()
    assert torch.allclose(mine, adams, atol=1e-6)


def test_a_badly_conditioned_matrix_problem_is_solved_better_than_by_adam() -> None:
    generator = torch.Generator().manual_seed(0)
    left, right = (
        torch.linalg.qr(torch.randn(8, 8, generator=generator))[0] @ torch.diag(torch.logspace(0, -2, 8))
        for _ in range(2)
    )
    target = torch.randn(1, 2, 8, 8, generator=generator)

    def solve(make: Callable[..., Any]) -> float:
        value = torch.zeros(1, 2, 8, 8, requires_grad=True)
        optimizer = make([{"params": [value]}], lr=0.05)
        for step in range(600):
            for group in optimizer.param_groups:
                group["lr"] = 0.05 * (1 - step / 600)
            optimizer.zero_grad()
            loss = (left.mT @ (value - target) @ right).square().sum()
            loss.backward()
            optimizer.step()
        return loss.item()

    assert solve(Soap) < 0.1 * solve(torch.optim.Adam)


def test_an_optimizer_with_a_copied_state_continues_identically() -> None:
    def gradient(step: int) -> torch.Tensor:
        return torch.randn(1, 1, 4, 6, generator=torch.Generator().manual_seed(step))

    def advance(value: torch.Tensor, soap: Soap, steps: range) -> None:
        for step in steps:
            value.grad = gradient(step)
            soap.step()

    straight = torch.zeros(1, 1, 4, 6, requires_grad=True)
    soap = Soap([{"params": [straight]}], lr=0.01, frequency=3)
    advance(straight, soap, range(12))
    broken = torch.zeros(1, 1, 4, 6, requires_grad=True)
    first = Soap([{"params": [broken]}], lr=0.01, frequency=3)
    advance(broken, first, range(7))
    second = Soap([{"params": [broken]}], lr=0.01, frequency=3)
    second.state[broken] = copy.deepcopy(first.state[broken])
    advance(broken, second, range(7, 12))
    assert torch.equal(straight, broken)


def test_pictures_are_optimized_independently_each_at_its_own_rate() -> None:
    start = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    vectors = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(1))
    rates = [0.02, 0.005]

    def learned(which: slice, rate: float | torch.Tensor) -> list[torch.Tensor]:
        values = [own[which].clone().requires_grad_() for own in (start, vectors)]
        soap = Soap([{"params": values}], lr=rate, frequency=3)
        for _ in range(8):
            soap.zero_grad()
            for value in values:
                (value.square() * value.square()).sum().backward()
            soap.step()
        return values

    together = learned(slice(None), torch.tensor(rates, dtype=torch.float64))
    for i, rate in enumerate(rates):
        alone = learned(slice(i, i + 1), rate)
        assert all(torch.equal(own[i], other[0]) for own, other in zip(together, alone, strict=True))
    assert not torch.equal(together[0], start)
