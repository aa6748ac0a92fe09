"""A graph of matrices in stages, between which numpy works out the sines.

ONNX Runtime's go value by value and take four times as long.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from anir_runtime.onnx_file import Node, extract, read_nodes


class Stages:
    """Works out one value of a graph, float32 matrices of which take sines."""

    def __init__(self, model: bytes, output: str, opened: Callable[[bytes], ort.InferenceSession]) -> None:
        """Cuts a serialized ModelProto; `opened` makes sessions."""
        stages = _cut(read_nodes(model))
        self._output = output
        self._steps = []
        known = set[str]()
        for at, stage in enumerate(stages):
            later = {output, *stage.sines}.union(*(other.read() for other in stages[at + 1 :]))
            outputs = sorted(stage.made() & later)
            # ONNX Runtime refuses to work out nothing.
            if not outputs:
                continue
            session = opened(extract(model, stage.nodes, sorted(known & stage.read()), outputs))
            inputs = [own.name for own in session.get_inputs()]
            self._steps.append((session, inputs, outputs, stage.sines))
            known |= {*outputs, *stage.sines.values()}

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[Any]:
        """The value; may be called from several threads."""
        values: dict[str, NDArray[Any]] = dict(inputs)
        for session, names, outputs, sines in self._steps:
            feeds = {name: values[name] for name in names}
            values |= zip(outputs, session.run(outputs, feeds), strict=True)
            # As silent as ONNX Runtime where a value is infinite.
            with np.errstate(invalid="ignore"):
                for source, name in sines.items():
                    # In place: nothing else reads it.
                    values[name] = np.sin(values[source], out=values[source])
        return values[self._output]


class _Stage(NamedTuple):
    """Nodes that wait for the same sines, and those of what they make: names of sines by their sources."""

    nodes: list[Node]
    sines: dict[str, str]

    def made(self) -> set[str]:
        return {name for node in self.nodes for name in node.outputs}

    def read(self) -> set[str]:
        return {name for node in self.nodes for name in node.inputs}


def _cut(nodes: list[Node]) -> list[_Stage]:
    """In stages; a sine of what has other readers, too, stays a node."""
    reads = Counter(name for node in nodes for name in node.inputs)
    stages, stage_of = [_Stage([], {})], dict[str, int]()
    for node in nodes:
        at = max((stage_of.get(name, 0) for name in node.inputs), default=0)
        if at == len(stages):
            stages.append(_Stage([], {}))
        source = node.inputs[0] if node.kind == "Sin" else ""
        if reads[source] == 1 and source in stages[at].made():
            stages[at].sines[source] = node.outputs[0]
            stage_of[node.outputs[0]] = at + 1
        else:
            stages[at].nodes.append(node)
            stage_of |= dict.fromkeys(node.outputs, at)
    return stages
