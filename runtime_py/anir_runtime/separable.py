"""Sines and exponentials of a column's part plus a row's, from those of either: no pixel has its own."""

from collections import Counter
from itertools import count

from anir_runtime.onnx_file import Node, has_graph, output_names, read_nodes, with_changes
from anir_runtime.rewrite import sources_of

Parts = tuple[str, str]
"""Names of a column's part and of a row's."""

_OF_SUMS = {"Sin": [("Sin", "Cos"), ("Cos", "Sin")], "Exp": [("Exp", "Exp")]}
"""Functions of a sum, as a sum of products of functions of its parts."""


def separate(model: bytes) -> bytes:
    """The serialized ModelProto, with products of columns and rows where there was a function of both.

    sin(a + b) = sin a · cos b + cos a · sin b and exp(a + b) = exp a · exp b; a sine divided by such an
    exponential has divided factors.
    """
    nodes = read_nodes(model)
    if any(map(has_graph, nodes)):
        return model
    separator = _Separator(sources_of(nodes))
    parts = [separator.add(node) for node in nodes]
    reads = Counter(name for node in nodes for name in node.inputs)
    reads.update(output_names(model))
    changed: dict[int, list[Node]] = {}
    apart = set[str]()
    for at, node in reversed([*enumerate(nodes)]):
        output = node.outputs[0]
        if output not in separator.products and not (output in separator.sums and output in apart):
            continue
        # Others may have need of its parts alone.
        is_whole = reads[output] > 0
        changed[at] = [*parts[at], *(separator.whole(node) if is_whole else [])]
        if node not in changed[at]:
            reads.subtract(node.inputs)
        apart.update(node.inputs)
    return with_changes(model, changed, {}) if changed else model


class _Separator:
    """Takes values over the grid apart, as sums of parts or as sums of products of parts."""

    def __init__(self, sources: dict[str, set[str]]) -> None:
        self._sources = sources
        self.sums: dict[str, Parts] = {}
        self.products: dict[str, list[Parts]] = {}
        self._numbers = count()

    def add(self, node: Node) -> list[Node]:
        """What gives the parts of the next node's result; nothing if it has none."""
        output, inputs = node.outputs[0], node.inputs
        if self._sources[output] != {"x", "y"}:
            return []
        if node.kind in ("Add", "Sum"):
            return self._add_sum(output, inputs)
        if node.kind == "Mul":
            return self._scale_sum(output, inputs)
        if node.kind in _OF_SUMS:
            return self._apply(output, inputs[0], _OF_SUMS[node.kind])
        return self._divide(output, *inputs) if node.kind == "Div" else []

    def _add_sum(self, output: str, addends: list[str]) -> list[Node]:
        columns, rows = list[str](), list[str]()
        for name in addends:
            if name in self.sums:
                columns.append(self.sums[name][0])
                rows.append(self.sums[name][1])
            elif self._sources.get(name) == {"x"}:
                columns.append(name)
            elif self._sources.get(name) != {"x", "y"}:
                rows.append(name)
            else:
                return []
        added = [self._node("Sum", names, output) for names in (columns, rows) if len(names) > 1]
        sums = iter(node.outputs[0] for node in added)
        column, row = (names[0] if len(names) == 1 else next(sums) for names in (columns, rows))
        self.sums[output] = column, row
        return added

    def _scale_sum(self, output: str, factors: list[str]) -> list[Node]:
        for name, factor in (factors, factors[::-1]):
            if name in self.sums and not self._sources.get(factor):
                column, row = (self._node("Mul", [part, factor], output) for part in self.sums[name])
                self.sums[output] = column.outputs[0], row.outputs[0]
                return [column, row]
        return []

    def _apply(self, output: str, name: str, functions: list[Parts]) -> list[Node]:
        if name not in self.sums:
            return []
        a, b = self.sums[name]
        return self._add_products(
            output, [(self._node(f, [a], output), self._node(g, [b], output)) for f, g in functions]
        )

    def _divide(self, output: str, name: str, by: str) -> list[Node]:
        if name not in self.products or len(self.products.get(by, [])) != 1:
            return []
        ((a, b),) = self.products[by]
        divided = [
            (self._node("Div", [p, a], output), self._node("Div", [q, b], output))
            for p, q in self.products[name]
        ]
        return self._add_products(output, divided)

    def _add_products(self, output: str, factors: list[tuple[Node, Node]]) -> list[Node]:
        self.products[output] = [(column.outputs[0], row.outputs[0]) for column, row in factors]
        return [factor for both in factors for factor in both]

    def whole(self, node: Node) -> list[Node]:
        """What gives the node's result: itself if that is a sum."""
        output = node.outputs[0]
        if output in self.sums:
            return [node]
        products = [self._node("Mul", list(parts), output) for parts in self.products[output]]
        kind = "Add" if len(products) == 2 else "Identity"
        return [*products, Node(kind, [product.outputs[0] for product in products], [output], [])]

    def _node(self, kind: str, inputs: list[str], output: str) -> Node:
        return Node(kind, inputs, [f"part {next(self._numbers)} of {output}"], [])
