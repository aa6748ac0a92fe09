import numpy as np
import pytest
import torch
from anir_toolchain.quantizer import code_range, lsq, quantize, soft_round
from hypothesis import given
from hypothesis import strategies as st


@given(st.floats(-3, 3, width=32), st.floats(0.0625, 2, width=32), st.sampled_from([4, 8]))
def test_codes_are_those_of_the_posters_formula_with_saturation(x: float, s: float, bits: int) -> None:
    half = 2 ** (bits - 1)
    scaled = np.float64(x) / np.float64(np.float32(s / half))
    k = np.clip(np.round(scaled + half), 0, 2 * half - 1)
    code = quantize(
        torch.tensor(x, dtype=torch.float64),
        torch.tensor(float(np.float32(s / half)), dtype=torch.float64),
        bits,
    )
    assert code.item() == k - half
    assert code_range(bits)[0] <= code.item() <= code_range(bits)[1]


def test_lsq_gradients_are_those_of_the_paper() -> None:
    values = torch.tensor([0.30, -0.26, 5.0, -5.0], requires_grad=True)
    step = torch.tensor([0.1], requires_grad=True)
    out = lsq(values, step, 4)
    assert torch.allclose(out, torch.tensor([0.3, -0.3, 0.7, -0.8]))
    out.sum().backward()
    assert values.grad is not None
    assert step.grad is not None
    assert values.grad.tolist() == [1, 1, 0, 0]
    # round(v/s) − v/s inside the range, the clipped code outside; all times 1 / √(N · Qp).
    inside = (3 - 3.0) + (-3 + 2.6)
    assert step.grad.item() == pytest.approx((inside + 7 - 8) / (4 * 7) ** 0.5, abs=1e-5)


def test_lsq_learns_one_step_per_row_with_its_own_gradient() -> None:
    values = torch.tensor([[0.5, 0.5], [9.0, 9.0]])
    step = torch.tensor([[1.0], [1.0]], requires_grad=True)
    lsq(values, step, 4).sum().backward()
    assert step.grad is not None
    assert step.grad.shape == (2, 1)
    assert step.grad[1].item() == pytest.approx(14 / (2 * 7) ** 0.5)


def test_soft_round_keeps_codes_and_midpoints_and_tends_to_rounding() -> None:
    codes = torch.arange(-8.0, 8.0)
    for temperature in torch.tensor([0.05, 0.3, 5.0]):
        assert torch.allclose(soft_round(codes, temperature), codes, atol=1e-5)
        assert torch.allclose(soft_round(codes + 0.5, temperature), codes + 0.5, atol=1e-5)
    values = torch.tensor([0.2, 0.8, -1.3])
    assert torch.allclose(soft_round(values, torch.tensor(100.0)), values, atol=1e-3)
    assert torch.allclose(soft_round(values, torch.tensor(0.02)), values.round(), atol=1e-3)
