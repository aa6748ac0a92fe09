import pytest
import torch
from anir_toolchain.heads import Moments


def _problem() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    # Correlated channels: where rounding alone goes wrong.
    channels = torch.randn(4000, 4, generator=generator) @ torch.randn(4, 24, generator=generator)
    channels += 0.05 * torch.randn(4000, 24, generator=generator)
    return channels, torch.randn(4000, 3, generator=generator) * 0.1 + channels[:, :3] * 0.2 + 0.5


def _moments(channels: torch.Tensor, colours: torch.Tensor) -> Moments:
    moments = Moments(channels.shape[1], 3, torch.device("cpu"))
    for at in range(0, len(channels), 1000):
        moments.add(channels[at : at + 1000], colours[at : at + 1000])
    return moments


def test_at_many_bits_it_is_the_least_squares_solution() -> None:
    channels, colours = _problem()
    codes, step, bias = _moments(channels, colours).solve(16)
    rows = torch.cat([channels, torch.ones(len(channels), 1)], 1)
    best = torch.linalg.lstsq(rows, colours).solution
    error = (channels @ (codes * step[:, None]).T + bias - colours).square().mean()
    assert error <= (rows @ best - colours).square().mean() * 1.001


def test_steps_may_have_to_be_the_same() -> None:
    channels, colours = _problem()
    moments = _moments(channels, colours * torch.tensor([1.0, 0.1, 3.0]))
    codes, step, _ = moments.solve(8, shared_step=True)
    _, own, _ = moments.solve(8)
    assert step.tolist() == [own.max().item()] * 3
    assert codes.abs().amax(1)[2] == 127


def test_channels_of_little_energy_count_as_well() -> None:
    channels, colours = _problem()
    codes, step, _ = _moments(channels[:, :1], colours).solve(16)
    faint, faint_step, _ = _moments(channels[:, :1] * 1e-3, colours).solve(16)
    assert (faint * faint_step[:, None] * 1e-3).allclose(codes * step[:, None], rtol=1e-3)


def test_a_channel_that_is_next_to_nothing_does_not_set_the_step() -> None:
    channels, colours = _problem()
    _, step, _ = _moments(channels, colours).solve(8)
    channels[:, 5] *= 1e-6
    _, others, _ = _moments(channels, colours).solve(8)
    assert others.tolist() == pytest.approx(step.tolist(), rel=0.5)


def test_rounding_errors_make_up_for_one_another() -> None:
    channels, colours = _problem()
    moments = _moments(channels, colours)
    codes, step, bias = moments.solve(5)
    assert codes.abs().max() <= 16
    exact, _, exact_bias = moments.solve(20)
    exact = exact * (moments.solve(20)[1])[:, None]
    plain = (exact / step[:, None]).round() * step[:, None]

    def error(head: torch.Tensor, offset: torch.Tensor) -> float:
        return (channels @ head.T + offset - colours).square().mean().item()

    floor = error(exact, exact_bias)
    assert error(codes * step[:, None], bias) - floor < 0.5 * (error(plain, exact_bias) - floor)
