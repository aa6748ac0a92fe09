"""Functions under windows, against all of them worked out everywhere."""

from collections.abc import Callable, Sequence

import numpy as np
import onnxruntime as ort
import pytest
from anir_runtime.engine import open_file, prepared
from anir_runtime.expansions import choose
from anir_runtime.onnx_file import Node, read_nodes, with_constants
from anir_runtime.rewrite import PROBE, constants_needed, rewrite, values_needed, varying_nodes
from anir_runtime.windows import Windowed, windowed
from anir_toolchain.export import build
from anir_toolchain.space import Subnet
from numpy.typing import NDArray

from tests.random_model import random_model

Values = dict[str, NDArray[np.generic]]


class _Lapped:
    """What an engine knows of a file of local cosines."""

    def __init__(self) -> None:
        model = random_model("lapped", size=(320, 200))
        self.data = prepared(build(model, Subnet(2, 16)).SerializeToString())
        nodes = read_nodes(self.data)
        names = [*values_needed(nodes), *constants_needed(nodes)]
        values = dict(zip(names, _run(open_file(self.data), names, **PROBE), strict=True))
        (expansion,) = rewrite(self.data, nodes, values).expansions
        self.columns, self.rows = expansion.columns, expansion.rows
        self.counts = expansion.coefficients.shape[1:]
        self.varying = varying_nodes(nodes)
        self.constants: Values = {name: values[name] for name in constants_needed(nodes)}

    def windowed(self, value: str, nodes: Sequence[Node] | None = None) -> Windowed | None:
        return windowed(self.data, nodes or self.varying, self.constants, value, ort.InferenceSession)

    def product(self) -> Node:
        """That columns come of."""
        makers = {name: node for node in self.varying for name in node.outputs}
        return makers[makers[self.columns].inputs[0]]


def _run(session: ort.InferenceSession, names: list[str], **feeds: NDArray[np.float32]) -> list[NDArray]:
    return list(session.run(names, feeds))


@pytest.fixture(scope="module")
def lapped() -> _Lapped:
    return _Lapped()


@pytest.mark.parametrize("stretch", [(-1, -0.7), (0.1, 0.2), (0.999, 1), (-1, 1), (3, 4)])
@pytest.mark.parametrize("axis", ["columns", "rows"])
def test_functions_are_those_that_matter_of_all(
    lapped: _Lapped, axis: str, stretch: tuple[float, float]
) -> None:
    points, nothing = np.linspace(*stretch, 9, dtype=np.float32), np.zeros(1, np.float32)
    x, y = (points, nothing) if axis == "columns" else (nothing, points)
    name, count = (lapped.columns, lapped.counts[1]) if axis == "columns" else (lapped.rows, lapped.counts[0])
    windows = lapped.windowed(name)
    assert windows
    got = windows.at(x, y)

    whole = ort.InferenceSession(with_constants(lapped.data, lapped.varying, lapped.constants, [name]))
    want = choose(_run(whole, [name], x=x, y=y)[0], count)
    assert sorted(got.chosen) == sorted(want.chosen)
    order = np.argsort(got.chosen)
    assert np.array_equal(got.values[:, order], want.values[:, np.argsort(want.chosen)])
    if stretch == (0.1, 0.2):
        assert 0 < len(got.chosen) < count / 4


def _waves_grow(lapped: _Lapped) -> Callable[[Node], Node]:
    wave = lapped.product().inputs[0]
    return lambda node: node._replace(kind="Exp") if wave in node.outputs else node


def _cells_are_added_up(lapped: _Lapped) -> Callable[[Node], Node]:
    wave = lapped.product().inputs[0]
    (angles,) = (node.inputs[0] for node in lapped.varying if wave in node.outputs)
    return lambda node: node._replace(kind="CumSum") if angles in node.outputs else node


def _a_sum_of_both(lapped: _Lapped) -> Callable[[Node], Node]:
    product = lapped.product().outputs
    return lambda node: node._replace(kind="Add") if node.outputs == product else node


@pytest.mark.parametrize("change", [_waves_grow, _cells_are_added_up, _a_sum_of_both])
def test_what_is_no_wave_under_a_window_is_worked_out_everywhere(
    lapped: _Lapped, change: Callable[[_Lapped], Callable[[Node], Node]]
) -> None:
    assert lapped.windowed(lapped.columns)
    changed = [*map(change(lapped), lapped.varying)]
    assert changed != lapped.varying
    assert lapped.windowed(lapped.columns, changed) is None


def test_cells_that_two_constants_tell_apart_are_not_known(lapped: _Lapped) -> None:
    more = {"another": np.zeros((2, 1), np.float32)}
    constants, lapped.constants = lapped.constants, lapped.constants | more
    try:
        nodes = [
            node._replace(inputs=[*node.inputs[:-1], "another"]) if node.kind == "Min" else node
            for node in lapped.varying
        ]
        assert lapped.windowed(lapped.columns, nodes) is None
    finally:
        lapped.constants = constants


def test_coordinates_themselves_are_under_no_window(lapped: _Lapped) -> None:
    assert lapped.windowed("x") is None
