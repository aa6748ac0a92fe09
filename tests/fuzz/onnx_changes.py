"""Changes of valid ONNX files for the corpus, and the names of verdicts."""

from collections.abc import Callable

import numpy as np
import onnx
from anir_runtime.network import Network
from onnx import ModelProto, TensorProto, helper

from tests.named_file import named_model, raw
from tests.random_network import random_network

DRAWN, REFUSED = "drawn", "refused"
Files = dict[str, tuple[bytes, str]]
"""Files by name, each with its verdict."""
Change = Callable[[ModelProto], None]
GRAPH, INITIALIZER = 7, 5
"""Field numbers of a ModelProto's graph and of a GraphProto's initializers."""


def network_of(family: str) -> Network:
    """Returns a small network of a family."""
    return random_network(family, 2, 8 if family == "lapped" else 4, (40, 24), order=4)


def changed(change: Change, family: str = "siren") -> bytes:
    """Returns the bytes of a small network's file after a change."""
    model = named_model(network_of(family))
    change(model)
    return model.SerializeToString()


def tensor_of(model: ModelProto, name: str) -> TensorProto:
    """Returns the initializer of a name."""
    return next(own for own in model.graph.initializer if own.name == name)


def replaced(name: str, array: object) -> Change:
    """Returns a change that replaces a tensor by an array."""
    return lambda model: tensor_of(model, name).CopyFrom(raw(name, np.asarray(array)))


def scaled(name: str, factor: object, kind: type) -> Change:
    """Returns a change that multiplies a tensor by a factor and converts the products to a type."""

    def change(model: ModelProto) -> None:
        array = onnx.numpy_helper.to_array(tensor_of(model, name))
        tensor_of(model, name).CopyFrom(raw(name, (array * factor).astype(kind)))

    return change


def with_entries(**entries: str | None) -> Change:
    """Returns a change that sets metadata entries, or removes those that are None."""

    def change(model: ModelProto) -> None:
        all_entries = {own.key: own.value for own in model.metadata_props} | entries
        helper.set_model_props(model, {k: v for k, v in all_entries.items() if v is not None})

    return change


def filled(name: str, value: float) -> Change:
    """Returns a change that sets all elements of a tensor to one float32 value."""

    def change(model: ModelProto) -> None:
        shape = tuple(tensor_of(model, name).dims)
        replaced(name, np.full(shape, value, np.float32))(model)

    return change
