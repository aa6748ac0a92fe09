"""The sine of a column's part plus a row's, from sines and cosines of either: no pixel has one of its own."""

from collections import Counter

from anir_runtime.onnx_file import Node, read_nodes, with_changes
from anir_runtime.rewrite import sources_of


def separate(model: bytes) -> bytes:
    """The serialized ModelProto, with sin(a + b) written as sin a · cos b + cos a · sin b."""
    nodes = read_nodes(model)
    sources, uses = sources_of(nodes), Counter(name for node in nodes for name in node.inputs)
    made_by = {name: at for at, node in enumerate(nodes) for name in node.outputs}
    changed: dict[int, list[Node]] = {}
    for at, sine in enumerate(nodes):
        summed = made_by.get(sine.inputs[0]) if sine.kind == "Sin" else None
        if summed is None or nodes[summed].kind != "Add" or uses[sine.inputs[0]] > 1:
            continue
        if sorted(map(sorted, (sources.get(name, set()) for name in nodes[summed].inputs))) == [["x"], ["y"]]:
            changed |= {summed: [], at: _separated(nodes[summed].inputs, sine.outputs[0])}
    return with_changes(model, changed, {}) if changed else model


def _separated(operands: list[str], output: str) -> list[Node]:
    parts = [(kind, name, f"{kind} {name} for {output}") for name in operands for kind in ("Sin", "Cos")]
    (*_, sin_a), (*_, cos_a), (*_, sin_b), (*_, cos_b) = parts
    products = [f"one half of {output}", f"the other half of {output}"]
    return [
        *(Node(kind, [name], [result], []) for kind, name, result in parts),
        Node("Mul", [sin_a, cos_b], [products[0]], []),
        Node("Mul", [cos_a, sin_b], [products[1]], []),
        Node("Add", products, [output], []),
    ]
