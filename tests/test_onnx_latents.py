from collections.abc import Callable

import numpy as np
import onnx
import pytest
from anir_runtime.errors import AnirError
from anir_runtime.onnx_reader import read_network
from onnx import TensorProto, helper

from tests.named_file import named_file, named_model, raw
from tests.random_network import random_network

NETWORK = random_network("lapped", 2, 8, (70, 40), order=5, down=True)


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize(("pitch", "down", "order"), [(16, False, 4), (32, True, 7)])
def test_latents_are_read_back_from_either_kind_of_lanes(
    apart: bool, pitch: int, down: bool, order: int
) -> None:
    network = random_network("lapped", 2, 8, (70, 40), pitch=pitch, down=down, order=order, reach=2)
    read = read_network(named_file(network, apart)).latents
    assert read
    assert network.latents
    np.testing.assert_array_equal(read.codes, network.latents.codes)
    np.testing.assert_array_equal(read.magnitudes, network.latents.magnitudes)
    assert (read.step, read.pitch, read.down, read.reach) == (float(np.float32(0.9 / 64)), pitch, down, 2)


def _changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> bytes:  # type: ignore[type-arg]
    model = named_model(NETWORK)
    tensor = next(t for t in model.graph.initializer if t.name == name)
    tensor.CopyFrom(raw(name, change(onnx.numpy_helper.to_array(tensor))))
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("latents.words", lambda a: a[:-1], "ends too early"),
        ("latents.words", lambda a: np.append(a, a[:1]), "damaged"),
        ("latents.words", lambda a: a[::-1], "damaged|too early"),
        ("latents.words", lambda a: a.astype(np.int32), "not of type uint16"),
        ("latents.states", lambda a: a[..., :-1], "has 4 lanes, its picture 5"),
        ("latents.states", lambda a: a + 1, "damaged|too early"),
        ("latents.states", lambda a: -a, "damaged|too early"),
        ("latents.frequencies", lambda a: a[:-1], "do not add up|one row more"),
        ("latents.frequencies", lambda a: a * 2, "do not add up"),
        ("latents.frequencies", lambda a: a - np.eye(*a.shape, dtype=a.dtype), "do not add up"),
        ("latents.frequencies", lambda a: a[:, :0], "its codes 0 sizes"),
        ("latents.limits", lambda a: a[::-1], "do not ascend"),
        ("latents.limits", lambda a: a * np.nan, "do not ascend"),
        ("latents.limits", lambda a: a * 1e30, "do not ascend"),
        ("latents.limits", lambda a: a[:-2], "one row more|its codes 42 sizes"),
        ("latents.step", lambda a: a * 0, "not a number above 0"),
        ("latents.step", lambda a: a * np.inf, "not a number above 0"),
        ("latents.step", lambda a: np.stack([a, a]), "not a number above 0"),
    ],
)
def test_a_damaged_stream_is_refused(
    name: str,
    change: Callable[[np.ndarray], np.ndarray],
    words: str,  # type: ignore[type-arg]
) -> None:
    with pytest.raises(AnirError, match=words):
        read_network(_changed(name, change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a[:-1], "20 entries, its codes 21 sizes"),
        (lambda a: np.append(a, a[-1:] + 1), "22 entries, its codes 21 sizes"),
        (lambda a: a[:0], "0 entries"),
        (lambda a: a[::-1], "does not ascend from 0"),
        (lambda a: a + 1, "does not ascend from 0"),
        (lambda a: a * 0, "does not ascend from 0"),
        (lambda a: a * np.float32(np.nan), "does not ascend from 0"),
        (lambda a: a * np.float32(2**20), "does not ascend from 0"),
        (lambda a: a.astype(np.int32), "not of type float32"),
    ],
)
def test_magnitudes_that_do_not_match_the_codes_are_refused(
    change: Callable[[np.ndarray], np.ndarray],
    words: str,  # type: ignore[type-arg]
) -> None:
    with pytest.raises(AnirError, match=words):
        read_network(_changed("latents.magnitudes", change))


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"pitch": "17"}, "its 'pitch' is '17', not 16 or 32"),
        ({"scan": "up"}, "its 'scan' is 'up', not down or right"),
        ({"reach": "5"}, "its 'reach' is '5', not 1 or 2 or 3 or 4"),
        ({"lanes": ""}, "its 'lanes' is '', not planes or joint"),
        ({"order": "3"}, "its 'order' is '3'"),
        ({"order": "17"}, "its 'order' is '17'"),
        ({"order": "٥"}, "its 'order' is"),
        ({"lanes": "planes"}, "has 5 lanes, its picture 15"),
        ({"width": "71000"}, "has 5 lanes, its picture 4438"),
        ({"height": "700"}, "ends too early|damaged"),
        ({"height": "100000"}, "larger picture than its entropy-coded stream can have"),
    ],
)
def test_invalid_metadata_is_refused(entries: dict[str, str], words: str) -> None:
    model = named_model(NETWORK)
    helper.set_model_props(model, {p.key: p.value for p in model.metadata_props} | entries)
    with pytest.raises(AnirError, match=words):
        read_network(model.SerializeToString())


def test_a_few_bytes_cannot_declare_a_huge_picture() -> None:
    """Codes of probability 1 take no words; the reader limits their number by the file's bytes."""
    model = named_model(NETWORK)
    for tensor in list(model.graph.initializer):
        if tensor.name in (
            "latents.words",
            "latents.states",
            "latents.frequencies",
            "latents.limits",
            "latents.magnitudes",
        ):
            model.graph.initializer.remove(tensor)
    cells = -(-16000 // 16)
    model.graph.initializer.extend(
        [
            raw("latents.words", np.zeros(0, np.uint16)),
            raw("latents.magnitudes", np.zeros(1, np.float32)),
            raw("latents.states", np.full(cells, 1 << 15, np.int32)),
            raw("latents.frequencies", np.full((1, 1), 1 << 14, np.int32)),
            helper.make_tensor("latents.limits", TensorProto.FLOAT, [0], b"", raw=True),
        ]
    )
    entries = {p.key: p.value for p in model.metadata_props}
    helper.set_model_props(model, entries | {"width": "16000", "height": "16000"})
    with pytest.raises(AnirError, match="larger picture"):
        read_network(model.SerializeToString())
    helper.set_model_props(model, entries | {"width": "16000", "height": "200"})
    latents = read_network(model.SerializeToString()).latents
    assert latents
    assert not latents.codes.any()
