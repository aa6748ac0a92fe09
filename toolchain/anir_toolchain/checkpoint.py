"""Reads and writes `model.pt` and the state of a training, as plain values and tensors without code."""

import math
import pickle
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import astuple, fields, replace
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from anir_runtime.coder import Integers
from anir_runtime.errors import AnirError
from anir_runtime.files import replacing
from anir_runtime.lapped_transform import PITCHES, REACHES
from anir_runtime.level_step import LEAST_WIDTH, MOST_WIDTH, LevelStep
from anir_runtime.onnx_reader import COLOURS
from torch import Tensor

from anir_toolchain.embedding import LARGEST
from anir_toolchain.image import MAX_PIXELS
from anir_toolchain.model import Model, Quantized, QuantizedTrunk
from anir_toolchain.quantizer import code_range
from anir_toolchain.space import Space

FORMAT = 16
"""Version of both files; a file of another version is refused."""
_MODEL = "model"
_DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""Exceptions that torch's reader raises for damaged files, as its unpickler does not check operands."""
_QUANTIZED = ("filters", "step", "bias", "head")
"""Fields of a trunk that are codes with a scale."""


def save_model(model: Model, path: str | PathLike[str]) -> None:
    """Writes a model atomically. Raises AnirError if it cannot be written, or could not be read again."""
    path = Path(path)
    try:
        _check_model(model)
    except ValueError as error:
        raise AnirError(f"{path}: not written, as it could not be read again: {error}") from error
    state = {field.name: getattr(model, field.name) for field in fields(model)}
    state["space"] = {"depths": list(model.space.depths), "widths": list(model.space.widths)}
    state["trunks"] = {width: trunk_state(trunk) for width, trunk in model.trunks.items()}
    state["steps"] = steps_state(model.steps)
    state["coefficients"] = _packed(model.coefficients)
    write_state(path, _MODEL, state)


def load_model(path: str | PathLike[str]) -> Model:
    """Reads a model. Raises AnirError if the file does not hold a complete one."""
    path = Path(path)
    state = read_state(path, _MODEL)
    try:
        state["space"] = Space(tuple(state["space"]["depths"]), tuple(state["space"]["widths"]))
        state["trunks"] = {width: _trunk(own) for width, own in state["trunks"].items()}
        state["steps"] = steps_from_state(state["steps"])
        packed = state.pop("coefficients")
        model = Model(**{field.name: state[field.name] for field in fields(Model) if field.name in state})
        _check_model(model)
        model = replace(model, coefficients=_unpacked(packed, model))
    except _DAMAGED as error:
        raise AnirError(f"{path}: a damaged anir checkpoint; train it again") from error
    return model


def trunk_state(trunk: QuantizedTrunk) -> dict[str, Any]:
    """Returns a trunk as a dict of plain values and tensors."""
    return {n: vars(v) if isinstance(v, Quantized) else v for n, v in vars(trunk).items()}


def _trunk(state: dict[str, Any]) -> QuantizedTrunk:
    """Inverts `trunk_state`. Raises TypeError if an entry is missing or unknown."""
    values: dict[str, Any] = {n: Quantized(**v) if n in _QUANTIZED else v for n, v in state.items()}
    return QuantizedTrunk(**values)


def steps_state(steps: Iterable[LevelStep]) -> list[list[int]]:
    """Returns steps as lists of plain values."""
    return [list(astuple(step)) for step in steps]


def steps_from_state(state: list[list[int]]) -> tuple[LevelStep, ...]:
    """Inverts `steps_state`. Raises TypeError or ValueError if a value is missing or invalid."""
    steps = tuple(LevelStep(*own) for own in state)
    for step in steps:
        if not all(isinstance(number, int) for number in astuple(step)):
            raise ValueError("steps are not whole numbers")
        if not (LEAST_WIDTH <= step.width <= MOST_WIDTH and step.reach in REACHES):
            raise ValueError("a step that no level takes")
    return steps


def _packed(coefficients: Integers | None) -> Tensor:
    """Returns coefficients as compressed bytes, uint8[n]; none if there are no coefficients."""
    data = b"" if coefficients is None else zlib.compress(coefficients.astype("<i4").tobytes())
    return torch.from_numpy(np.frombuffer(data, np.uint8).copy())


def _unpacked(packed: Tensor, model: Model) -> Integers | None:
    """Inverts `_packed`. Raises ValueError or zlib.error if these are no coefficients of the model."""
    if packed.dtype != torch.uint8 or packed.dim() != 1:
        raise ValueError("coefficients are not bytes")
    if not len(packed):
        return None
    if not model.steps:
        raise ValueError("coefficients of a family without latents")
    width, height = model.size
    cells = -(-height // model.pitch), -(-width // model.pitch)
    shape = (*cells, model.colours, model.pitch, model.pitch)
    data = zlib.decompressobj().decompress(packed.numpy().tobytes(), 4 * math.prod(shape) + 1)
    coefficients = np.frombuffer(data, "<i4").astype(np.int32).reshape(shape)
    if coefficients.min() < -LARGEST or coefficients.max() > LARGEST:
        raise ValueError("coefficients are too large")
    return coefficients


def _check_model(model: Model) -> None:
    """Raises ValueError if the parts of a model are inconsistent."""
    if model.image.dtype != torch.uint8 or model.image.dim() != 3 or model.colours not in COLOURS:
        raise ValueError("the picture is not uint8[H, W, 1, 3 or 4]")
    if not model.image.is_contiguous() or model.image.numel() > model.colours * MAX_PIXELS:
        raise ValueError("the picture is too large, or its pixels are not all there")
    texts_and_seed = zip((model.source, model.preset, model.seed), (str, str, int), strict=True)
    if not all(isinstance(own, kind) for own, kind in texts_and_seed):
        raise ValueError("source and preset are no texts, or the seed is no number")
    if tuple(model.trunks) != model.space.widths or model.bits not in (4, 8):
        raise ValueError("trunks do not fit the space, or bits are neither 4 nor 8")
    if len(model.steps) != len(model.space.subnets) * model.family.has_latents:
        raise ValueError("steps do not fit the family")
    pitches = PITCHES if model.family.has_latents else PITCHES[:1]
    if not isinstance(model.pitch, int) or model.pitch not in pitches:
        raise ValueError("a pitch that no file has")
    for width, trunk in model.trunks.items():
        _check_tensors(model, width)
        low, high = code_range(model.bits)
        if not low <= int(trunk.weight.min()) <= int(trunk.weight.max()) <= high:
            raise ValueError("weights do not fit the bits")


def _check_tensors(model: Model, width: int) -> None:
    """Raises ValueError if the tensors of a width's trunk have other types or shapes than they should."""
    trunk, family, depths = model.trunks[width], model.family, model.space.depths
    banks, values = family.banks(depths[-1]), len(family.filter_bits)
    layers, heads, lean = depths[-1] - 1, (len(depths), model.colours), family.lean
    expected = [
        (trunk.weight, torch.int8, (layers, width, width)),
        (trunk.head_bias, torch.float32, heads),
    ]
    for own, dtype, shape in (
        (trunk.filters, torch.int16, (banks, values, width)),
        (trunk.step, torch.int8, (layers, 1 if lean else width)),
        (trunk.bias, torch.int8, (0 if lean else layers, width)),
        (trunk.head, torch.int8, (*heads, width)),
    ):
        expected += [(own.codes, dtype, shape), (own.scale, torch.float32, shape[:-1])]
    if any((tensor.dtype, tensor.shape) != (dtype, shape) for tensor, dtype, shape in expected):
        raise ValueError("tensors do not fit the space")
    # With strides of 0 a few bytes can be a tensor of any shape.
    if not all(tensor.is_contiguous() for tensor, _, _ in expected):
        raise ValueError("tensors whose values are not all there")


def write_state(path: Path, kind: str, state: dict[str, Any]) -> None:
    """Writes a dict of plain values and tensors atomically: beside `path`, then renamed.

    `kind` says what the dict is, such as "model"; `read_state` checks it.
    """
    # Through memory, as torch would write the file's name into the file.
    buffer = BytesIO()
    torch.save({"anir": FORMAT, "kind": kind, **state}, buffer)
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def read_state(path: Path, kind: str) -> dict[str, Any]:
    """Reads what `write_state` wrote. Raises AnirError if kind or version differ, or it cannot be read."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise AnirError(f"{path}: no such file") from error
    except OSError as error:
        raise AnirError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        _check_archive(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice on foreign pickles; they are refused
            state = torch.load(BytesIO(data), map_location="cpu", weights_only=True)
    except _DAMAGED as error:
        raise AnirError(f"{path}: not an anir checkpoint, or a damaged one") from error
    if not isinstance(state, dict) or "anir" not in state:
        raise AnirError(f"{path}: not an anir checkpoint; anir-train makes them")
    if state["anir"] != FORMAT:
        remedy = "train it again" if state["anir"] in range(FORMAT) else "update anir"
        raise AnirError(f"{path}: checkpoint format {state['anir']}, this anir reads {FORMAT}; {remedy}")
    if state.get("kind") != kind:
        raise AnirError(f"{path}: holds a {state.get('kind')}, not a {kind}")
    return state


def _check_archive(data: bytes) -> None:
    """Raises ValueError if a zip archive claims to hold more bytes than the file has (a zip bomb)."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ValueError("compressed")
    if sum(member.file_size for member in members) > len(data):
        raise ValueError("members overlap")
