import math

import pytest
import torch
from anir_toolchain.families import family
from anir_toolchain.model import Quantized
from anir_toolchain.trunk import Trunk

CPU = torch.device("cpu")


def _trunk(name: str, bits: int = 4) -> Trunk:
    """Returns a trunk whose steps suit its weights but differ from one another, as after training."""
    generator = torch.Generator().manual_seed(0)
    trunk = Trunk.create(family(name), (2, 4), 12, bits, (64, 48), 3, 10.0, generator).to(CPU)
    trunk.prepare_quantization()
    with torch.no_grad():
        own = trunk.parameters["log_step"]
        own += torch.rand(own.shape, generator=generator) * 0.4
    return trunk


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("name", ["siren", "gabor", "lapped"])
def test_codes_are_those_of_the_quantized_parameters(name: str, bits: int) -> None:
    trunk = _trunk(name, bits)
    head = Quantized(torch.ones(2, 3, 12, dtype=torch.int8), torch.ones(2, 3))
    codes, parameters = trunk.to_codes(head, torch.zeros(2, 3)), trunk.quantized()
    filters = family(name).filters(codes.filters.values)
    torch.testing.assert_close(filters, parameters["filters"].detach())
    torch.testing.assert_close(codes.bias.values, parameters["bias"].detach())
    weight = codes.weight * codes.step.values[:, None]
    passed = family(name).planes(3)
    torch.testing.assert_close(weight[..., passed:], parameters["weight"][..., passed:])
    assert not codes.weight[..., :passed].any()
    assert -(2 ** (bits - 1)) <= codes.weight.min() < codes.weight.max() <= 2 ** (bits - 1) - 1
    assert 1 <= codes.step.codes.min() <= codes.step.codes.max() == 127


def test_soft_quantization_ends_near_codes_and_lets_gradients_through() -> None:
    trunk = _trunk("siren")
    step = trunk.parameters["log_step"].exp()[:, None]

    def distance(progress: float) -> float:
        ratio = trunk.softly_quantized(progress)["weight"] / step
        return (ratio - ratio.round()).abs().mean().item()

    assert distance(0.0) > 1.5 * distance(0.6) > 10 * distance(1.0)
    trunk.softly_quantized(0.3)["weight"].square().sum().backward()
    for name in ("weight", "log_step"):
        gradient = trunk.parameters[name].grad
        assert gradient is not None
        assert gradient.abs().max() > 0


def test_settled_weights_and_steps_get_no_gradient() -> None:
    trunk = _trunk("siren")
    parameters = trunk.quantized()
    x = torch.linspace(-1, 1, 50)
    rgb = torch.stack(trunk.colours(parameters, x, x.flip(0), []))
    assert rgb.shape == (2, 3, 50)
    rgb.square().sum().backward()
    for name, value in trunk.parameters.items():
        assert (value.grad is None) == (name in ("weight", "log_step"))


def test_quantization_begins_with_steps_from_the_rms_and_biases_within_pi() -> None:
    trunk = _trunk("siren")
    with torch.no_grad():
        trunk.parameters["bias"].add_(50)
        before = trunk.parameters["bias"].sin()
    trunk.prepare_quantization()
    bias = trunk.parameters["bias"]
    assert -math.pi <= bias.min() <= bias.max() < math.pi
    torch.testing.assert_close(bias.sin(), before, atol=1e-4, rtol=0)
    rms = trunk.parameters["weight"].square().mean(1).sqrt()
    torch.testing.assert_close(trunk.parameters["log_step"].exp(), 0.3 * rms)


def test_weights_are_clipped_by_the_rms_of_their_output() -> None:
    trunk = _trunk("siren")
    with torch.no_grad():
        trunk.parameters["weight"][0, 0, 3] = 100.0
    rms = trunk.parameters["weight"].square().mean(1).sqrt()
    trunk.clip_weights()
    assert trunk.parameters["weight"][0, 0, 3].item() == pytest.approx(2.2 * rms[0, 3].item())


def test_depths_share_layers_and_take_their_own_features() -> None:
    trunk = _trunk("lapped")
    x = torch.linspace(-1, 1, 9)
    one, other = torch.zeros(9, 11), torch.ones(9, 11)
    shallow, deep = trunk.last_layers(trunk.parameters, x, x, [one, other])
    filters, weights, biases = (trunk.parameters[name] for name in ("filters", "weight", "bias"))
    assert torch.equal(shallow, trunk.family.forward(filters, weights[:1], biases, x, x, one, 3)[1])
    assert torch.equal(deep, trunk.family.forward(filters, weights, biases, x, x, other, 3)[3])
    assert torch.equal(deep[:, :3], other[:, :3])
