import pytest
import torch
from anir_toolchain.families import family
from anir_toolchain.trunk import Trunk
from anir_toolchain.trunk_trainer import TrunkTrainer


def _trainer(name: str = "siren", width: int = 16) -> TrunkTrainer:
    generator = torch.Generator().manual_seed(0)
    return TrunkTrainer(Trunk.create(family(name), (2, 3), width, 4, (64, 48), 3, 10.0, generator))


def _points() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    x, y = torch.rand(2, 512, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return x, y, torch.stack([torch.sin(3 * x), torch.cos(2 * y), x * y], 1)


def _train(trainer: TrunkTrainer, steps: int, rate: float = 1e-2) -> None:
    points = _points()
    for _ in range(steps):
        parameters = trainer.parameters("fit", 0.0)
        trainer.update(parameters, [trainer.tile_gradients(parameters, 512, *points)], rate)


def test_a_family_may_learn_faster_than_the_preset_says() -> None:
    siren, fourier = _trainer(), _trainer("fourier")
    assert fourier.rate_factor == pytest.approx(siren.rate_factor * 1.5)


def test_tiles_add_up_to_the_whole() -> None:
    trainer, points = _trainer(), _points()
    trainer.trunk = trainer.trunk.to(torch.device("cpu"))
    parameters = trainer.parameters("fit", 0.0)
    errors, gradients = trainer.tile_gradients(parameters, 512, *points)
    tiles = [
        trainer.tile_gradients(parameters, 512, *part)
        for part in zip(*(torch.split(own, 200) for own in points), strict=True)
    ]
    torch.testing.assert_close(sum(own for own, _ in tiles), errors)
    for name, gradient in gradients.items():
        torch.testing.assert_close(sum(own[name] for _, own in tiles), gradient, rtol=1e-4, atol=1e-7)
    rgb = trainer.trunk.colours(parameters, *points[:2], [])
    want = [(own - points[2].T).square().mean().item() for own in rgb]
    assert errors.tolist() == pytest.approx(want, rel=1e-5)


def test_a_trunk_that_diverges_goes_back_and_on_at_half_the_rate() -> None:
    trainer = _trainer()
    trainer.trunk.parameters = trainer.trunk.to(torch.device("cpu")).parameters
    trainer = TrunkTrainer(trainer.trunk)
    _train(trainer, 52)
    before, rate = trainer.least_error, trainer.rate_factor
    with torch.no_grad():
        trainer.trunk.parameters["head"].mul_(50)
    _train(trainer, 1)
    assert trainer.rate_factor == rate / 2
    _train(trainer, 3)
    assert trainer.error.mean() < 2 * before
    assert trainer.rate_factor == rate / 2


def test_errors_begin_anew_when_quantization_begins() -> None:
    trainer = TrunkTrainer(_trainer().trunk.to(torch.device("cpu")))
    _train(trainer, 60)
    assert trainer.backup
    trainer.begin_quantization()
    assert not trainer.backup
    assert trainer.guarded_from == 160
    # What looks like a divergence is not one yet.
    rate = trainer.rate_factor
    with torch.no_grad():
        trainer.trunk.parameters["head"].mul_(50)
    _train(trainer, 5)
    assert trainer.rate_factor == rate


@pytest.mark.parametrize(("width", "factor"), [(256, 0.5**0.5), (128, 1.0), (64, 2**0.5), (16, 1.6)])
def test_narrow_trunks_learn_faster_within_bounds(width: int, factor: float) -> None:
    assert _trainer(width=width).rate_factor == pytest.approx(factor)


def test_a_state_goes_on_where_it_was() -> None:
    straight, broken = (TrunkTrainer(_trainer().trunk.to(torch.device("cpu"))) for _ in range(2))
    _train(straight, 70)
    _train(broken, 40)
    resumed = TrunkTrainer(_trainer().trunk.to(torch.device("cpu")))
    resumed.restore(broken.state())
    _train(resumed, 30)
    assert (resumed.steps, resumed.least_error) == (straight.steps, straight.least_error)
    for name, value in straight.trunk.parameters.items():
        assert torch.equal(resumed.trunk.parameters[name], value)
