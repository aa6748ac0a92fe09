import math
from collections.abc import Iterator, Sequence

import pytest
import torch
from anir_toolchain.families import family
from anir_toolchain.trunk import Trunk
from anir_toolchain.trunk_trainer import TrunkTrainer


def _trunk(name: str = "siren", width: int = 16, seed: int = 0) -> Trunk:
    generator = torch.Generator().manual_seed(seed)
    return Trunk.create(family(name), (2, 3), width, 4, (64, 48), 3, 10.0, generator)


def _trainer(name: str = "siren", width: int = 16) -> TrunkTrainer:
    return TrunkTrainer([_trunk(name, width)])


def _points(seeds: Sequence[int] = (1,)) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Returns x, y and colours of 512 random points of one picture for each seed."""
    drawn = [torch.rand(2, 512, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    x, y = (torch.stack(drawn) * 2 - 1).unbind(1)
    sharpness = torch.tensor(seeds)[:, None]
    return x, y, torch.stack([torch.sin(3 * x * sharpness), torch.cos(2 * y), x * y], -1)


def _train(trainer: TrunkTrainer, steps: int, rate: float = 1e-2, seeds: Sequence[int] = (1,)) -> None:
    points = _points(seeds)
    for _ in range(steps):
        parameters = trainer.parameters("fit", 0.0)
        trainer.update(parameters, [trainer.tile_gradients(parameters, 512, *points)], rate)


def test_a_family_may_have_a_higher_learning_rate() -> None:
    siren, fourier = _trainer(), _trainer("fourier")
    assert fourier.rate_factor.item() == pytest.approx(siren.rate_factor.item() * 1.5)


def test_errors_and_gradients_of_tiles_add_up_to_the_whole() -> None:
    trainer, points = _trainer(), _points()
    parameters = trainer.parameters("fit", 0.0)
    errors, gradients = trainer.tile_gradients(parameters, 512, *points)
    tiles = [
        trainer.tile_gradients(parameters, 512, *part)
        for part in zip(*(torch.split(own, 200, 1) for own in points), strict=True)
    ]
    torch.testing.assert_close(sum(own for own, _ in tiles), errors)
    for name, gradient in gradients.items():
        torch.testing.assert_close(sum(own[name] for _, own in tiles), gradient, rtol=1e-4, atol=1e-7)
    rgb = trainer.trunk.colours(parameters, *points[:2], [])
    want = [(own - points[2].mT).square().mean().item() for own in rgb]
    assert errors[0].tolist() == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("standing", [False, True])
def test_frozen_frequencies_keep_their_codes_while_phases_learn(standing: bool) -> None:
    trainer, points = _trainer("fourier"), _points()
    _train(trainer, 3)
    trainer.trunk.round_frequencies()
    before = trainer.trunk.parameters["filters"].detach().clone()
    for phase in ("fit", "soften", "settle"):
        parameters = trainer.parameters(phase, 0.5)
        if standing:
            torch.testing.assert_close(parameters["filters"][..., :2, :], before[..., :2, :])
        tile = trainer.tile_gradients(parameters, 512, *points)
        trainer.update(parameters, [tile], 1e-2, standing)
    moved = (trainer.trunk.parameters["filters"] != before).any(-1).any(1)[0]
    assert moved.tolist() == [not standing, not standing, True]


def test_a_diverging_trunk_is_restored_and_continues_at_half_the_rate() -> None:
    trainer = _trainer()
    _train(trainer, 52)
    before, rate = trainer.least_error.item(), trainer.rate_factor.item()
    with torch.no_grad():
        trainer.trunk.parameters["head"].mul_(50)
    _train(trainer, 1)
    assert trainer.diverged.all()
    # The trainer checks for divergence every ten steps.
    _train(trainer, 7)
    assert trainer.rate_factor.item() == rate / 2
    assert not trainer.diverged.any()
    _train(trainer, 3)
    assert trainer.error.mean() < 2 * before
    assert trainer.rate_factor.item() == rate / 2


@pytest.mark.parametrize(("quantized", "factor"), [(False, 0.5), (True, 1.0)])
def test_a_slow_rise_counts_as_divergence_in_real_numbers_only(quantized: bool, factor: float) -> None:
    trainer = _trainer()
    _train(trainer, 60)
    if quantized:
        trainer.guarded_from = trainer.steps
    rate = trainer.rate_factor.item()
    trainer.least_error = trainer.error.mean(-1) / 1.7
    _train(trainer, 10, rate=1e-9)
    assert trainer.rate_factor.item() == factor * rate


def test_only_states_near_the_least_error_replace_a_backup() -> None:
    seeds = (1, 2)
    trainer = TrunkTrainer([_trunk(seed=seed) for seed in seeds])
    _train(trainer, 60, seeds=seeds)
    trainer.guarded_from = trainer.steps
    # The averaged errors come to rest, and the state is backed up after 150 steps.
    _train(trainer, 90, rate=1e-9, seeds=seeds)
    before = trainer.backup["parameters"]["weight"].clone()
    trainer.least_error[1] /= 1.7
    with torch.no_grad():
        trainer.trunk.parameters["weight"].mul_(1.0001)
    _train(trainer, 50, rate=1e-9, seeds=seeds)
    after = trainer.backup["parameters"]["weight"]
    assert torch.equal(after[0], trainer.parts[0].parameters["weight"])
    assert torch.equal(after[1], before[1])
    assert not torch.equal(after[1], trainer.parts[1].parameters["weight"])


def test_pictures_learn_as_each_would_alone_even_if_one_diverges() -> None:
    seeds = (1, 2, 3)
    together = TrunkTrainer([_trunk(seed=seed) for seed in seeds])
    alone = [TrunkTrainer([_trunk(seed=seed)]) for seed in seeds]
    _train(together, 52, seeds=seeds)
    with torch.no_grad():
        together.parts[1].parameters["head"].mul_(math.nan)
    _train(together, 10, seeds=seeds)
    for i, seed in enumerate(seeds):
        _train(alone[i], 52, seeds=[seed])
        if i == 1:
            with torch.no_grad():
                alone[i].parts[0].parameters["head"].mul_(math.nan)
        _train(alone[i], 10, seeds=[seed])
        for name, value in together.parts[i].parameters.items():
            assert value.isfinite().all()
            assert torch.equal(value, alone[i].parts[0].parameters[name])
            assert torch.equal(value, together.trunk.parameters[name][i])
    assert together.rate_factor.tolist() == [1.6, 0.8, 1.6]


def test_divergence_checks_start_anew_when_quantization_begins() -> None:
    trainer = _trainer()
    _train(trainer, 60)
    assert trainer.backup
    trainer.begin_quantization()
    assert not trainer.backup
    assert trainer.guarded_from == 160
    # Shortly after quantization begins, a large error does not count as divergence.
    rate = trainer.rate_factor.item()
    with torch.no_grad():
        trainer.trunk.parameters["head"].mul_(50)
    _train(trainer, 10)
    assert trainer.rate_factor.item() == rate


@pytest.mark.parametrize(("width", "factor"), [(256, 0.5**0.5), (128, 1.0), (64, 2**0.5), (16, 1.6)])
def test_narrow_trunks_learn_faster_within_bounds(width: int, factor: float) -> None:
    assert _trainer(width=width).rate_factor.tolist() == pytest.approx([factor])


def test_states_resume_identically_in_any_batch() -> None:
    seeds = (1, 2, 3)
    straight = TrunkTrainer([_trunk(seed=seed) for seed in seeds])
    _train(straight, 40, seeds=seeds)
    states = [straight.state(i) for i in range(3)]
    trunks = [part.with_parameters(_copied(part.parameters)) for part in straight.parts]
    _train(straight, 65, seeds=seeds)
    for company in ([0], [2, 1]):
        resumed = TrunkTrainer([trunks[i] for i in company])
        resumed.restore([states[i] for i in company])
        _train(resumed, 65, seeds=[seeds[i] for i in company])
        assert resumed.steps == straight.steps
        for place, i in enumerate(company):
            assert resumed.least_error[place] == straight.least_error[i]
            for name, value in straight.parts[i].parameters.items():
                assert torch.equal(resumed.parts[place].parameters[name], value)


def test_a_state_holds_only_the_values_of_its_own_picture() -> None:
    trainer = TrunkTrainer([_trunk(seed=seed) for seed in (1, 2, 3)])
    _train(trainer, 50, seeds=(1, 2, 3))
    tensors = list(_tensors(trainer.state(1)))
    assert len(tensors) > 40
    assert all(tensor.untyped_storage().nbytes() == tensor.nbytes for tensor in tensors)


def _tensors(state: object) -> Iterator[torch.Tensor]:
    if isinstance(state, torch.Tensor):
        yield state
    elif isinstance(state, dict | tuple):
        for own in state.values() if isinstance(state, dict) else state:
            yield from _tensors(own)


def _copied(parameters: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in parameters.items()}
