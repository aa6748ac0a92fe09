"""`model.pt`: the trained, quantized supernet as integer codes and scales, complete for exporting."""

import math
import pickle
import warnings
from dataclasses import dataclass, fields, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from anir_runtime.errors import AnirError
from anir_runtime.files import replacing
from anir_runtime.network import Latents as NetworkLatents
from anir_runtime.network import Network
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.families import Family, family
from anir_toolchain.lapped import Latents
from anir_toolchain.space import Space, Subnet

FORMAT = 10


@dataclass(frozen=True)
class Quantized:
    """Integer codes with the scales that turn them into values; `scale` broadcasts from the left."""

    codes: Tensor
    scale: Tensor

    @property
    def values(self) -> Tensor:
        """codes · scale, float32 of the codes' shape."""
        missing = self.codes.dim() - self.scale.dim()
        return self.codes.float() * self.scale.reshape(*self.scale.shape, *[1] * missing)


@dataclass(frozen=True)
class QuantizedTrunk:
    """The subnets of one width: D is the greatest depth, C the width, F the filter banks, K their values."""

    filters: Quantized
    """int16[F, K, C], scale [F, K]; the codes of 8-bit values are within ±127."""
    weight: Tensor
    """Hidden codes, int8[D-1, C, C] over (input, output)."""
    step: Quantized
    """The hidden weights' learned step sizes, scale [D-1]: one per output, int8[D-1, C], or one, [D-1, 1]."""
    bias: Quantized
    """int8[D-1, C], scale [D-1]; of a lean family [0, C], [0]."""
    head: Quantized
    """int8[depths, 3, C], scale [depths, 3]; maps to RGB in [0, 1]."""
    head_bias: Tensor
    """float32[depths, 3]."""
    latents: tuple[Latents, ...] = ()
    """Codes of local cosines, for each depth, if the family has any."""

    def state(self) -> dict[str, Any]:
        """Plain values and tensors, as `from_state` reads them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        state = {n: vars(v) if isinstance(v, Quantized) else v for n, v in values.items()}
        state["latents"] = [latents_state(own) for own in self.latents]
        return state

    @classmethod
    def from_state(cls, state: dict[str, Any], size: tuple[int, int]) -> "QuantizedTrunk":
        """The inverse of `state`, for a picture of size (W, H).

        Raises KeyError, TypeError or ValueError if something is missing, too much or does not fit.
        """
        values: dict[str, Any] = {n: Quantized(**v) if n in _QUANTIZED else v for n, v in state.items()}
        values["latents"] = tuple(latents_from_state(own, size) for own in state["latents"])
        return cls(**values)

    def check_shapes(self, family: Family, depths: tuple[int, ...], width: int) -> None:
        """Raises ValueError if a tensor's shape is another than that of such a trunk."""
        banks, rows = family.banks(depths[-1]), len(family.filter_rows)
        layers, heads, lean = depths[-1] - 1, (len(depths), 3), family.lean
        biases = 0 if lean else layers
        expected = {
            self.filters.codes: (banks, rows, width),
            self.filters.scale: (banks, rows),
            self.weight: (layers, width, width),
            self.step.codes: (layers, 1 if lean else width),
            self.step.scale: (layers,),
            self.bias.codes: (biases, width),
            self.bias.scale: (biases,),
            self.head.codes: (*heads, width),
            self.head.scale: heads,
            self.head_bias: heads,
        }
        if any(tensor.shape != shape for tensor, shape in expected.items()):
            raise ValueError("shapes do not fit the space")


def latents_state(latents: Latents) -> dict[str, Any]:
    """Plain values and tensors, as `latents_from_state` reads them: of the codes those that are not zero."""
    codes = latents.codes.reshape(-1)
    places = np.flatnonzero(codes).astype(np.int32)
    state = {field.name: getattr(latents, field.name) for field in fields(latents) if field.name != "codes"}
    tensors = {"places": torch.from_numpy(places), "values": torch.from_numpy(codes[places])}
    return state | tensors | {"shape": list(latents.codes.shape)}


def latents_from_state(state: dict[str, Any], size: tuple[int, int]) -> Latents:
    """The inverse, for a picture of size (W, H).

    Raises KeyError, TypeError, AttributeError or ValueError if something is missing or does not fit.
    """
    others = dict(state)
    shape, places, values = (others.pop(name) for name in ("shape", "places", "values"))
    latents = Latents(codes=np.empty(0, np.int16), **others)
    latents.check(size, tuple(shape))
    codes = np.zeros(math.prod(shape), np.int16)
    places, values = places.numpy(), values.numpy()
    if places.dtype.kind != "i" or values.dtype != np.int16 or places.shape != values.shape:
        raise ValueError("codes of another kind")
    if places.size and not 0 <= places.min() <= places.max() < codes.size:
        raise ValueError("codes beyond the picture")
    codes[places] = values
    return replace(latents, codes=codes.reshape(shape))


_QUANTIZED = ("filters", "step", "bias", "head")


@dataclass(frozen=True)
class Model:
    """A picture as a supernet in its final, quantized form."""

    family_name: str
    bits: int
    """Bits of a hidden weight."""
    space: Space
    preset: str
    seed: int
    source: str
    """File name of the picture."""
    image: Tensor
    """The picture itself, uint8[H, W, 3]."""
    trunks: dict[int, QuantizedTrunk]
    """By width."""

    @property
    def family(self) -> Family:
        """The family by its name."""
        return family(self.family_name)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the picture."""
        return self.image.shape[1], self.image.shape[0]

    def latents(self, subnet: Subnet) -> Latents | None:
        """A subnet's codes of local cosines, if the family has any."""
        own = self.trunks[subnet.width].latents
        return own[self.space.depths.index(subnet.depth)] if own else None

    def network(self, subnet: Subnet) -> Network:
        """The subnet, a member of the space, as named tensors (docs/format.md)."""
        trunk, family, layers = self.trunks[subnet.width], self.family, subnet.depth - 1
        head = self.space.depths.index(subnet.depth)
        tensors = {"weights": trunk.weight[:layers].numpy()}
        if family.lean:
            tensors["steps"] = trunk.step.values[:layers, 0].numpy()
        else:
            tensors |= _rows("steps", trunk.step.codes[:layers], trunk.step.scale[:layers])
            tensors |= _rows("biases", trunk.bias.codes[:layers], trunk.bias.scale[:layers])
        banks = family.banks(subnet.depth)
        # By value, then by bank: x and y of frequencies and of centres follow each other.
        codes, scale = trunk.filters.codes[:banks].transpose(0, 1), trunk.filters.scale[:banks].T
        if codes.shape[0] >= 3:
            tensors |= _rows("frequencies", codes[:2], scale[:2])
            tensors |= _rows("phases", codes[2].to(torch.int8), scale[2])
        if codes.shape[0] == 6:
            tensors |= _rows("centres", codes[3:5].to(torch.int8), scale[3:5])
            tensors |= _rows("decays", codes[5].to(torch.int8), scale[5])
        tensors |= _rows("head", trunk.head.codes[head], trunk.head.scale[head])
        tensors["head.bias"] = trunk.head_bias[head].numpy()
        own = self.latents(subnet)
        latents = (
            NetworkLatents(**{field.name: getattr(own, field.name) for field in fields(own)}) if own else None
        )
        return Network(self.family_name, self.size, self.bits, tensors, latents)

    def decode(self, subnet: Subnet, x: Tensor, y: Tensor) -> Tensor:
        """The quantized network in torch: float32[H, W, 3], RGB in [0, 1] but not clipped.

        Args:
            subnet: a member of the space.
            x: float32[W] in [-1, 1].
            y: float32[H] in [-1, 1].
        """
        trunk, links = self.trunks[subnet.width], subnet.depth - 1
        grid_y, grid_x = (axis.reshape(-1) for axis in torch.meshgrid(y, x, indexing="ij"))
        latents = self.latents(subnet)
        seen = latents.seen(x.numpy(), y.numpy(), self.size, subnet.width) if latents else None
        h = self.family.forward(
            trunk.filters.values[: self.family.banks(subnet.depth)],
            trunk.weight[:links].float() * trunk.step.values[:links, None],
            trunk.bias.values[:links],
            grid_x,
            grid_y,
            None if seen is None else torch.from_numpy(seen).flatten(0, 1),
        )[-1]
        at = self.space.depths.index(subnet.depth)
        rgb = torch.addmm(trunk.head_bias[at], h, trunk.head.values[at].T)
        return rgb.reshape(len(y), len(x), 3)

    def save(self, path: Path) -> None:
        """Writes the checkpoint in one piece. Raises AnirError if it cannot be written."""
        state = {field.name: getattr(self, field.name) for field in fields(self)}
        state["space"] = {"depths": list(self.space.depths), "widths": list(self.space.widths)}
        state["trunks"] = {width: trunk.state() for width, trunk in self.trunks.items()}
        write_state(path, {"anir": FORMAT, "kind": "model", **state})

    @classmethod
    def load(cls, path: Path) -> "Model":
        """Reads a checkpoint without running any code in it. Raises AnirError if it is not a whole one."""
        state = read_state(path, "model")
        try:
            state["space"] = Space(tuple(state["space"]["depths"]), tuple(state["space"]["widths"]))
            size = (state["image"].shape[1], state["image"].shape[0])
            state["trunks"] = {w: QuantizedTrunk.from_state(s, size) for w, s in state["trunks"].items()}
            model = cls(**{field.name: state[field.name] for field in fields(cls)})
            model._check_shapes()
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise AnirError(f"{path}: a damaged anir checkpoint; train it again") from error
        return model

    def _check_shapes(self) -> None:
        if tuple(self.trunks) != self.space.widths or self.image.dtype != torch.uint8:
            raise ValueError("trunks do not fit the space")
        for width, trunk in self.trunks.items():
            trunk.check_shapes(self.family, self.space.depths, width)
            if len(trunk.latents) != len(self.space.depths) * self.family.has_latents:
                raise ValueError("local cosines do not fit the family")


def _rows(name: str, codes: Tensor, scale: Tensor) -> dict[str, NDArray[Any]]:
    """Rows of codes and their scales as a network names them."""
    return {name: codes.contiguous().numpy(), f"{name}.scale": scale.contiguous().numpy()}


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Writes a dict of plain values and tensors beside `path`, then renames."""
    # Through memory: torch writes a file's own name into it.
    buffer = BytesIO()
    torch.save(state, buffer)
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def read_state(path: Path, kind: str) -> dict[str, Any]:
    """Reads what `write_state` wrote, of format FORMAT and the given kind; runs no code in it."""
    try:
        data = BytesIO(path.read_bytes())
    except FileNotFoundError as error:
        raise AnirError(f"{path}: no such file") from error
    except OSError as error:
        raise AnirError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice on foreign pickles; they are refused
            state = torch.load(data, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise AnirError(f"{path}: not an anir checkpoint, or a damaged one") from error
    if not isinstance(state, dict) or "anir" not in state:
        raise AnirError(f"{path}: not an anir checkpoint; anir-train makes them")
    if state["anir"] != FORMAT:
        remedy = "train it again" if state["anir"] in range(FORMAT) else "update anir"
        raise AnirError(f"{path}: checkpoint format {state['anir']}, this anir reads {FORMAT}; {remedy}")
    if state.get("kind") != kind:
        raise AnirError(f"{path}: holds a {state.get('kind')}, not a {kind}")
    return state
