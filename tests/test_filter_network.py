import numpy as np
import pytest
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.families import mfn
from anir_runtime.filter_network import FilterNetwork
from anir_runtime.filters import Filters
from anir_runtime.layers import head, hidden_layers
from anir_runtime.network import Floats, Network

from tests import reference
from tests.pixels import assert_same_pixels
from tests.random_network import random_network


def _of(network: Network) -> FilterNetwork:
    return FilterNetwork(network, [*hidden_layers(network), head(network)], _flat)


def _flat(values: Floats) -> Floats:
    return values.reshape(len(values), -1)


@pytest.mark.parametrize("family", ["fourier", "gabor"])
@pytest.mark.parametrize(("size", "smooth"), [((60, 40), False), ((200, 130), True), ((1000, 17), True)])
def test_interpolation_between_nodes_draws_the_same_pixels(
    family: str, size: tuple[int, int], smooth: bool
) -> None:
    network = random_network(family, 3, 24)
    x, y = axis_coordinates(96, size[0], 10, 40), axis_coordinates(64, size[1], 10, 20)
    assert (len(x) * len(y) >= 16384 and _of(network)._choose_tiling(x, y) is not None) == smooth
    draw = mfn.renderer(network).start(x, y)
    got = np.concatenate([draw(slice(0, 5)), draw(slice(5, len(y)))])
    assert_same_pixels(got, reference.pixels(network, x, y))


def test_filters_that_are_too_rough_are_evaluated_at_all_pixels() -> None:
    network = random_network("fourier", 3, 24)
    far = np.linspace(-40, 40, 200, dtype=np.float32)
    assert _of(network)._choose_tiling(far, far) is None
    assert _of(network).start(far, far)(slice(0, 3)).shape == (3, 200, 3)


def test_the_tiling_for_a_size_is_chosen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[float] = []
    judge = Filters.nodes_needed

    def counted(filters: Filters, axis: int, half: float, size: float) -> int:
        judged.append(half)
        return judge(filters, axis, half, size)

    monkeypatch.setattr(Filters, "nodes_needed", counted)
    network, x = _of(random_network("fourier", 3, 24)), axis_coordinates(96, 200)
    first = network.start(x, x)(slice(0, 9))
    count = len(judged)
    assert np.array_equal(network.start(x, x)(slice(0, 9)), first)
    assert len(judged) == count > 0


def test_overflowing_values_do_not_stop_drawing() -> None:
    network = random_network("gabor", 3, 8)
    scale = network.tensors["filters.scale"].copy()
    scale[5] = -30
    tensors = {**network.tensors, "filters.scale": scale}
    x = axis_coordinates(96, 150)
    assert _of(Network("gabor", (96, 64), 4, tensors)).start(x, x)(slice(0, 9)).shape == (9, 150, 3)
