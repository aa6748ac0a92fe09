import itertools
import math

import pytest
import torch
from anir_runtime import families as runtime_families
from anir_runtime.anir_header import FAMILIES, family_number
from anir_runtime.errors import AnirError
from anir_toolchain.families import families, family


def test_all_families_are_found() -> None:
    assert families().keys() >= {"fourier", "gabor", "lapped", "siren"}
    with pytest.raises(AnirError, match=f"there are {', '.join(sorted(families()))}"):
        family("no-such-family")


def test_every_family_has_a_renderer_and_a_number_in_anir_files() -> None:
    assert set(families()) == set(runtime_families.families()) == set(FAMILIES)
    assert [family_number(name) for name in FAMILIES] == list(range(len(FAMILIES)))
    with pytest.raises(AnirError, match="no-such-family networks cannot be written"):
        family_number("no-such-family")


@pytest.mark.parametrize("planes", [1, 3, 4])
def test_lapped_layers_pass_planes_on_and_add_sines_to_their_first_inputs(planes: int) -> None:
    generator = torch.Generator().manual_seed(1)
    weights = torch.rand(2, 5, 5, generator=generator)
    z = torch.tensor([[0.5, -0.2, 0.1, 0.4]])
    nothing = torch.empty(1, 0, 5), weights, torch.empty(0, 5)
    layers = family("lapped").forward(*nothing, z[:, 0], z[:, 0], z, planes)
    first = h = [0.5, -0.2, 0.1, 0.4, math.pi / 2]
    assert layers[0].tolist() == [pytest.approx(h)]
    for weight, layer in zip(weights.tolist(), layers[1:], strict=True):
        sums = [sum(h[i] * weight[i][o] for i in range(5)) for o in range(planes, 5)]
        h = first[:planes] + [own + math.sin(angle) for own, angle in zip(first[planes:], sums, strict=True)]
        assert layer.tolist() == [pytest.approx(h, abs=1e-5)]


def _one_point(name: str) -> tuple[list[float], torch.Tensor, torch.Tensor, torch.Tensor]:
    """Returns the second layer's channels at (0.3, −0.6), the filters, hidden weights and biases."""
    generator = torch.Generator().manual_seed(1)
    filters = family(name).init_filters(2, 3, (1.0, 1.0), 9.0, 99.0, generator)
    weights = torch.rand(1, 3, 3, generator=generator)
    biases = torch.rand(0 if family(name).lean else 1, 3, generator=generator)
    layers = family(name).forward(filters, weights, biases, torch.tensor([0.3]), torch.tensor([-0.6]))
    assert len(layers) == 2
    return layers[1][0].tolist(), filters, weights[0], biases


def test_siren_is_sines_of_sines() -> None:
    got, filters, weight, bias = _one_point("siren")
    wx, wy, phase = filters[0].tolist()
    h = [math.sin(0.3 * wx[c] - 0.6 * wy[c] + phase[c]) for c in range(3)]
    want = [math.sin(sum(h[i] * weight[i, o].item() for i in range(3)) + bias[0, o].item()) for o in range(3)]
    assert got == pytest.approx(want, abs=1e-5)


@pytest.mark.parametrize("name", ["fourier", "gabor"])
def test_filter_networks_multiply_by_a_filter_per_layer(name: str) -> None:
    got, filters, weight, _ = _one_point(name)

    def response(bank: int, c: int) -> float:
        wx, wy, phase, *envelope = filters[bank, :, c].tolist()
        mx, my, gamma = envelope or (0, 0, 0)
        dx, dy = 0.3 - mx, -0.6 - my
        return math.sin(0.3 * wx - 0.6 * wy + phase) * math.exp(-gamma * (dx**2 + dy**2))

    h = [response(0, c) for c in range(3)]
    products = [sum(h[i] * weight[i, o].item() for i in range(3)) * response(1, o) for o in range(3)]
    want = [product / math.sqrt(1 + sum(p**2 for p in products)) for product in products]
    assert got == pytest.approx(want, abs=1e-5)


@pytest.mark.parametrize("name", ["fourier", "gabor"])
def test_filter_networks_are_normalized_by_their_first_eight_channels(name: str) -> None:
    generator = torch.Generator().manual_seed(1)
    filters = family(name).init_filters(2, 12, (1.0, 1.0), 9.0, 99.0, generator)
    weights = 20 * torch.rand(1, 12, 12, generator=generator)
    at = torch.rand(2, 50, generator=generator)
    layers = family(name).forward(filters, weights, torch.empty(0, 12), *at)
    for layer in layers:
        assert (layer[:, :8].square().sum(1) < 1).all()
    assert layers[1][:, :8].square().sum(1).max() > 0.9
    # The norm leaves out the ninth channel, so that larger weights to it change that channel alone.
    weights[:, :, 8] *= 100
    larger = family(name).forward(filters, weights, torch.empty(0, 12), *at)[1]
    torch.testing.assert_close(larger[:, 8], 100 * layers[1][:, 8])
    torch.testing.assert_close(larger[:, :8], layers[1][:, :8])


@pytest.mark.parametrize("name", ["fourier", "gabor", "siren"])
def test_initial_filters_have_the_declared_shape_and_follow_the_aspect_ratio(name: str) -> None:
    kind = family(name)
    filters = kind.init_filters(4, 4000, (2.0, 0.5), 30.0, 1e6, torch.Generator().manual_seed(0))
    assert filters.shape == (kind.banks(4), len(kind.filter_bits), 4000)
    spread = filters.std(dim=2)
    assert (spread[:, 0] / spread[:, 1]).tolist() == pytest.approx([4.0] * kind.banks(4), rel=0.1)


def test_initial_frequencies_fall_by_bank_grow_with_width_and_have_a_long_tail() -> None:
    def spread(width: int, bandwidth: float) -> list[float]:
        generator = torch.Generator().manual_seed(0)
        filters = family("fourier").init_filters(4, width, (1.0, 1.0), bandwidth, 1e6, generator)
        return filters[:, :2].square().mean((1, 2)).sqrt().tolist()

    narrow, wide = spread(5000, 0.3), spread(20000, 0.3)
    assert [b / a for a, b in itertools.pairwise(wide)] == pytest.approx([0.7] * 3, rel=0.05)
    assert [b / a for a, b in zip(narrow, wide, strict=True)] == pytest.approx([2.0] * 4, rel=0.05)
    assert [b / a for a, b in zip(wide, spread(20000, 0.6), strict=True)] == pytest.approx([2.0] * 4)
    first = family("gabor").init_filters(1, 20000, (1.0, 1.0), 0.3, 1e6, torch.Generator().manual_seed(0))[0]
    # Kurtosis E[x⁴] / E[x²]²: 3 for a normal variable, here 3 · 4! / 2!².
    assert (first[0] ** 4).mean() / first[0].square().mean() ** 2 == pytest.approx(18, rel=0.15)
    assert first[2].abs().max() <= math.pi


@pytest.mark.parametrize("name", ["fourier", "gabor"])
def test_highest_initial_frequencies_add_up_to_a_share_of_the_pixels_limit(name: str) -> None:
    for depth in (2, 5):
        filters = family(name).init_filters(
            depth, 400, (1.0, 1.0), 30.0, 90.0, torch.Generator().manual_seed(0)
        )
        highest = filters[:, :2].norm(dim=1).amax(1)
        assert highest.sum().item() == pytest.approx(0.4 * 90, rel=1e-5)
        assert (highest[1:] / highest[:-1]).tolist() == pytest.approx([0.7] * (depth - 1), rel=1e-5)


@pytest.mark.parametrize("name", ["fourier", "gabor", "siren"])
def test_filters_are_recovered_from_their_signed_square_roots(name: str) -> None:
    own, filters = family(name), torch.tensor([-9.0, 0.0, 0.25])
    assert own.roots(filters).tolist() == ([-9, 0, 0.25] if name == "siren" else [-3, 0, 0.5])
    assert own.filters(own.roots(filters)).tolist() == filters.tolist()


def test_gaussians_that_would_grow_are_confined() -> None:
    filters = torch.tensor([-9.0, -9.0, -9.0, -9.0, -9.0, -0.5]).reshape(1, 6, 1)
    assert family("gabor").confined(filters).flatten().tolist() == [-9, -9, -9, -9, -9, 0]
