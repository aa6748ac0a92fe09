import copy
from collections.abc import Callable

import torch
from anir_toolchain.soap import Soap


def rates(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def test_vectors_are_updated_as_by_adam() -> None:
    mine, adams = (torch.tensor([[1.0, -2.0, 3.0]], requires_grad=True) for _ in range(2))
    soap, adam = Soap({mine: 0.5}), torch.optim.Adam([adams], lr=0.1, betas=(0.95, 0.95))
    for _ in range(5):
        for value in (mine, adams):
            (value**2 * torch.tensor([1.0, 5.0, 0.1])).sum().backward()
        soap.step(rates(0.2))
        adam.step()
        adam.zero_grad()
    assert torch.allclose(mine, adams, atol=1e-6)


def test_a_badly_conditioned_matrix_problem_is_solved_better_than_by_adam() -> None:
    generator = torch.Generator().manual_seed(0)
    left, right = (
        torch.linalg.qr(torch.randn(8, 8, generator=generator))[0] @ torch.diag(torch.logspace(0, -2, 8))
        for _ in range(2)
    )
    target = torch.randn(1, 2, 8, 8, generator=generator)

    def solve(make: Callable[[torch.Tensor], Callable[[float], None]]) -> float:
        value = torch.zeros(1, 2, 8, 8, requires_grad=True)
        advance = make(value)
        for step in range(600):
            value.grad = None
            loss = (left.mT @ (value - target) @ right).square().sum()
            loss.backward()
            advance(0.05 * (1 - step / 600))
        return loss.item()

    def by_soap(value: torch.Tensor) -> Callable[[float], None]:
        soap = Soap({value: 1.0})
        return lambda rate: soap.step(rates(rate))

    def by_adam(value: torch.Tensor) -> Callable[[float], None]:
        adam = torch.optim.Adam([value])

        def advance(rate: float) -> None:
            adam.param_groups[0]["lr"] = rate
            adam.step()

        return advance

    assert solve(by_soap) < 0.1 * solve(by_adam)


def test_an_optimizer_with_a_copied_state_continues_identically() -> None:
    def gradient(step: int) -> torch.Tensor:
        return torch.randn(1, 1, 4, 6, generator=torch.Generator().manual_seed(step))

    def advance(value: torch.Tensor, soap: Soap, steps: range) -> None:
        for step in steps:
            value.grad = gradient(step)
            soap.step(rates(0.01))

    straight = torch.zeros(1, 1, 4, 6, requires_grad=True)
    advance(straight, Soap({straight: 1.0}), range(35))
    broken = torch.zeros(1, 1, 4, 6, requires_grad=True)
    first, second = Soap({broken: 1.0}), Soap({broken: 1.0})
    advance(broken, first, range(17))
    second.state[broken] = copy.deepcopy(first.state[broken])
    advance(broken, second, range(17, 35))
    assert torch.equal(straight, broken)


def test_pictures_are_optimized_independently_each_at_its_own_rate() -> None:
    start = torch.randn(2, 3, 4, 8, generator=torch.Generator().manual_seed(0))
    vectors = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(1))

    def learned(which: slice, *own: float) -> list[torch.Tensor]:
        values = [value[which].clone().requires_grad_() for value in (start, vectors)]
        soap = Soap(dict.fromkeys(values, 1.0))
        for _ in range(25):
            for value in values:
                (value.square() * value.square()).sum().backward()
            soap.step(rates(*own))
        return values

    together = learned(slice(None), 0.02, 0.005)
    for i, rate in enumerate((0.02, 0.005)):
        alone = learned(slice(i, i + 1), rate)
        assert all(torch.equal(own[i], other[0]) for own, other in zip(together, alone, strict=True))
    assert not torch.equal(together[0], start)
