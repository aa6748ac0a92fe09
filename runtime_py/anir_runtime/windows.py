"""Functions under windows, worked out only where their windows are open."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from anir_runtime.expansions import NEGLIGIBLE, Floats, Functions, choose
from anir_runtime.onnx_file import Node, with_constants
from anir_runtime.rewrite import ELEMENTWISE, PROBE

Open = Callable[[bytes], ort.InferenceSession]


class Windowed:
    """Cosines or sines times windows, [V, K, cells, N], where one constant alone tells cells apart."""

    def __init__(
        self, functions: ort.InferenceSession, windows: ort.InferenceSession, name: str, cells: Floats
    ) -> None:
        self._functions, self._windows = functions, windows
        self._name, self._cells = name, cells

    def at(self, x: Floats, y: Floats) -> Functions:
        """Those of all functions, by frequency and then by cell, that matter at columns x or rows y."""
        (windows,) = self._run(self._windows, self._cells, x, y)
        open_there = np.abs(windows).max((0, 1, 3)) > NEGLIGIBLE
        # ONNX Runtime refuses to work out nothing.
        own = np.flatnonzero(open_there) if open_there.any() else np.zeros(1, np.intp)
        (values,) = self._run(self._functions, self._cells[own], x, y)
        frequencies = values.shape[1]
        chosen, near = choose(values, frequencies * len(own))
        index = np.arange(frequencies)[:, None] * len(self._cells) + own
        return Functions(index.ravel()[chosen], near)

    def is_known(self) -> bool:
        """Whether a cell's functions are its own alone, and windows those of every frequency."""
        (whole,) = self._run(self._functions, self._cells, **PROBE)
        (windows,) = self._run(self._windows, self._cells, **PROBE)
        fits = whole.ndim == windows.ndim == 4 and whole.shape[2] == len(self._cells)
        fits = fits and windows.shape == (len(whole), 1, *whole.shape[2:])
        (last,) = self._run(self._functions, self._cells[-1:], **PROBE)
        return fits and np.array_equal(last, whole[:, :, -1:])

    def _run(
        self, session: ort.InferenceSession, cells: Floats, x: Floats, y: Floats
    ) -> list[NDArray[np.float32]]:
        return list(session.run(None, {"x": x, "y": y, self._name: cells}))


def windowed(
    model: bytes,
    nodes: Sequence[Node],
    constants: Mapping[str, NDArray[np.generic]],
    value: str,
    opened: Open,
) -> Windowed | None:
    """What works out a value of columns or rows alone, if it is such a product; else nothing.

    Args:
        model: a serialized ModelProto.
        nodes: those of it that vary.
        constants: the values that these read from other nodes.
        value: its name.
        opened: makes a session.
    """
    makers = {name: node for node in nodes for name in node.outputs}
    product = makers.get(value)
    while product and product.kind == "Identity":
        product = makers.get(product.inputs[0])
    own = _needed(nodes, value)
    cells = {
        name for node in own for name in node.inputs if name in constants and _is_column(constants[name])
    }
    is_plain = all(node.kind in {*ELEMENTWISE, "Identity"} for node in own)
    if not product or product.kind != "Mul" or len(cells) != 1 or not is_plain:
        return None
    (name,) = cells
    others = {n: v for n, v in constants.items() if n != name}
    for wave, window in (product.inputs, product.inputs[::-1]):
        if wave in makers and window in makers and makers[wave].kind in ("Cos", "Sin"):
            functions, windows = (
                opened(with_constants(model, _needed(nodes, out), others, [out], {name: (None, 1)}))
                for out in (value, window)
            )
            found = Windowed(functions, windows, name, constants[name].astype(np.float32))
            if found.is_known():
                return found
    return None


def _is_column(value: NDArray[np.generic]) -> bool:
    return value.ndim == 2 and value.shape[1] == 1 and len(value) > 1


def _needed(nodes: Sequence[Node], value: str) -> list[Node]:
    """The nodes that a value comes of, in order."""
    wanted, found = {value}, list[Node]()
    for node in reversed(nodes):
        if wanted.intersection(node.outputs):
            wanted.update(node.inputs)
            found.append(node)
    return found[::-1]
