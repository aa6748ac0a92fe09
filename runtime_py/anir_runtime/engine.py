"""ONNX Runtime sessions that draw rows of a subnet."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from anir_runtime.expansions import Functions, choose
from anir_runtime.interpolated import Interpolated
from anir_runtime.onnx_file import Node, read_nodes, with_constants, with_outputs
from anir_runtime.products import of_columns, of_rows
from anir_runtime.rewrite import (
    PROBE,
    Rewritten,
    UnknownOperationError,
    constants_needed,
    rewrite,
    values_needed,
    varying_nodes,
)
from anir_runtime.separable import separate
from anir_runtime.stages import Stages
from anir_runtime.stream import unpack
from anir_runtime.tiles import put, stretches
from anir_runtime.unroll import inline, unroll
from anir_runtime.windows import Windowed, windowed

_TILE_VALUES = 131072  # a matrix of pixels × channels that stays in a core's cache, with what it becomes

_TILE_COLUMNS = 128  # at most: the squarer a tile is, the less it reads of what belongs to a row or a column

Coordinates = NDArray[np.float32]
Draw = Callable[[slice], NDArray[np.uint8]]
"""Draws some of the rows, uint8[H, W, 3]; may be called from several threads."""


class Engine(Protocol):
    """Draws a subnet at any coordinates.

    Attributes:
        rows: as few of them cost about as much as fewer.
    """

    rows: int

    def start(self, x: Coordinates, y: Coordinates) -> Draw:
        """Prepares to draw the columns x, float32[W], of the rows y, float32[H]."""


def prepared(data: bytes) -> bytes:
    """An exported file as engines want it, where they know how.

    Calls and layers are written out, codes decoded, sines and exponentials of columns and rows taken apart.
    """
    return separate(unroll(unpack(inline(data))))


def open_file(data: bytes) -> ort.InferenceSession:
    """A session of a prepared file that also gives the values that engines ask for."""
    return _session(with_outputs(data, [name for name in _names(read_nodes(data)) if name != "image"]))


def open_as_exported(data: bytes) -> ort.InferenceSession:
    """A session of a file as it stands."""
    return _session(data)


def as_exported(file: ort.InferenceSession) -> Engine:
    """The engine that leaves all to ONNX Runtime. Raises what that raises where it cannot draw the file."""
    file.run(["image"], PROBE)
    return _AsExported(file)


def _names(nodes: list[Node]) -> list[str]:
    return list(dict.fromkeys([*values_needed(nodes), *constants_needed(nodes)]))


def make_engine(data: bytes, file: ort.InferenceSession) -> Engine:
    """The fastest engine for a prepared file, given what `open_file` made of it.

    Raises:
        FloatingPointError: if there are numbers too large to be taken apart.
    """
    nodes = read_nodes(data)
    names = _names(nodes)
    values = dict(zip(names, file.run(names, PROBE), strict=True))
    if not all(np.isfinite(value).all() for value in values.values()):
        raise FloatingPointError("not a number, or infinite")
    try:
        rewritten = rewrite(data, nodes, values)
    except UnknownOperationError:
        return as_exported(_session(data))
    # What does not vary, as codes that are decoded, is worked out once, here.
    constants = {name: values[name] for name in constants_needed(nodes)}
    varying = varying_nodes(nodes)
    windows = {
        name: windowed(data, varying, constants, name, _session)
        for e in rewritten.expansions
        for name in (e.columns, e.rows)
    }
    factors = [*rewritten.columns, *rewritten.rows, *(name for name in windows if not windows[name])]
    factors += [name for own in rewritten.products for name in (*own.columns, *own.rows)]
    # Windows leave nothing else in a file of local cosines.
    model = with_constants(data, varying, constants, [*dict.fromkeys(factors)]) if factors else None
    return _Matrices(model, rewritten, windows)


class _AsExported:
    """Runs the file as it is."""

    rows = 1

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session

    def start(self, x: Coordinates, y: Coordinates) -> Draw:
        def draw(part: slice) -> NDArray[np.uint8]:
            image: NDArray[np.uint8] = self._session.run(["image"], {"x": x, "y": y[part]})[0]
            return image

        return draw


class _Matrices:
    """Evaluates once per picture what depends on columns alone, once per row what depends on rows."""

    def __init__(
        self, factors: bytes | None, rewritten: Rewritten, windows: Mapping[str, Windowed | None]
    ) -> None:
        self._factors = _session(factors) if factors else None
        self._graph, self._windows = rewritten, windows
        self._stages = Stages(rewritten.model, "image", _session)
        self._interpolated = None
        if rewritten.smooth and self._factors:
            self._interpolated = Interpolated(rewritten.smooth, rewritten.products, self._values, _session)
        self._tile_pixels = max(1, _TILE_VALUES // rewritten.channels)
        self._longest, self.rows = self._tile_pixels, 1
        if rewritten.expansions or rewritten.products:
            self._longest = min(self._tile_pixels, _TILE_COLUMNS)
            self.rows = self._tile_pixels // self._longest
        if self._interpolated:
            self.rows = self._interpolated.rows

    def start(self, x: Coordinates, y: Coordinates) -> Draw:
        if self._interpolated and (draw_smooth := self._interpolated.start(x, y)):
            return draw_smooth
        width, expansions = len(x), self._graph.expansions
        rows = max(1, self._tile_pixels // min(width, self._longest))
        spans = list(stretches(width, self._longest))
        columns = [self._columns(x[span], rows) for span in spans]
        across = [self._functions([e.columns for e in expansions], x[span], x[:1], 2) for span in spans]
        lengths = {span.stop - span.start for span in spans}

        def draw(part: slice) -> NDArray[np.uint8]:
            own_y = y[part]
            image = np.empty((len(own_y), width, 3), np.uint8)
            factors, products = self._evaluate(self._graph.rows, x[:1], own_y), self._rows(own_y)
            for band in stretches(len(own_y), rows):
                bands = {name: v[:, band] for name, v in factors.items()}
                spread = {
                    n: {k: v if rows == 1 else v.repeat(n, axis=1) for k, v in bands.items()} for n in lengths
                }
                own = {name: np.ascontiguousarray(v[:, band]) for name, v in products.items()}
                down = self._functions([e.rows for e in expansions], x[:1], own_y[band], 1)
                for span, values, beside in zip(spans, columns, across, strict=True):
                    tile = image[band, span]
                    height, length, _ = tile.shape
                    feeds = own | spread[length]
                    # Of factors that pixels have each for themselves, as many as there are pixels.
                    feeds |= {k: v[:, : height * length] if v.ndim == 2 else v for k, v in values.items()}
                    for expansion, *both in zip(expansions, down, beside, strict=True):
                        feeds |= expansion.feeds(*both)
                    put(tile, self._stages.run(feeds))
            return image

        return draw

    def _columns(self, x: Coordinates, rows: int) -> dict[str, NDArray[np.float32]]:
        """What the matrix graph takes of columns, for so many rows: [C, N], and [C, T, w] for products."""
        y = np.zeros(1, np.float32)
        feeds = {k: np.tile(v, rows) for k, v in self._evaluate(self._graph.columns, x, y).items()}
        return feeds | of_columns(self._graph.products, lambda names: self._values(names, x, y))

    def _rows(self, y: Coordinates) -> dict[str, NDArray[np.float32]]:
        """What products take of rows, [C, H, T]."""
        return of_rows(self._graph.products, lambda names: self._values(names, np.zeros(1, np.float32), y))

    def _values(self, names: list[str], x: Coordinates, y: Coordinates) -> dict[str, NDArray[np.float32]]:
        """The exported graph's, of x or y alone."""
        # ONNX Runtime refuses to work out nothing.
        if not names or not self._factors:
            return {}
        once = list(dict.fromkeys(names))
        return dict(zip(once, self._factors.run(once, {"x": x, "y": y}), strict=True))

    def _functions(self, names: list[str], x: Coordinates, y: Coordinates, axis: int) -> list[Functions]:
        """Those of x or y alone, along that axis of coefficients, that matter there."""
        counts = [e.coefficients.shape[axis] for e in self._graph.expansions]
        return [self._functions_of(*own, x, y) for own in zip(names, counts, strict=True)]

    def _functions_of(self, name: str, count: int, x: Coordinates, y: Coordinates) -> Functions:
        if windows := self._windows[name]:
            return windows.at(x, y)
        return choose(self._values([name], x, y)[name], count)

    def _evaluate(
        self, inputs: dict[str, list[str]], x: Coordinates, y: Coordinates
    ) -> dict[str, NDArray[np.float32]]:
        """Values of x or y alone as inputs of the matrix graph, each [C, N]."""
        values = self._values(list(inputs), x, y)
        return {
            name: entry.T
            for value, names in inputs.items()
            for name, entry in zip(
                names, values[value].reshape(len(names), -1, values[value].shape[-1]), strict=True
            )
        }


def _session(model: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    # Unfolds the 4-bit weights to float once, at load; the fused kernels would round activations to 8 bits.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
