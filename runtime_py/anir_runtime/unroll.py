"""Steps that a graph repeats, written out: functions, and a network's layers, which a file has as a Scan."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from anir_runtime.onnx_file import (
    Body,
    Node,
    body,
    functions,
    number_attributes,
    read_nodes,
    with_changes,
    with_constants,
)
from anir_runtime.rewrite import sources_of
from anir_runtime.stream import evaluate

_MOST_STEPS = 64
"""More are no layers, but work for a loop."""


def inline(model: bytes) -> bytes:
    """The serialized ModelProto with functions' nodes in the place of their calls."""
    nodes, known = read_nodes(model), functions(model)
    calls = {at: node for at, node in enumerate(nodes) if node.kind in known}
    changed = {at: _called(call, known[call.kind]) for at, call in calls.items()}
    return with_changes(model, changed, {}) if changed else model


def _called(call: Node, function: Body) -> list[Node]:
    # What is left out has no name.
    names = dict(zip_longest(function.inputs, call.inputs, fillvalue=""))
    written = _renamed(function.nodes, names, lambda name: f"{name} within {call.outputs[0]}")
    results = zip(function.outputs, call.outputs, strict=False)
    return written + [Node("Identity", [names[a]], [b], []) for a, b in results if b]


def _renamed(nodes: Sequence[Node], names: dict[str, str], fresh: Callable[[str], str]) -> list[Node]:
    """Nodes that read what `names` says, and give values fresh names, which are added to it."""
    renamed = []
    for node in nodes:
        inputs = [names.get(name, name) for name in node.inputs]
        # An optional result that is left out has no name.
        names |= {name: fresh(name) for name in node.outputs if name}
        renamed.append(node._replace(inputs=inputs, outputs=[names.get(name, name) for name in node.outputs]))
    return renamed


def unroll(model: bytes) -> bytes:
    """The serialized ModelProto with the steps of Scans in their place, if those are such as layers are.

    Only last states come out of them, their bodies are plain nodes, a constant is among what they go along,
    and they are few.
    """
    nodes = read_nodes(model)
    for at, scan in enumerate(nodes):
        if scan.kind == "Scan" and (step := _step(scan)):
            stacks, sources = scan.inputs[len(scan.outputs) :], sources_of(nodes)
            # All have as many parts; one of x or y, which may go along the picture, does not tell how many.
            constant = [name for name in stacks if not sources.get(name)]
            values = evaluate(with_constants(model, nodes[:at], {}, constant[:1])) if constant else {}
            count = max(map(len, values.values()), default=0)
            if 0 < count <= _MOST_STEPS:
                written, constants = _written_out(scan, step, stacks, count)
                return unroll(with_changes(model, {at: written}, constants))
    return model


def _step(scan: Node) -> Body | None:
    """What the Scan repeats, unless parts come out of every step, or in another order than the usual one."""
    step, states = body(scan), len(scan.outputs)
    usual = {"body": [], "num_scan_inputs": [len(scan.inputs) - states]}
    fits = step and len(step.outputs) == states < len(step.inputs) == len(scan.inputs)
    return step if fits and number_attributes(scan) == usual else None


def _written_out(
    scan: Node, step: Body, stacks: list[str], count: int
) -> tuple[list[Node], dict[str, NDArray[np.int64]]]:
    """So many steps, and constants that they read."""

    def at(name: str, k: int) -> str:
        return f"{name} at step {k} of {scan.outputs[0]}"

    def within(name: str, k: int) -> str:
        return at(f"{name} within", k)

    ones, axis = f"steps of {scan.outputs[0]}", f"axis of {scan.outputs[0]}"
    written = []
    for stack in dict.fromkeys(stacks):
        parts = [at(stack, k) for k in range(count)]
        kept = [f"{part}, with its axis" for part in parts]
        written.append(Node("Split", [stack, ones], kept, []))
        written += [Node("Squeeze", [a, axis], [b], []) for a, b in zip(kept, parts, strict=True)]
    states = scan.inputs[: len(scan.outputs)]
    for k in range(count):
        names = dict(zip(step.inputs, [*states, *(at(stack, k) for stack in stacks)], strict=True))
        written += _renamed(step.nodes, names, partial(within, k=k))
        states = [names[name] for name in step.outputs]
    written += [Node("Identity", [a], [b], []) for a, b in zip(states, scan.outputs, strict=True)]
    return written, {ones: np.ones(count, np.int64), axis: np.zeros(1, np.int64)}
