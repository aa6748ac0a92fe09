"""ONNX files whose entropy-coded latents try to break a reader, with the expected verdicts."""

import numpy as np
from anir_runtime.protobuf import write
from onnx import ModelProto

from tests.fuzz.onnx_changes import (
    DRAWN,
    GRAPH,
    INITIALIZER,
    REFUSED,
    Change,
    Files,
    changed,
    replaced,
    scaled,
    tensor_of,
    with_entries,
)
from tests.named_file import named_file, named_model, raw
from tests.random_network import random_network


def latents_files() -> Files:
    """Returns all files of this module with their verdicts, by name."""
    return _streams() | _magnitudes()


def _streams() -> Files:
    """Returns files with faults in the latents, and files whose streams declare many codes in few bytes."""

    def bomb(width: int, height: int, lanes: int, **entries: str) -> bytes:
        """Returns a file whose codes are all 0 with probability 1, so that they take no bytes."""

        def change(model: ModelProto) -> None:
            replaced("latents.words", np.zeros(0, np.uint16))(model)
            replaced("latents.states", np.full(lanes, 2**15, np.int32))(model)
            replaced("latents.frequencies", np.full((1, 1), 2**14, np.int32))(model)
            replaced("latents.limits", np.zeros(0, np.float32))(model)
            replaced("latents.magnitudes", np.zeros(1, np.float32))(model)
            with_entries(width=str(width), height=str(height), **entries)(model)

        return changed(change, "lapped")

    def lapped(change: Change) -> tuple[bytes, str]:
        return changed(change, "lapped"), REFUSED

    many, long = {"order": "16", "scan": "down"}, {"order": "32", "scan": "right", "pitch": "32"}
    return {
        "lapped-all-zero": (bomb(40, 24, 2, scan="right"), DRAWN),
        "lapped-steps-30000": (bomb(624, 16, 1, order="16", scan="right"), DRAWN),
        "lapped-steps-100000": (bomb(2080, 16, 1, order="16", scan="right"), REFUSED),
        "lapped-steps-12-million": (bomb(131072, 16, 1, **long), REFUSED),
        "lapped-codes-200-million": (bomb(16384, 16384, 1024, **many), REFUSED),
        "lapped-lanes-too-few": (bomb(16384, 16384, 1, **many), REFUSED),
        "lapped-no-lanes": (bomb(40, 24, 0), REFUSED),
        "lapped-65-tables": lapped(replaced("latents.limits", np.arange(1, 65, dtype=np.float32))),
        "lapped-no-tables": lapped(replaced("latents.frequencies", np.zeros((0, 0), np.int32))),
        "lapped-frequencies-doubled": lapped(scaled("latents.frequencies", 2, np.int32)),
        "lapped-frequencies-negative": lapped(scaled("latents.frequencies", -1, np.int32)),
        "lapped-limits-descend": lapped(scaled("latents.limits", -1, np.float32)),
        "lapped-limits-nan": lapped(scaled("latents.limits", np.nan, np.float32)),
        "lapped-states-zero": lapped(scaled("latents.states", 0, np.int32)),
        "lapped-states-negative": lapped(scaled("latents.states", -1, np.int32)),
        "lapped-words-flipped": lapped(scaled("latents.words", 65535, np.uint16)),
        "lapped-step-zero": lapped(scaled("latents.step", 0, np.float32)),
        "lapped-step-infinite": lapped(scaled("latents.step", np.inf, np.float32)),
        "lapped-step-nan": lapped(scaled("latents.step", np.nan, np.float32)),
        "lapped-pitch-17": lapped(with_entries(pitch="17")),
        "lapped-order-3": lapped(with_entries(order="3")),
        "lapped-order-proto": lapped(with_entries(order="__proto__")),
        "lapped-scan-up": lapped(with_entries(scan="up")),
        "lapped-lanes-none": lapped(with_entries(lanes=None)),
    }


def _magnitudes() -> Files:
    """Returns files with faults in the table of magnitudes."""
    network = random_network("lapped", 2, 8, (40, 24), order=4)
    assert network.latents is not None
    table, name = network.latents.magnitudes, "latents.magnitudes"

    def other(table: object) -> bytes:
        model = named_model(network)
        replaced(name, table)(model)
        return model.SerializeToString()

    def put(at: int, value: float) -> bytes:
        result = table.copy()
        result[at] = value
        return other(result)

    twice = write((GRAPH, write((INITIALIZER, raw(name, table[::-1].copy()).SerializeToString()))))
    refused = {
        "missing": _without(named_model(network), name),
        "descend": other(table[::-1].copy()),
        "alike": put(-1, table[-2]),
        "from-1": other(table + np.float32(1)),
        "negative": put(1, -1),
        "nan": put(1, np.nan),
        "nan-first": put(0, np.nan),
        "infinite": put(-1, np.inf),
        "all-infinite": other(np.where(table > 0, np.float32(np.inf), table)),
        "negative-infinite": put(0, -np.inf),
        "of-2-30": put(-1, 2.0**30),
        "too-short": other(table[:-1]),
        "too-long": other(np.append(table, table[-1] + np.float32(1))),
        "empty": other(table[:0]),
        "of-8-bytes-each": other(table.astype(np.float64)),
        "whole": other(table.astype(np.int32)),
        "twice": named_file(network) + twice,
    }
    drawn = {
        "sound": named_file(network),
        "from-minus-0": put(0, -0.0),
        "below-2-30": put(-1, np.nextafter(np.float32(2.0**30), np.float32(0))),
        "tiny": other(np.arange(len(table), dtype=np.float32) * np.float32(1e-45)),
        "of-three-axes": other(table[None, :, None]),
    }
    files: Files = {f"magnitudes-{key}": (data, REFUSED) for key, data in refused.items()}
    return files | {f"magnitudes-{key}": (data, DRAWN) for key, data in drawn.items()}


def _without(model: ModelProto, name: str) -> bytes:
    model.graph.initializer.remove(tensor_of(model, name))
    return model.SerializeToString()
