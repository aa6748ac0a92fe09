import math

import pytest
import torch
from anir_toolchain.rate import entropy_bits, laplace_bits


@pytest.mark.parametrize("log_spread", [-3.0, -1.0, 0.0, 1.5])
def test_bits_are_those_of_a_rounded_laplace_distribution(log_spread: float) -> None:
    spread = torch.tensor([log_spread], dtype=torch.float64)
    scale = math.exp(log_spread)

    def share(code: int) -> float:
        below = [0.5 * math.exp(-abs(at) / scale) for at in (code - 0.5, code + 0.5)]
        return 1 - sum(below) if code == 0 else abs(below[0] - below[1])

    for code in (0, 1, -1, 4):
        bits = laplace_bits(torch.tensor([float(code)], dtype=torch.float64), spread)
        assert bits.item() == pytest.approx(-math.log2(share(code)))
    halfway = laplace_bits(torch.tensor([0.5], dtype=torch.float64), spread).item()
    assert halfway == pytest.approx(-(math.log2(share(0)) + math.log2(share(1))) / 2)


def test_gradients_lead_where_bits_do() -> None:
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(3, 20, generator=generator, dtype=torch.float64) * 2
    spread = torch.tensor([[-1.0], [0.0], [0.7]], dtype=torch.float64)
    assert torch.autograd.gradcheck(laplace_bits, (codes.requires_grad_(), spread.requires_grad_()))


def test_entropy_is_that_of_the_codes_frequencies() -> None:
    assert entropy_bits(torch.tensor([[-8.0, 0.0], [7.0, 0.0]])) == pytest.approx(4 * 1.5)
    assert entropy_bits(torch.zeros(100)) == 0.0
