"""A small writer of compact ONNX graphs: one-letter names, raw-packed integers, shared constants."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice, product, zip_longest
from string import ascii_letters, digits, punctuation

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

OPSET = 21
IR_VERSION = 10
_OPSETS = [onnx.OperatorSetIdProto(version=OPSET)]
"""The empty domain of onnx's own operations, unwritten."""
_OWN_DOMAIN = "f"

Attribute = int | str | list[int] | onnx.GraphProto


class Graph:
    """Nodes and initializers in the order they are added; values are named by strings."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._functions: list[onnx.FunctionProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._names = (f"_{i}" for i in count())

    def op(self, kind: str, *inputs: str, **attributes: Attribute) -> str:
        """Adds a node with one output and returns that output's name."""
        return self.split_op(kind, 1, *inputs, **attributes)[0]

    def split_op(self, kind: str, outputs: int, *inputs: str, **attributes: Attribute) -> list[str]:
        """Adds a node with several outputs and returns their names."""
        names = self.names(outputs)
        self._nodes.append(helper.make_node(kind, list(inputs), names, **attributes))  # type: ignore[arg-type]
        return names

    def names(self, count: int) -> list[str]:
        """Fresh names for values."""
        return list(islice(self._names, count))

    def repeat(self, times: int, step: Callable[..., str], state: str, *stacks: str) -> str:
        """What `state` has become after so many steps.

        Args:
            times: how many.
            step: adds a step's nodes: step(graph, state, *parts) gives the next state, of the same shape.
            state: what there is before the first one.
            stacks: values with a part for each step along the first axis; a single step reads them whole.
        """
        if times == 1:
            return step(self, state, *stacks)
        # As many bytes for any number of steps.
        body = self.body()
        names = body.names(1 + len(stacks))
        return self.op(
            "Scan",
            state,
            *stacks,
            body=body.as_body(names, [step(body, *names)]),
            num_scan_inputs=len(stacks),
        )

    def function(self, arguments: int, emit: Callable[..., str]) -> Callable[..., str]:
        """What adds a call of nodes that are written once, given values by name: it gives the result's name.

        Args:
            arguments: how many.
            emit: adds the nodes, which have no constants: emit(graph, *arguments) gives the result.
        """
        body, name = Graph(), ascii_letters[len(self._functions)]
        parameters = body.names(arguments)
        function = onnx.FunctionProto(name=name, domain=_OWN_DOMAIN, opset_import=_OPSETS)
        function.output.append(emit(body, *parameters))
        function.input.extend(parameters)
        function.node.extend(body._nodes)
        self._functions.append(function)
        return lambda *values: self.op(name, *values, domain=_OWN_DOMAIN)

    def body(self) -> "Graph":
        """A graph whose nodes are its own, for an attribute; it shares this one's names and constants."""
        body = Graph()
        body._names, body._initializers, body._constants = self._names, self._initializers, self._constants
        return body

    def as_body(self, inputs: list[str], outputs: list[str]) -> onnx.GraphProto:
        """This graph as an attribute."""
        values = [[onnx.ValueInfoProto(name=name) for name in names] for names in (inputs, outputs)]
        return onnx.GraphProto(name="b", node=self._nodes, input=values[0], output=values[1])

    def tensor(self, array: NDArray[np.generic]) -> str:
        """Adds an initializer stored as raw bytes."""
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        return self._add(helper.make_tensor("", kind, array.shape, _raw(array), raw=True))

    def int4(self, codes: NDArray[np.int8]) -> str:
        """Adds an INT4 initializer from codes in [-8, 7], two to a byte, the first in the low half."""
        return self._add(helper.make_tensor("", TensorProto.INT4, codes.shape, pack_int4(codes), raw=True))

    def integers(self, *values: int) -> str:
        """A shared int64 vector, stored as varints: a byte each where small."""
        return self.varints(np.array(values, np.int64))

    def int32(self, value: int) -> str:
        """A shared int32 scalar."""
        return self.varints(np.array(value, np.int32))

    def varints(self, array: NDArray[np.int32] | NDArray[np.int64]) -> str:
        """A shared tensor, its integers stored as varints (a byte each where small) or raw if shorter."""
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        forms = (
            helper.make_tensor("", kind, array.shape, array.reshape(-1)),
            helper.make_tensor("", kind, array.shape, _raw(array), raw=True),
        )
        return self._shared(min(forms, key=onnx.TensorProto.ByteSize))

    def scalar(self, value: float) -> str:
        """A shared float32 scalar."""
        return self._shared(
            helper.make_tensor("", TensorProto.FLOAT, [], _raw(np.array(value, np.float32)), raw=True)
        )

    def rename_output(self, value: str, name: str) -> None:
        """Gives the value that the last node puts out a public name."""
        outputs = self._nodes[-1].output
        outputs[list(outputs).index(value)] = name

    def model(
        self,
        inputs: list[onnx.ValueInfoProto],
        outputs: list[onnx.ValueInfoProto],
        metadata: dict[str, str],
    ) -> onnx.ModelProto:
        """The finished model, verified by onnx's full check."""
        graph = helper.make_graph(self._nodes, "g", inputs, outputs, self._initializers)
        _shorten_names(graph, {value.name for value in (*inputs, *outputs)})
        for function in self._functions:
            _shorten_names_within(function)
        own = [onnx.OperatorSetIdProto(domain=_OWN_DOMAIN, version=1)] if self._functions else []
        model = helper.make_model(
            graph, opset_imports=_OPSETS + own, ir_version=IR_VERSION, functions=self._functions
        )
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        return model

    def _add(self, tensor: onnx.TensorProto) -> str:
        tensor.name = next(self._names)
        self._initializers.append(tensor)
        return str(tensor.name)

    def _shared(self, tensor: onnx.TensorProto) -> str:
        key = (str(tensor.data_type), tuple(tensor.dims), tensor.SerializeToString())
        if key not in self._constants:
            self._constants[key] = self._add(tensor)
        return self._constants[key]


def _raw(array: NDArray[np.generic]) -> bytes:
    return array.astype(array.dtype.newbyteorder("<")).tobytes()


def _shorten_names(graph: onnx.GraphProto, public: set[str]) -> None:
    """Gives values names of one or two letters, the shortest to those that are named most often.

    A value within the first node that has a graph of its own, and one that is made of what the node puts out,
    may have the same name, as neither can see the other; or else one within another such node.
    """
    often = Counter(_names(graph))
    inner = [{name for body in _bodies(node) for name in _defined(body)} for node in graph.node]
    inner = [names for names in inner if names]
    first, others, later = set().union(*inner[:1]), set().union(*inner[1:]), set[str]()
    for node in graph.node:
        if later.intersection(node.input) or any(_bodies(node)):
            later.update(node.output)
    later -= public

    def ranked(some: set[str]) -> list[str]:
        return [name for name, _ in often.most_common() if name in some]

    groups = [[name for name in names if name] for names in zip_longest(ranked(first), ranked(later))]
    unshared = (group for group in groups if len(group) == 1 and group[0] in first)
    for name in ranked(others):
        if group := next(unshared, None):
            group.append(name)
        else:
            groups.append([name])
    groups += [[name] for name in often if name not in first | others | later | public]
    letters = ascii_letters + digits + punctuation
    short = ("".join(name) for length in (1, 2) for name in product(letters, repeat=length))
    free = (name for name in short if name not in public)
    groups.sort(key=lambda names: -sum(often[name] for name in names))
    _rename(graph, {name: to for names, to in zip(groups, free, strict=False) for name in names})


def _shorten_names_within(function: onnx.FunctionProto) -> None:
    """Gives a function's values, which nothing else sees, names of one letter."""
    values = dict.fromkeys(name for node in function.node for name in (*node.input, *node.output) if name)
    names = dict(zip(values, ascii_letters, strict=False))
    _rename_nodes(function.node, names)
    function.input[:] = [names[name] for name in function.input]
    function.output[:] = [names[name] for name in function.output]


def _bodies(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    return [attribute.g for attribute in node.attribute if attribute.HasField("g")]


def _names(graph: onnx.GraphProto) -> Iterator[str]:
    """The names of values, as often as they stand there."""
    for node in graph.node:
        yield from (*node.input, *node.output)
        for body in _bodies(node):
            yield from _names(body)
    yield from (value.name for value in (*graph.initializer, *graph.input, *graph.output))


def _defined(body: onnx.GraphProto) -> Iterator[str]:
    """The values that a node's own graph defines."""
    yield from (value.name for value in body.input)
    yield from (name for node in body.node for name in node.output)


def _rename_nodes(nodes: Iterable[onnx.NodeProto], names: dict[str, str]) -> None:
    for node in nodes:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for body in _bodies(node):
            _rename(body, names)


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    _rename_nodes(graph.node, names)
    for value in (*graph.initializer, *graph.input, *graph.output):
        value.name = names.get(value.name, value.name)


def pack_int4(codes: NDArray[np.int8]) -> bytes:
    """Packs codes in [-8, 7], in row-major order, two to a byte, the first in the low half."""
    flat = codes.reshape(-1).view(np.uint8) & 0x0F
    flat = np.append(flat, np.zeros(flat.size % 2, np.uint8))
    return (flat[0::2] | flat[1::2] << 4).tobytes()
