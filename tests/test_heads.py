import numpy as np
import pytest
from anir_toolchain.heads import Moments, offset_bits
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


def _problem() -> tuple[Doubles, Doubles]:
    random = np.random.default_rng(0)
    # As the channels are correlated, rounding each weight by itself gives large errors.
    channels = random.normal(size=(4000, 4)) @ random.normal(size=(4, 24))
    channels += 0.05 * random.normal(size=(4000, 24))
    return channels, random.normal(size=(4000, 3)) * 0.1 + channels[:, :3] * 0.2 + 0.5


def test_at_many_bits_a_head_is_the_least_squares_solution() -> None:
    channels, colours = _problem()
    codes, step, bias = Moments.of(channels, colours).solve(16)
    rows = np.concatenate([channels, np.ones((len(channels), 1))], 1)
    best = np.linalg.lstsq(rows, colours, rcond=None)[0]
    error = np.square(channels @ (codes * step[:, None]).T + bias - colours).mean()
    assert error <= np.square(rows @ best - colours).mean() * 1.001


def test_a_shared_step_is_the_largest_of_the_steps() -> None:
    channels, colours = _problem()
    moments = Moments.of(channels, colours * [1.0, 0.1, 3.0])
    codes, step, _ = moments.solve(8, shared_step=True)
    _, own, _ = moments.solve(8)
    assert step.tolist() == [own.max()] * 3
    assert np.abs(codes).max(1)[2] == 127


def test_channels_of_little_energy_are_fitted_as_well() -> None:
    channels, colours = _problem()
    codes, step, _ = Moments.of(channels[:, :1], colours).solve(16)
    faint, faint_step, _ = Moments.of(channels[:, :1] * 1e-3, colours).solve(16)
    np.testing.assert_allclose(faint * faint_step[:, None] * 1e-3, codes * step[:, None], rtol=1e-3)


def test_a_negligible_channel_does_not_determine_the_step() -> None:
    channels, colours = _problem()
    _, step, _ = Moments.of(channels, colours).solve(8)
    channels[:, 5] *= 1e-6
    _, others, _ = Moments.of(channels, colours).solve(8)
    assert others.tolist() == pytest.approx(step.tolist(), rel=0.5)


def test_channels_that_are_zero_everywhere_change_nothing() -> None:
    channels, colours = _problem()
    dark = np.concatenate([channels, np.zeros((len(channels), 40))], axis=1)
    codes, step, _ = Moments.of(channels, colours).solve(8)
    more, same_step, _ = Moments.of(dark, colours).solve(8)
    assert same_step.tolist() == pytest.approx(step.tolist())
    assert more.tolist() == np.pad(codes, ((0, 0), (0, 40))).tolist()
    nothing = Moments.of(np.zeros((9, 5)), np.full((9, 3), 0.5)).solve(8)
    assert [values.tolist() for values in nothing[::2]] == [[[0] * 5] * 3, pytest.approx([0.5] * 3, rel=1e-4)]


def test_rounding_errors_compensate_for_one_another() -> None:
    channels, colours = _problem()
    moments = Moments.of(channels, colours)
    codes, step, bias = moments.solve(5)
    assert np.abs(codes).max() <= 16
    exact, exact_step, exact_bias = moments.solve(20)
    exact = exact * exact_step[:, None]
    plain = np.rint(exact / step[:, None]) * step[:, None]

    def error(head: Doubles, offset: Doubles) -> float:
        return float(np.square(channels @ head.T + offset - colours).mean())

    floor = error(exact, exact_bias)
    assert error(codes * step[:, None], bias) - floor < 0.5 * (error(plain, exact_bias) - floor)


def test_head_offsets_restore_a_changed_head() -> None:
    channels, colours = _problem()
    codes, step, bias = Moments.of(channels, colours).solve(8, shared_step=True)
    head = {"head": codes.astype(np.int8), "head.scale": step, "head.bias": bias}
    away = np.random.default_rng(1).integers(-8, 8, (3, 21))
    moved = codes.copy()
    moved[:, 3:] -= away
    offsets = Moments.of(channels, colours).head_offsets({**head, "head": moved.astype(np.int8)}, 8, 0.0)
    shown = codes.copy()
    shown[:, 3:] = moved[:, 3:] + offsets

    def error(head: Doubles) -> float:
        return float(np.square(channels @ (head * step[:, None]).T + bias - colours).mean())

    assert -8 <= offsets.min() < offsets.max() <= 7
    assert error(shown) - error(codes) < 0.05 * (error(moved) - error(codes))


def test_head_offsets_take_fewer_bits_at_a_higher_price() -> None:
    channels, colours = _problem()
    moments = Moments.of(channels, colours)
    codes, step, bias = moments.solve(8, shared_step=True)
    codes[:, 3:] += np.random.default_rng(1).integers(-8, 8, (3, 21))
    head = {"head": codes.astype(np.int8), "head.scale": step, "head.bias": bias}

    def bits(price: float) -> float:
        return offset_bits(moments.head_offsets(head, 8, price))

    free, some, none = bits(0.0), bits(1e-4), bits(1e3)
    assert free > some > none == pytest.approx(0.3 * 3 * 21)
