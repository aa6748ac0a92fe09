"""The exported graph, rewritten so that a pixel costs matrix products and little else.

A value of the graph is constant, or depends on x, on y, or on both. Only the last kind stays: the new graph
takes values of x and y alone as inputs, has constants folded, and treats pixels as columns of matrices, one
[channels, pixels] per entry of a value's leading axis: what varies by row is then a factor for a long stretch
of memory.
"""

from collections.abc import Mapping, Sequence
from itertools import count, product
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anir_runtime.expansions import Expansion, Labels, coefficients
from anir_runtime.onnx_file import Node, number_attribute, number_attributes, text_attribute, write_model
from anir_runtime.products import Products
from anir_runtime.smooth import ACROSS, DOWN, Smooth, find

PROBE = {"x": np.linspace(-1, 1, 7, dtype=np.float32), "y": np.linspace(-1, 1, 5, dtype=np.float32)}
"""The grid on which `rewrite` wants its values."""

# fmt: off
ELEMENTWISE = frozenset([
    "Abs", "Add", "Ceil", "Clip", "Cos", "Div", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid",
    "HardSwish", "LeakyRelu", "Log", "Max", "Mean", "Min", "Mish", "Mul", "Neg", "Pow", "QuantizeLinear",
    "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "Sqrt", "Sub",
    "Sum", "Tan", "Tanh",
])
# fmt: on
_RESHAPING = frozenset(["Identity", "Reshape", "Squeeze", "Unsqueeze"])


class UnknownOperationError(Exception):
    """The graph does something over the grid that has no matrix form here."""


class Rewritten(NamedTuple):
    """A graph over matrices of pixels.

    Attributes:
        model: a serialized ModelProto with the output `image`, uint8[3, N].
        columns: the inputs [C, N], by the name of the value [F, 1, W, C] that they are entries of.
        rows: the inputs [C, N] or [C, 1], by the name of the value [F, H, 1, C] that they are entries of.
        products: sums of products of values of columns and of rows.
        expansions: what else depends on columns and rows.
        channels: of the widest input or matrix.
        smooth: the same graph with its smooth part at fewer points, if it has one and takes products alone.
    """

    model: bytes
    columns: dict[str, list[str]]
    rows: dict[str, list[str]]
    products: list[Products]
    expansions: list[Expansion]
    channels: int
    smooth: Smooth | None


def grid_nodes(nodes: Sequence[Node]) -> list[Node]:
    """The nodes whose results depend on both x and y."""
    sources = sources_of(nodes)
    return [node for node in nodes if sources[node.outputs[0]] == {"x", "y"}]


def varying_nodes(nodes: Sequence[Node]) -> list[Node]:
    """The nodes whose results depend on x or y."""
    sources = sources_of(nodes)
    return [node for node in nodes if sources[node.outputs[0]]]


def constants_needed(nodes: Sequence[Node]) -> list[str]:
    """Names of the values that `varying_nodes` read from other nodes."""
    sources = sources_of(nodes)
    fixed = {name for node in nodes for name in node.outputs if not sources[name]}
    return list(dict.fromkeys(n for node in varying_nodes(nodes) for n in node.inputs if n in fixed))


def values_needed(nodes: Sequence[Node]) -> list[str]:
    """Names of the values that `rewrite` wants to see: what nodes over the grid read and write."""
    names = [name for node in grid_nodes(nodes) for name in (*node.inputs, *node.outputs)]
    return [name for name in dict.fromkeys(names) if name and name not in PROBE]


def rewrite(model: bytes, nodes: Sequence[Node], values: Mapping[str, NDArray[np.generic]]) -> Rewritten:
    """Rewrites a ModelProto, given its nodes and the `values_needed` on PROBE.

    Raises:
        UnknownOperationError: if the graph has to run as it is.
    """
    rewriter = _Rewriter({**PROBE, **values}, sources_of(nodes))
    try:
        for node in grid_nodes(nodes):
            rewriter.add(node)
        return rewriter.finish(model)
    except KeyError as error:
        raise UnknownOperationError("an optional input or output is left out") from error


def sources_of(nodes: Sequence[Node]) -> dict[str, set[str]]:
    """Which of x and y the nodes' results depend on."""
    sources = {"x": {"x"}, "y": {"y"}}
    for node in nodes:
        union = {source for name in node.inputs for source in sources.get(name, ())}
        sources |= dict.fromkeys(node.outputs, union)
    return sources


class _Features(NamedTuple):
    """What an expansion gives, [U, V, P]: planes, seen from places across and down."""

    expansion: Expansion
    shape: tuple[int, int, int]


class _Rewriter:
    def __init__(
        self,
        values: Mapping[str, NDArray[np.generic]],
        sources: Mapping[str, set[str]],
    ) -> None:
        self._values, self._sources = values, sources
        self._entries: dict[str, list[str]] = {}
        self._matmuls: dict[str, tuple[list[str], NDArray[np.generic]]] = {}
        self._terms: dict[str, list[tuple[str, str]]] = {}
        self._products: list[Products] = []
        self._columns: dict[str, list[str]] = {}
        self._rows: dict[str, list[str]] = {}
        self._inputs: dict[str, int] = {}
        self._expansions: list[Expansion] = []
        self._expanded: dict[str, _Features] = {}
        self._constants: dict[str, NDArray[np.generic]] = {}
        self._nodes: list[Node] = []
        self._names = (f"_{i}" for i in count())

    def add(self, node: Node) -> None:
        """Translates the next node."""
        if node.kind == "Einsum" and len(node.inputs) != 2:
            self._expanded[node.outputs[0]] = self._expansion(node)
            return
        shapes = [self._shape(name) for name in node.outputs]
        if node.kind == "MatMul" and self._is_single_matrix(node.inputs[1]):
            weight = self._values[node.inputs[1]]
            self._matmuls[node.outputs[0]] = self._read(node.inputs[0]), weight.reshape(weight.shape[-2:])
        elif node.kind == "Pad" and self._pads_channels(node):
            before, after = self._values[node.inputs[1]].reshape(2, -1)[:, -1]
            pads = [np.array([before, 0, after, 0]), *(self._values[name] for name in node.inputs[2:])]
            constants = [self._constant(value) for value in pads]
            self._entries[node.outputs[0]] = [
                self._emit("Pad", entry, *constants, attributes=node.attributes)
                for entry in self._read(node.inputs[0])
            ]
        elif node.kind == "Add" and (biased := self._biased_product(node)):
            self._entries[node.outputs[0]] = biased
        elif node.kind in _RESHAPING and self._shape(node.inputs[0]) == shapes[0]:
            self._same(node.inputs[0], node.outputs[0])
        elif node.kind == "Split" and self._splits_entries(node):
            entries = iter(self._read(node.inputs[0]))
            for name, shape in zip(node.outputs, shapes, strict=True):
                self._entries[name] = [next(entries) for _ in range(shape[0])]
        elif node.kind == "Einsum":
            self._matmuls[node.outputs[0]] = self._head(node)
        elif node.kind == "Gather" and self._picks_channels(node):
            picked = self._values[node.inputs[1]].astype(np.intp)
            self._entries[node.outputs[0]] = [self._expand(self._expanded[node.inputs[0]], picked)]
        elif node.kind in ELEMENTWISE:
            self._add_elementwise(node, shapes[0][0])
        else:
            raise UnknownOperationError(node.kind)

    def _add_elementwise(self, node: Node, entries: int) -> None:
        if terms := self._terms_of(node):
            self._terms[node.outputs[0]] = terms
            return
        operands = [self._read(name) for name in node.inputs]
        if any(len(o) not in (1, entries) for o in operands):
            raise UnknownOperationError("broadcasting over several axes of entries")
        self._entries[node.outputs[0]] = [
            self._emit(node.kind, *(o[k % len(o)] for o in operands), attributes=node.attributes)
            for k in range(entries)
        ]

    def finish(self, model: bytes) -> Rewritten:
        """The whole, after the last node."""
        (image,) = self._read("image")
        self._emit("Identity", image, output="image")
        inputs: dict[str, tuple[int | None, ...]] = {name: (n, None) for name, n in self._inputs.items()}
        for expansion in self._expansions:
            inputs[expansion.part] = (len(expansion.coefficients), None, None)
            inputs |= {expansion.down: (None, 1, None, None), expansion.across: (None, 1, 1, None, None)}
        for own in self._products:
            inputs |= dict.fromkeys(own.across, (own.channels, len(own.columns), None))
            inputs |= dict.fromkeys(own.down, (own.channels, None, len(own.rows)))
        data = write_model(model, self._nodes, self._constants, inputs, "image")
        more = {**inputs, ACROSS: (None, None), DOWN: (None, None)}
        smooth = None
        if not (self._columns or self._rows or self._expansions):
            smooth = find(
                self._nodes,
                self._products,
                self._constants,
                lambda nodes, constants: write_model(model, nodes, constants, more, "image"),
            )
        matrices = (len(value) for value in self._constants.values() if value.ndim == 2)
        widest = max(*self._inputs.values(), *(own.channels for own in self._products), *matrices, 1)
        return Rewritten(data, self._columns, self._rows, self._products, self._expansions, widest, smooth)

    def _same(self, name: str, output: str) -> None:
        """Gives a value another name."""
        if name in self._expanded:
            self._expanded[output] = self._expanded[name]
        else:
            self._entries[output] = self._read(name)

    def _read(self, name: str) -> list[str]:
        """A value's entries in the new graph."""
        if name in self._matmuls:
            h, weight = self._matmuls[name]
            self._entries[name] = self._gemm(h, weight, np.zeros(1, np.float32))
        elif name in self._terms and name not in self._entries:
            self._entries[name] = self._sum(name)
        elif name in self._expanded:
            features = self._expanded[name]
            self._entries[name] = [self._expand(features, np.arange(prod(features.shape)))]
        elif name not in self._entries:
            entries, *_, channels = self._shape(name)
            sources = self._sources.get(name)
            if sources:
                names = [next(self._names) for _ in range(entries)]
                (self._columns if sources == {"x"} else self._rows)[name] = names
                self._inputs |= dict.fromkeys(names, channels)
            else:
                shape = (entries, channels, 1) if self._values[name].size > 1 else (1,)
                names = [self._constant(part) for part in self._values[name].reshape(shape)]
            self._entries[name] = names
        return self._entries[name]

    def _terms_of(self, node: Node) -> list[tuple[str, str]]:
        """Columns and rows whose products add up to the node's result, if it is such a sum."""
        if node.kind == "Add" and all(name in self._terms for name in node.inputs):
            terms = [term for name in node.inputs for term in self._terms[name]]
        elif node.kind == "Mul":
            by_source = {tuple(self._sources.get(name, ())): name for name in node.inputs}
            terms = [(by_source["x",], by_source["y",])] if by_source.keys() == {("x",), ("y",)} else []
        else:
            return []
        shape = self._shape(node.outputs[0])
        # None is repeated along an axis.
        alike = all(self._shape(name)[::3] == shape[::3] for term in terms for name in term)
        return terms if alike else []

    def _sum(self, name: str) -> list[str]:
        """The entries, [C, pixels], of a sum of products of columns and rows."""
        entries, *_, channels = self._shape(name)
        across, down = ([next(self._names) for _ in range(entries)] for _ in range(2))
        columns, rows = ([*values] for values in zip(*self._terms[name], strict=True))
        self._products.append(Products(columns, rows, across, down, channels))
        shape = self._constant(np.array([channels, -1]))
        return [
            self._emit("Reshape", self._emit("MatMul", *operands), shape)
            for operands in zip(down, across, strict=True)
        ]

    def _head(self, einsum: Node) -> tuple[list[str], NDArray[np.generic]]:
        """Channels times the rows of a constant: the entries that they are of, and the matrix."""
        (grid, rows), output = _equation(einsum)
        h, weight = einsum.inputs
        channels, matrix = self._values[h], self._values[weight]
        axes = grid[-3:] + rows[:1]
        is_product = (
            [len(grid), len(rows)] == [channels.ndim, matrix.ndim]
            and output == grid[-3:-1] + rows[:1]
            and rows[-1] == grid[-1]
            and len(set(axes)) == 4
        )
        # Other axes are apart from these, and have one entry.
        is_plain = not set(grid[:-3] + rows[1:-1]) & set(axes) and prod(channels.shape[:-3]) == 1
        fits = matrix.size == len(matrix) * channels.shape[-1]
        if self._sources.get(weight) or not (is_product and is_plain and fits):
            raise UnknownOperationError("a sum that is no matrix product")
        return self._read(h), matrix.reshape(-1, matrix.shape[-1]).T

    def _expansion(self, einsum: Node) -> "_Features":
        """A constant array times functions of rows and of columns."""
        terms, output = _equation(einsum)
        by_source = {
            tuple(self._sources.get(name, ())): (name, labels)
            for name, labels in zip(einsum.inputs, terms, strict=True)
        }
        if len(einsum.inputs) != 3 or by_source.keys() != {(), ("x",), ("y",)}:
            raise UnknownOperationError("a sum that is no expansion")
        (array, of_array), (columns, of_columns), (rows, of_rows) = (
            by_source[source] for source in ((), ("x",), ("y",))
        )
        labels = Labels(of_array, of_rows, of_columns)
        values = coefficients(self._values[array], labels, output)
        if values is None:
            raise UnknownOperationError("a sum of another form")
        views = [
            prod(self._values[name].shape[: len(labels.views(own))])
            for name, own in ((rows, of_rows), (columns, of_columns))
        ]
        counts = [self._values[name][..., 0].size for name in (rows, columns)]
        # Einsum would repeat what has an axis of 1 where the other's is longer.
        if counts != [count * own for count, own in zip(values.shape[1:], views, strict=True)]:
            raise UnknownOperationError("an axis that is repeated")
        names = (next(self._names) for _ in range(3))
        self._expansions.append(Expansion(values, rows, columns, *names))
        return _Features(self._expansions[-1], (views[1], views[0], len(values)))

    def _expand(self, features: "_Features", picked: NDArray[np.intp]) -> str:
        """Some features as a matrix [n, pixels], by their indices in [U, V, P]."""
        channels = list(zip(*np.unravel_index(picked % prod(features.shape), features.shape), strict=True))
        seen_from = [
            frozenset((u, v) for u, v, p in channels if p == plane) for plane in range(features.shape[2])
        ]
        parts, found = list[str](), list[tuple[int, ...]]()
        # Planes that are seen from the same places at once.
        for places in dict.fromkeys(filter(None, seen_from)):
            axes = (*(sorted(set(axis)) for axis in zip(*places, strict=True)),)
            own = (*axes, [p for p, others in enumerate(seen_from) if others == places])
            parts.append(self._product(features, *own))
            found += product(*own)
        whole = self._emit("Concat", *parts, attributes=[number_attribute("axis", 0)])
        return self._emit("Gather", whole, self._constant(np.array([found.index(one) for one in channels])))

    def _product(self, features: "_Features", across: list[int], down: list[int], planes: list[int]) -> str:
        """Features of these planes from these places, [n, pixels]."""
        *_, part, rows, columns = features.expansion
        operands = [
            name if len(own) == size else self._emit("Gather", name, self._constant(np.array(own)))
            for name, own, size in zip(
                (columns, rows, part), (across, down, planes), features.shape, strict=True
            )
        ]
        values = self._emit("MatMul", self._emit("MatMul", operands[1], operands[2]), operands[0])
        count = len(across) * len(down) * len(planes)
        return self._emit("Reshape", values, self._constant(np.array([count, -1])))

    def _picks_channels(self, gather: Node) -> bool:
        """Whether it gathers along the last axis of what an expansion gives, by a constant vector."""
        data, indices = gather.inputs
        is_vector = not self._sources.get(indices) and self._values[indices].ndim == 1
        is_last = number_attributes(gather).get("axis") == [self._values[data].ndim - 1]
        return data in self._expanded and is_vector and is_last

    def _pads_channels(self, pad: Node) -> bool:
        """Whether it adds constant channels and nothing else."""
        before, after = self._values[pad.inputs[1]].reshape(2, -1)
        return len(pad.inputs) <= 3 and not before[:-1].any() and not after[:-1].any()

    def _shape(self, name: str) -> tuple[int, int, int, int]:
        """A value's shape as (entries, rows, columns, channels), with an axis of 1 where it does not vary.

        What an expansion gives has other axes after rows and columns: channels, all of them.
        """
        shape = self._values[name].shape
        if name in self._expanded:
            shape = (*shape[:2], prod(shape[2:]))
        *entries, rows, columns, channels = (1,) * (3 - len(shape)) + shape
        sources = self._sources.get(name, set())
        if (rows, columns) != tuple(len(PROBE[axis]) if axis in sources else 1 for axis in "yx"):
            raise UnknownOperationError(f"a value of shape {shape}")
        return prod(entries), rows, columns, channels

    def _is_single_matrix(self, name: str) -> bool:
        return not self._sources.get(name) and prod(self._values[name].shape[:-2]) == 1

    def _splits_entries(self, split: Node) -> bool:
        whole, part = split.inputs[0], split.outputs[0]
        return self._values[whole].ndim == 4 and self._shape(whole)[1:] == self._shape(part)[1:]

    def _biased_product(self, add: Node) -> list[str] | None:
        """The entries of a product plus a constant vector, or None if it is no such sum."""
        for name, bias in (add.inputs, add.inputs[::-1]):
            if name in self._matmuls and not self._sources.get(bias) and self._shape(bias)[0] == 1:
                h, weight = self._matmuls[name]
                return self._gemm(h, weight, self._values[bias])
        return None

    def _gemm(
        self, matrices: Sequence[str], weight: NDArray[np.generic], bias: NDArray[np.generic]
    ) -> list[str]:
        """Wᵀ h + b of each matrix h."""
        w, b = self._constant(weight.T), self._constant(bias.reshape(-1, 1))
        return [self._emit("Gemm", w, h, b) for h in matrices]

    def _constant(self, value: NDArray[np.generic]) -> str:
        name = next(self._names)
        self._constants[name] = value
        return name

    def _emit(
        self, kind: str, *inputs: str, attributes: Sequence[bytes] = (), output: str | None = None
    ) -> str:
        name = output or next(self._names)
        self._nodes.append(Node(kind, list(inputs), [name], list(attributes)))
        return name


def _equation(einsum: Node) -> tuple[list[str], str]:
    """Einsum's labels of what goes in, and of what comes out."""
    terms, arrow, output = text_attribute(einsum, "equation").replace(" ", "").partition("->")
    labels = terms.replace(",", "")
    if not arrow:
        output = "".join(sorted(label for label in labels if labels.count(label) == 1))
    return terms.split(","), output
