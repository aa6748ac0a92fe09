"""Reads latents from the tensors of an ONNX file, which hold them as a rANS stream (docs/format.md)."""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from anir_runtime.errors import AnirError
from anir_runtime.lapped_transform import LEAST_FREQUENCIES, PITCHES, REACHES, context, from_lanes, lattice
from anir_runtime.network import Latents
from anir_runtime.onnx_tensor import Tensor
from anir_runtime.rans import Tables, decode

_Value = TypeVar("_Value")

STREAM = {
    "latents.step": "float32",
    "latents.magnitudes": "float32",
    "latents.words": "uint16",
    "latents.states": "int32",
    "latents.frequencies": "int32",
    "latents.limits": "float32",
}
"""Types of the tensors that hold latents."""

HIGHEST_STEP, HIGHEST_MAGNITUDE = 1 << 16, 1 << 30
_CODES, _CODES_PER_BYTE = 1 << 20, 512
"""Most codes of a file: a constant plus a number per byte of the file."""
_STEPS, _STEPS_PER_BYTE = 1 << 15, 16
"""Most steps of a file, likewise."""


def read_latents(
    tensors: Mapping[str, Tensor], entries: Mapping[str, str], size: tuple[int, int], planes: int, bytes_: int
) -> Latents:
    """Decodes the latents of a picture of native `size` (width, height) from a file of `bytes_` bytes.

    Raises AnirError if the stream is damaged, or declares more codes than the picture or the file can have.
    """
    pitch = _entry(entries, "pitch", {str(n): n for n in PITCHES})
    down = _entry(entries, "scan", {"down": True, "right": False})
    reach = _entry(entries, "reach", {str(n): n for n in REACHES})
    apart = _entry(entries, "lanes", {"planes": True, "joint": False})
    order = _entry(entries, "order", {str(n): n for n in range(LEAST_FREQUENCIES, pitch + 1)})
    step, magnitudes, words, states, frequencies, limits = (
        tensors[name].array((kind,)) for name, kind in STREAM.items()
    )
    if step.size != 1 or not 0 < step[0] <= HIGHEST_STEP:
        raise AnirError("its tensor 'latents.step' is not a number above 0")
    if frequencies.size % (limits.size + 1):
        raise AnirError("its tensor 'latents.frequencies' does not have one row more than 'latents.limits'")
    _check_ascent(magnitudes, frequencies.size // (limits.size + 1))
    cells = along, across = lattice(size, pitch, down)
    lanes = across * planes if apart else across
    steps = along * order**2 * (1 if apart else planes)
    if len(states) != lanes:
        raise AnirError(f"its tensor 'latents.states' has {len(states)} lanes, its picture {lanes}")
    if steps * lanes > _CODES + _CODES_PER_BYTE * bytes_ or steps > _STEPS + _STEPS_PER_BYTE * bytes_:
        raise AnirError("declares a larger picture than its entropy-coded stream can have")
    tables = Tables(frequencies.reshape(limits.size + 1, -1), limits)
    codes = decode(words, states, tables, context(order), steps)
    codes = from_lanes(codes, planes, cells, order, apart)
    return Latents(codes, float(step[0]), pitch, down, reach, magnitudes)


def _check_ascent(magnitudes: NDArray[np.float32], sizes: int) -> None:
    """Raises AnirError unless magnitudes are `sizes` numbers that ascend from 0 within their range."""
    if len(magnitudes) != sizes:
        raise AnirError(
            f"its tensor 'latents.magnitudes' has {len(magnitudes)} entries, its codes {sizes} sizes"
        )
    rises = np.append(magnitudes[1:], np.float32(HIGHEST_MAGNITUDE)) > magnitudes
    if not (magnitudes[:1] == 0).all() or not rises.all():
        raise AnirError("its tensor 'latents.magnitudes' does not ascend from 0")


def _entry(entries: Mapping[str, str], key: str, values: Mapping[str, _Value]) -> _Value:
    """Returns the value that an entry's text stands for. Raises AnirError if `values` lacks the text."""
    text = entries.get(key, "")
    if text not in values:
        raise AnirError(f"its '{key}' is {text[:20]!r}, not {' or '.join(values)}")
    return values[text]
