"""Small ONNX files that try to break whoever opens them, and sound ones, with the verdicts that are due."""

from collections.abc import Callable

import numpy as np
import onnx
from anir_runtime.network import Network
from anir_runtime.protobuf import write
from onnx import ModelProto, TensorProto, helper

from tests.fuzz.external_data import variants
from tests.named_file import named_file, named_model, raw
from tests.random_network import random_network

DRAWN, REFUSED = "drawn", "refused"
Files = dict[str, tuple[bytes, str]]
Change = Callable[[ModelProto], None]
_FAMILIES = ("siren", "fourier", "gabor", "lapped")
_LOOKED_AT = (
    "initializer",
    "absolute-path",
    "location-alone",
    "entries-alone",
    "second-graph",
    "behind-a-group",
)
"""Variants of external data that a reader by name sees: of the other places in a file it knows nothing."""
_GRAPH, _INITIALIZER, _DIMS, _NAME, _RAW = 7, 5, 1, 8, 9


def onnx_files() -> Files:
    """All of them by name."""
    files: Files = {}
    for family in _FAMILIES:
        files[f"sound-{family}"] = named_file(_network(family)), DRAWN
    for name, data in variants().items():
        verdict = REFUSED if name in _LOOKED_AT else DRAWN
        files[f"external-{name}"] = data + named_file(_network("siren")), verdict
    return files | _messages() | _entries() | _shapes() | _numbers() | _streams()


def _network(family: str) -> Network:
    return random_network(family, 2, 8 if family == "lapped" else 4, (40, 24), order=4)


def _changed(change: Change, family: str = "siren") -> bytes:
    model = named_model(_network(family))
    change(model)
    return model.SerializeToString()


def _tensor(model: ModelProto, name: str) -> TensorProto:
    return next(own for own in model.graph.initializer if own.name == name)


def _replace(name: str, array: object) -> Change:
    return lambda model: _tensor(model, name).CopyFrom(raw(name, np.asarray(array)))


def _scaled(name: str, factor: object, kind: type) -> Change:
    def change(model: ModelProto) -> None:
        array = onnx.numpy_helper.to_array(_tensor(model, name))
        _tensor(model, name).CopyFrom(raw(name, (array * factor).astype(kind)))

    return change


def _set(**entries: str | None) -> Change:
    def change(model: ModelProto) -> None:
        all_entries = {own.key: own.value for own in model.metadata_props} | entries
        helper.set_model_props(model, {k: v for k, v in all_entries.items() if v is not None})

    return change


def _messages() -> Files:
    """Faults of the protobuf message."""
    sound, other = named_file(_network("siren")), named_file(_network("fourier"))
    nested = b""
    for _ in range(900):
        nested = write((1, write((5, write((6, nested))))))
    return {
        "empty": (b"", REFUSED),
        "text": (b"not a picture at all", REFUSED),
        "zeros": (bytes(400), REFUSED),
        "truncated-half": (sound[: len(sound) // 2], REFUSED),
        "truncated-by-a-byte": (sound[:-1], REFUSED),
        "trailing-zero": (sound + b"\0", REFUSED),
        "trailing-unknown-field": (sound + write((1000, "x")), DRAWN),
        "spliced-of-two": (sound + sound, REFUSED),
        "spliced-of-two-families": (sound + other, REFUSED),
        "two-graphs-second-empty": (sound + write((_GRAPH, b"")), DRAWN),
        "graph-is-a-number": (sound + write((_GRAPH, 1)), REFUSED),
        "nested-2700-messages": (sound + write((_GRAPH, nested)), DRAWN),
        "group": (sound + bytes([9 << 3 | 3, 9 << 3 | 4]), REFUSED),
        "field-zero": (sound + bytes([2, 0]), REFUSED),
        "field-zero-varint": (sound + bytes([0, 1]), DRAWN),
        "length-of-2-63": (sound + bytes([0x3A]) + b"\xff" * 8 + b"\x7f", REFUSED),
        "varint-of-11-bytes": (sound + bytes([8]) + b"\xff" * 10 + b"\x01", REFUSED),
        "varint-of-70-bits": (sound + bytes([8]) + b"\xff" * 9 + b"\x7f", DRAWN),
        "nodes-are-no-messages": (sound + write((_GRAPH, write((1, b"\xff\xff\xff")))), DRAWN),
        "tensors-4097": (sound + write((_GRAPH, write(*[(_INITIALIZER, b"")] * 4097))), REFUSED),
        "tensor-without-a-name": (sound + write((_GRAPH, write((_INITIALIZER, b"")))), DRAWN),
        "tensor-name-is-no-text": (
            sound + write((_GRAPH, write((_INITIALIZER, write((_NAME, b"\xff")))))),
            REFUSED,
        ),
        "tensor-name-with-a-byte-order-mark": (
            _changed(lambda m: setattr(_tensor(m, "head"), "name", "\ufeffhead")),
            REFUSED,
        ),
        "key-is-no-text": (sound + write((14, write((1, b"\xc3"), (2, "x")))), REFUSED),
        "key-twice-the-last-counts": (sound + write((14, write((1, "width"), (2, "41")))), DRAWN),
        "key-twice-the-last-is-wrong": (sound + write((14, write((1, "width"), (2, "x")))), REFUSED),
        "key-proto": (sound + write((14, write((1, "__proto__"), (2, "x")))), DRAWN),
        "entry-empty": (sound + write((14, b"")), DRAWN),
    }


def _entries() -> Files:
    """Faults of what the file says of its picture."""
    cases: dict[str, tuple[dict[str, str | None], str]] = {
        "anir-missing": ({"anir": None}, REFUSED),
        "anir-1": ({"anir": "1"}, REFUSED),
        "anir-3": ({"anir": "3"}, REFUSED),
        "anir-long": ({"anir": "9" * 400}, REFUSED),
        "anir-with-blanks": ({"anir": " 2\n"}, REFUSED),
        "family-missing": ({"family": None}, REFUSED),
        "family-unknown": ({"family": "waves"}, REFUSED),
        "family-commands-a-terminal": ({"family": "\x1b[31m\n<script>"}, REFUSED),
        "family-constructor": ({"family": "constructor"}, REFUSED),
        "family-another": ({"family": "fourier"}, REFUSED),
        "width-zero": ({"width": "0"}, REFUSED),
        "width-negative": ({"width": "-40"}, REFUSED),
        "width-with-a-plus": ({"width": "+40"}, REFUSED),
        "width-with-a-blank": ({"width": " 40"}, REFUSED),
        "width-with-a-newline": ({"width": "40\n"}, REFUSED),
        "width-with-zeros": ({"width": "000000040"}, DRAWN),
        "width-of-400-digits": ({"width": "9" * 400}, REFUSED),
        "width-of-arabic-digits": ({"width": "٤٠"}, REFUSED),
        "width-exponent": ({"width": "4e1"}, REFUSED),
        "width-of-2-28": ({"width": str(2**28), "height": "1"}, REFUSED),
        "width-of-2-31": ({"width": str(2**31)}, REFUSED),
        "width-of-2-17": ({"width": str(2**17), "height": "2048"}, DRAWN),
        "width-of-2-17-and-a-row-too-many": ({"width": str(2**17), "height": "2049"}, REFUSED),
        "height-of-2-17": ({"width": "1", "height": str(2**17)}, DRAWN),
        "height-empty": ({"height": ""}, REFUSED),
    }
    return {f"says-{name}": (_changed(_set(**own)), verdict) for name, (own, verdict) in cases.items()}


def _shapes() -> Files:
    """Faults of the tensors' shapes and types."""

    def dims(name: str, *lengths: int) -> bytes:
        def change(model: ModelProto) -> None:
            tensor = _tensor(model, name)
            del tensor.dims[:]
            tensor.dims.extend(lengths)

        return _changed(change)

    def field(name: str, **values: object) -> bytes:
        def change(model: ModelProto) -> None:
            for key, value in values.items():
                setattr(_tensor(model, name), key, value)

        return _changed(change)

    def varints(*numbers: int) -> bytes:
        def change(model: ModelProto) -> None:
            tensor = _tensor(model, "phases")
            tensor.ClearField("raw_data")
            tensor.int32_data.extend(numbers)

        return _changed(change)

    def both(model: ModelProto) -> None:
        _tensor(model, "phases").int32_data.append(1)

    return {
        "shape-of-2-31": (dims("weights", 1, 2**31, 2**31), REFUSED),
        "shape-of-2-31-and-0": (dims("head.bias", 2**31 - 1, 0), REFUSED),
        "shape-of-2-62": (dims("phases", 2**62, 4), REFUSED),
        "shape-negative": (dims("phases", -1, -4), REFUSED),
        "shape-negative-most": (dims("phases", -(2**63)), REFUSED),
        "shape-of-nine-axes": (dims("phases", *[1] * 8, 4), REFUSED),
        "shape-of-eight-axes": (dims("phases", *[1] * 7, 4), DRAWN),
        "shape-empty": (dims("phases"), REFUSED),
        "shape-transposed": (dims("steps", 4, 1), DRAWN),
        "shape-of-1024-channels-of-nothing": (dims("weights", 15, 1024, 1024), REFUSED),
        "shape-of-1025-channels": (dims("weights", 1, 1025, 1025), REFUSED),
        "shape-of-17-layers": (dims("weights", 16, 4, 4), REFUSED),
        "weights-emptied": (_changed(_replace("weights", np.zeros((0, 4, 4), np.int8))), REFUSED),
        "weights-of-no-channels": (_changed(_replace("weights", np.zeros((1, 0, 0), np.int8))), REFUSED),
        "phases-emptied": (field("phases", raw_data=b""), REFUSED),
        "phases-a-byte-too-long": (field("phases", raw_data=bytes(5)), REFUSED),
        "phases-of-type-text": (field("phases", data_type=8), REFUSED),
        "phases-of-type-99": (field("phases", data_type=99), REFUSED),
        "phases-of-type-uint8": (field("phases", data_type=2), REFUSED),
        "phases-as-varints": (varints(1, -1, 127, -128), DRAWN),
        "phases-as-large-varints": (varints(2**31 - 1, -(2**31), 255, 256), DRAWN),
        "phases-twice": (_changed(both), REFUSED),
        "head-of-four-colours": (_changed(_replace("head", np.zeros((1, 4, 4), np.int8))), REFUSED),
        "head-missing": (_changed(lambda m: m.graph.initializer.remove(_tensor(m, "head"))), REFUSED),
        "head-bias-short": (field("head.bias", raw_data=bytes(11)), REFUSED),
    }


def _numbers() -> Files:
    """Scales and biases that are no numbers."""
    cases = {"infinite": np.inf, "negative-infinite": -np.inf, "nan": np.nan, "3e38": 3e38}
    files: Files = {}
    for name, value in cases.items():
        for tensor in ("phases.scale", "steps.scale", "frequencies.scale", "head.scale", "head.bias"):
            data = _changed(_filled(tensor, value))
            verdict = DRAWN if (tensor, name) == ("head.bias", "3e38") else REFUSED
            files[f"{tensor.replace('.', '-')}-{name}"] = data, verdict
    zero = _changed(_scaled("steps.scale", 0, np.float32))
    return files | {"steps-scale-zero": (zero, DRAWN)}


def _filled(name: str, value: float) -> Change:
    def change(model: ModelProto) -> None:
        shape = tuple(_tensor(model, name).dims)
        _replace(name, np.full(shape, value, np.float32))(model)

    return change


def _streams() -> Files:
    """Faults of entropy-coded latents, and streams that declare much in few bytes."""

    def bomb(width: int, height: int, lanes: int, **entries: str) -> bytes:
        """All codes are zero for sure, so that they take no words."""

        def change(model: ModelProto) -> None:
            _replace("latents.words", np.zeros(0, np.uint16))(model)
            _replace("latents.states", np.full(lanes, 2**15, np.int32))(model)
            _replace("latents.frequencies", np.full((1, 1), 2**14, np.int32))(model)
            _replace("latents.limits", np.zeros(0, np.float32))(model)
            _set(width=str(width), height=str(height), **entries)(model)

        return _changed(change, "lapped")

    def lapped(change: Change) -> tuple[bytes, str]:
        return _changed(change, "lapped"), REFUSED

    many, long = {"order": "16", "scan": "down"}, {"order": "32", "scan": "right", "pitch": "32"}
    return {
        "lapped-all-zero": (bomb(40, 24, 2, scan="right"), DRAWN),
        "lapped-steps-30000": (bomb(624, 16, 1, order="16", scan="right"), DRAWN),
        "lapped-steps-100000": (bomb(2080, 16, 1, order="16", scan="right"), REFUSED),
        "lapped-steps-12-million": (bomb(131072, 16, 1, **long), REFUSED),
        "lapped-codes-200-million": (bomb(16384, 16384, 1024, **many), REFUSED),
        "lapped-lanes-too-few": (bomb(16384, 16384, 1, **many), REFUSED),
        "lapped-no-lanes": (bomb(40, 24, 0), REFUSED),
        "lapped-65-tables": lapped(_replace("latents.limits", np.arange(1, 65, dtype=np.float32))),
        "lapped-no-tables": lapped(_replace("latents.frequencies", np.zeros((0, 0), np.int32))),
        "lapped-frequencies-doubled": lapped(_scaled("latents.frequencies", 2, np.int32)),
        "lapped-frequencies-negative": lapped(_scaled("latents.frequencies", -1, np.int32)),
        "lapped-limits-descend": lapped(_scaled("latents.limits", -1, np.float32)),
        "lapped-limits-nan": lapped(_scaled("latents.limits", np.nan, np.float32)),
        "lapped-states-zero": lapped(_scaled("latents.states", 0, np.int32)),
        "lapped-states-negative": lapped(_scaled("latents.states", -1, np.int32)),
        "lapped-words-flipped": lapped(_scaled("latents.words", 65535, np.uint16)),
        "lapped-step-zero": lapped(_scaled("latents.step", 0, np.float32)),
        "lapped-step-infinite": lapped(_scaled("latents.step", np.inf, np.float32)),
        "lapped-step-nan": lapped(_scaled("latents.step", np.nan, np.float32)),
        "lapped-pitch-17": lapped(_set(pitch="17")),
        "lapped-order-3": lapped(_set(order="3")),
        "lapped-order-proto": lapped(_set(order="__proto__")),
        "lapped-scan-up": lapped(_set(scan="up")),
        "lapped-lanes-none": lapped(_set(lanes=None)),
    }
