"""Entropy-coded codes, which a graph decodes by a Scan, decoded here: the same numbers, sooner.

A step of the Scan takes one code of every lane: range asymmetric numeral systems (Duda 2013), with contexts.
ONNX Runtime copies all that a step remembers, and looks a symbol up by comparing it with each.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from anir_runtime.onnx_file import Node, body, number_attributes, read_nodes, with_changes, with_constants

_INPUTS = ["state", "last", "before", "prior"]
_OUTPUTS = ["next_state", "next_last", "next_before", "code"]
_ATTRIBUTES: dict[str, list[int]] = {"body": [], "num_scan_inputs": [1]}
_STEP = """
near = Gather before places axis=1
activity = Conv near weights prior pads=1,1
is_above = Less limits activity
starts = Where is_above total zero
start = ReduceSum starts entries
low = Mod state total
slot = Add start low
is_below = Less slot each_top
ones = Where is_below zero one
symbol = ReduceSum ones entries
turn = Div state total
turns = Add turn one
frequency = Gather frequencies symbol
scaled = Mul turns frequency
top = Gather tops symbol
rest = Sub slot top
short = Add scaled rest
is_low = Less short least
reads = Where is_low one zero
ahead = CumSum reads across
read = Add ahead last
longer = Mul short word
taken = Gather words read
filled = Add longer taken
rank = Mod symbol symbols
code = Gather codes rank
size = Abs code
sizes = Concat size before axis=1
next_state = Where is_low filled short
next_last = ReduceMax read
next_before = Slice sizes origin remembered
"""
"""What the Scan does at a step: value = operation, operands, attributes."""

# fmt: off
_WHOLE = [
    "state", "last", "words", "places", "total", "least", "word", "tops", "each_top", "frequencies",
    "symbols", "zero", "one", "entries", "across", "origin", "remembered",
]
# fmt: on
"""Of the values around it, those that are whole numbers."""

Values = Mapping[str, NDArray[Any]]


def unpack(model: bytes) -> bytes:
    """The serialized ModelProto, with the codes in the place of their Scan if that is known here."""
    nodes = read_nodes(model)
    for at, node in enumerate(nodes):
        if node.kind == "Scan" and (names := _roles(node)):
            values = evaluate(with_constants(model, nodes[:at], {}, list(dict.fromkeys(names.values()))))
            codes = _decode({role: values[name] for role, name in names.items()})
            return model if codes is None else with_changes(model, {at: []}, {node.outputs[-1]: codes})
    return model


def _roles(scan: Node) -> dict[str, str]:
    """Names of the values around the Scan, by what they are in _STEP; none if it does something else."""
    repeated = body(scan)
    if not repeated:
        return {}
    step = [line.split() for line in _STEP.strip().split("\n")]
    want, have = [_INPUTS, *step, _OUTPUTS], [repeated.inputs, *map(_words, repeated.nodes), repeated.outputs]
    known = {word: word for word in chain(*step) if word[0].isupper() or "=" in word}
    around = set(chain(*step)) - {*known, *_INPUTS, *(value for value, *_ in step)}
    alike = [*map(len, want)] == [*map(len, have)] and number_attributes(scan) == _ATTRIBUTES
    if not alike or any(known.setdefault(a, b) != b for a, b in zip(chain(*want), chain(*have), strict=True)):
        return {}
    return {role: known[role] for role in around} | dict(zip(_INPUTS, scan.inputs, strict=True))


def _words(node: Node) -> list[str]:
    """The node as a line of _STEP."""
    attributes = [f"{name}={','.join(map(str, n))}" for name, n in number_attributes(node).items()]
    return [*node.outputs, "=", node.kind, *node.inputs, *attributes]


def evaluate(model: bytes) -> dict[str, NDArray[Any]]:
    """What comes out of a serialized ModelProto at one point."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    point = {value.name: np.zeros(1, np.float32) for value in session.get_inputs()}
    return dict(zip(names, session.run(names, point), strict=True))


def _decode(values: Values) -> NDArray[np.float32] | None:
    """All codes, float32[steps, 1, 1, lanes]; None if the values are not those of such a stream."""
    if any(values[role].dtype.kind not in "iu" for role in _WHOLE):
        return None
    whole = {role: values[role].astype(np.int64) for role in _WHOLE}
    limits, kernel, prior = values["limits"].ravel(), values["weights"][0], values["prior"].ravel()
    if not _fits(values, whole, limits):
        return None
    tops, words, state = whole["tops"], whole["words"], whole["state"].ravel()
    total, least, word, symbols = (int(whole[role].item()) for role in ("total", "least", "word", "symbols"))
    # Of each slot: its symbol's code and frequency, and the way from the slot to where its symbol starts.
    symbol = np.repeat(np.arange(tops.size), whole["frequencies"])
    codes = values["codes"].astype(np.float32)[symbol % symbols]
    frequencies, moves = whole["frequencies"][symbol], np.arange(symbol.size) - tops[symbol]
    steps, lanes, at = prior.size, state.size, int(whole["last"].item()) + 1
    # Activities, of which each step's become its codes; some reach beyond the last step.
    rows = np.repeat(np.pad(prior, (0, values["before"].shape[1]))[:, None], lanes, axis=1)
    later = whole["places"] + 1
    # With a lane of zeros on either side; then of the lane before, the own, and the one after.
    sizes = np.zeros(lanes + 2, np.float32)
    around = np.lib.stride_tricks.sliding_window_view(sizes, lanes)
    for step, row in enumerate(rows[:steps]):
        turns, slot = np.divmod(state, total)
        slot += limits.searchsorted(row) * total
        state = (turns + 1) * frequencies.take(slot) + moves.take(slot)
        low = (state < least).nonzero()[0]
        if low.size:
            state[low] = state[low] * word + words[at : at + low.size]
            at += low.size
        codes.take(slot, out=row, mode="clip")
        # Most steps have nothing but zeros, which tell nothing.
        if row.any():
            np.abs(row, out=sizes[1:-1])
            rows[later + step] += kernel @ around
    return rows[:steps, None, None]


def _fits(values: Values, whole: Values, limits: NDArray[Any]) -> bool:
    """Whether the tables fit together, and constants are what they are in every such stream."""
    frequencies, tops, tables = whole["frequencies"], whole["tops"], limits.size + 1
    places = whole["places"].tolist()
    constants: dict[str, Sequence[int]] = {
        "zero": [0],
        "one": [1],
        "entries": [1],
        "across": [2],
        "origin": [0, 0, 0],
        "remembered": values["before"].shape,
        "symbols": [len(values["codes"])],
    }
    return (
        all(whole[role].ravel().tolist() == list(numbers) for role, numbers in constants.items())
        and not values["before"].any()
        and set(places) <= set(range(values["before"].shape[1]))
        and len(set(places)) == len(places)
        and bool((frequencies >= 0).all() and (np.diff(limits) > 0).all())
        and np.array_equal(tops, frequencies.cumsum())
        and np.array_equal(tops, whole["each_top"].ravel())
        and tops.size == tables * len(values["codes"])
        and bool((tops[len(values["codes"]) - 1 :: len(values["codes"])] % whole["total"] == 0).all())
        and tops[-1] == tables * whole["total"].item()
    )
