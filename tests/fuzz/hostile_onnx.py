"""Small ONNX files that try to break a reader, and valid ones, with the expected verdicts."""

from typing import Any

import numpy as np
from anir_runtime.anir_header import FAMILIES
from anir_runtime.protobuf import write
from onnx import ModelProto, TensorProto

from tests.fuzz.external_data import variants
from tests.fuzz.hostile_latents import latents_files
from tests.fuzz.onnx_changes import (
    DRAWN,
    GRAPH,
    INITIALIZER,
    REFUSED,
    Files,
    changed,
    filled,
    network_of,
    replaced,
    scaled,
    tensor_of,
    with_entries,
)
from tests.named_file import named_file

_LOOKED_AT = (
    "initializer",
    "absolute-path",
    "location-alone",
    "entries-alone",
    "second-graph",
    "behind-a-group",
)
"""Variants of external data that the reader by name refuses; it ignores the other places in a file."""
_NAME = 8


def onnx_files() -> Files:
    """Returns all files of this module with their verdicts, by name."""
    files: Files = {}
    for family in FAMILIES:
        files[f"sound-{family}"] = named_file(network_of(family)), DRAWN
    for name, data in variants().items():
        verdict = REFUSED if name in _LOOKED_AT else DRAWN
        files[f"external-{name}"] = data + named_file(network_of("siren")), verdict
    return files | _messages() | _entries() | _shapes() | _numbers() | latents_files()


def _messages() -> Files:
    """Returns files with faults in the protobuf message."""
    sound, other = named_file(network_of("siren")), named_file(network_of("fourier"))
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
        "two-graphs-second-empty": (sound + write((GRAPH, b"")), DRAWN),
        "graph-is-a-number": (sound + write((GRAPH, 1)), REFUSED),
        "nested-2700-messages": (sound + write((GRAPH, nested)), DRAWN),
        "group": (sound + bytes([9 << 3 | 3, 9 << 3 | 4]), REFUSED),
        "field-zero": (sound + bytes([2, 0]), REFUSED),
        "field-zero-varint": (sound + bytes([0, 1]), DRAWN),
        "length-of-2-63": (sound + bytes([0x3A]) + b"\xff" * 8 + b"\x7f", REFUSED),
        "varint-of-11-bytes": (sound + bytes([8]) + b"\xff" * 10 + b"\x01", REFUSED),
        "varint-of-70-bits": (sound + bytes([8]) + b"\xff" * 9 + b"\x7f", DRAWN),
        "nodes-are-no-messages": (sound + write((GRAPH, write((1, b"\xff\xff\xff")))), DRAWN),
        "tensors-4097": (sound + write((GRAPH, write(*[(INITIALIZER, b"")] * 4097))), REFUSED),
        "tensor-without-a-name": (sound + write((GRAPH, write((INITIALIZER, b"")))), DRAWN),
        "tensors-of-one-name-that-is-not-read": (
            sound + write((GRAPH, write(*[(INITIALIZER, write((_NAME, "other")))] * 2))),
            DRAWN,
        ),
        "tensor-name-commands-a-terminal": (
            sound + write((GRAPH, write((INITIALIZER, write((1, 2**40), (_NAME, "\x1b[31m\nred")))))),
            REFUSED,
        ),
        "tensor-name-is-no-text": (
            sound + write((GRAPH, write((INITIALIZER, write((_NAME, b"\xff")))))),
            REFUSED,
        ),
        "tensor-name-with-a-byte-order-mark": (
            changed(lambda m: setattr(tensor_of(m, "head"), "name", "\ufeffhead")),
            REFUSED,
        ),
        "key-is-no-text": (sound + write((14, write((1, b"\xc3"), (2, "x")))), REFUSED),
        "key-twice-the-last-counts": (sound + write((14, write((1, "width"), (2, "41")))), DRAWN),
        "key-twice-the-last-is-wrong": (sound + write((14, write((1, "width"), (2, "x")))), REFUSED),
        "key-proto": (sound + write((14, write((1, "__proto__"), (2, "x")))), DRAWN),
        "opset-of-the-future": (changed(lambda m: setattr(m.opset_import[0], "version", 999)), DRAWN),
        "opset-missing": (changed(lambda m: m.ClearField("opset_import")), DRAWN),
        "ir-version-of-the-future": (changed(lambda m: setattr(m, "ir_version", 999)), DRAWN),
        "entry-empty": (sound + write((14, b"")), DRAWN),
    }


def _entries() -> Files:
    """Returns files with faults in the metadata."""
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
    return {f"says-{name}": (changed(with_entries(**own)), verdict) for name, (own, verdict) in cases.items()}


def _shapes() -> Files:
    """Returns files with faults in the tensors' shapes and types."""

    def dims(name: str, *lengths: int) -> bytes:
        def change(model: ModelProto) -> None:
            tensor = tensor_of(model, name)
            del tensor.dims[:]
            tensor.dims.extend(lengths)

        return changed(change)

    def field(name: str, **values: Any) -> bytes:
        def change(model: ModelProto) -> None:
            tensor_of(model, name).MergeFrom(TensorProto(**values))

        return changed(change)

    def varints(*numbers: int) -> bytes:
        def change(model: ModelProto) -> None:
            tensor = tensor_of(model, "phases")
            tensor.ClearField("raw_data")
            tensor.int32_data.extend(numbers)

        return changed(change)

    def both(model: ModelProto) -> None:
        tensor_of(model, "phases").int32_data.append(1)

    def sparse(model: ModelProto) -> None:
        model.graph.sparse_initializer.add(dims=[3]).values.CopyFrom(tensor_of(model, "head.bias"))

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
        "weights-emptied": (changed(replaced("weights", np.zeros((0, 4, 4), np.int8))), REFUSED),
        "weights-of-no-channels": (changed(replaced("weights", np.zeros((1, 0, 0), np.int8))), REFUSED),
        "phases-emptied": (field("phases", raw_data=b""), REFUSED),
        "phases-a-byte-too-long": (field("phases", raw_data=bytes(5)), REFUSED),
        "phases-of-type-text": (field("phases", data_type=8), REFUSED),
        "phases-of-type-99": (field("phases", data_type=99), REFUSED),
        "phases-of-type-uint8": (field("phases", data_type=2), REFUSED),
        "phases-as-varints": (varints(1, -1, 127, -128), DRAWN),
        "phases-as-large-varints": (varints(2**31 - 1, -(2**31), 255, 256), DRAWN),
        "phases-twice": (changed(both), REFUSED),
        "head-of-four-colours": (changed(replaced("head", np.zeros((1, 4, 4), np.int8))), REFUSED),
        "head-missing": (changed(lambda m: m.graph.initializer.remove(tensor_of(m, "head"))), REFUSED),
        "head-bias-short": (field("head.bias", raw_data=bytes(11)), REFUSED),
        "head-bias-twice": (field("head.bias", float_data=[0.5, 0.5, 0.5]), REFUSED),
        "head-bias-of-type-float16": (field("head.bias", data_type=10), REFUSED),
        "head-bias-of-type-float64": (field("head.bias", data_type=11), REFUSED),
        "head-bias-sparse-as-well": (changed(sparse), DRAWN),
    }


def _numbers() -> Files:
    """Returns files with scales and biases that are not finite, or very large."""
    cases = {"infinite": np.inf, "negative-infinite": -np.inf, "nan": np.nan, "3e38": 3e38}
    files: Files = {}
    for name, value in cases.items():
        for tensor in ("phases.scale", "steps.scale", "frequencies.scale", "head.scale", "head.bias"):
            data = changed(filled(tensor, value))
            verdict = DRAWN if (tensor, name) == ("head.bias", "3e38") else REFUSED
            files[f"{tensor.replace('.', '-')}-{name}"] = data, verdict
    for name, value in (("zero", 0), ("negative", -1)):
        files[f"steps-scale-{name}"] = changed(scaled("steps.scale", value, np.float32)), DRAWN
    # Numbers are finite, but not products of them.
    for family, tensor, value in (
        ("fourier", "filters.scale", 1e19),
        ("gabor", "filters.scale", 1e17),
        ("gabor", "steps", 3e38),
        ("lapped", "steps", 3e38),
        ("lapped", "head.scale", 1e36),
    ):
        files[f"{family}-{tensor.replace('.', '-')}-overflows"] = (
            changed(filled(tensor, value), family),
            DRAWN,
        )
    return files
