"""`model.pt`: the trained, quantized supernet as integer codes and scales, complete for exporting."""

import pickle
import warnings
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from anir_runtime.errors import AnirError
from anir_runtime.files import replacing
from torch import Tensor

from anir_toolchain.families import Family, family
from anir_toolchain.space import Space, Subnet

FORMAT = 1


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
class Model:
    """A picture as a supernet in its final, quantized form.

    D is the greatest depth, C the greatest width, F the filter banks, K the values per filter.
    """

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
    filters: Quantized
    """int16[F, K, C], scale [F, K]; the codes of 8-bit values are within ±127."""
    weight: Tensor
    """Hidden codes, int8[D-1, C, C] over (input, output); 0 where the widths' nesting forbids a link."""
    step: Quantized
    """The hidden weights' learned step sizes, one per output: int8[D-1, C], scale [D-1]."""
    bias: Quantized
    """int8[D-1, C], scale [D-1]."""
    head: Quantized
    """int8[depths, widths, 3, C], scale [depths, widths, 3]; maps to RGB in [0, 1]."""
    head_bias: Tensor
    """float32[depths, widths, 3]."""

    @property
    def family(self) -> Family:
        """The family by its name."""
        return family(self.family_name)

    def head_index(self, subnet: Subnet) -> tuple[int, int]:
        """Where a subnet's head lies in `head` and `head_bias`."""
        return self.space.depths.index(subnet.depth), self.space.widths.index(subnet.width)

    def decode(self, subnet: Subnet, x: Tensor, y: Tensor) -> Tensor:
        """The quantized network in torch: float32[H, W, 3], RGB in [0, 1] but not clipped.

        Args:
            subnet: a member of the space.
            x: float32[W] in [-1, 1].
            y: float32[H] in [-1, 1].
        """
        links, width = subnet.depth - 1, subnet.width
        hidden = (
            self.weight[:links, :width, :width].float() * self.step.values[:links, None, :width]
        ).contiguous()
        grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
        h = self.family.forward(
            self.filters.values[: self.family.banks(subnet.depth), :, :width],
            hidden,
            self.bias.values[:links, :width],
            grid_x.reshape(-1),
            grid_y.reshape(-1),
        )[-1]
        at = self.head_index(subnet)
        rgb = torch.addmm(self.head_bias[at], h, self.head.values[at][:, :width].T)
        return rgb.reshape(len(y), len(x), 3)

    def save(self, path: Path) -> None:
        """Writes the checkpoint in one piece. Raises AnirError if it cannot be written."""
        state: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Quantized):
                value = {"codes": value.codes, "scale": value.scale}
            elif isinstance(value, Space):
                value = {"depths": list(value.depths), "widths": list(value.widths)}
            state[field.name] = value
        write_state(path, {"anir": FORMAT, "kind": "model", **state})

    @classmethod
    def load(cls, path: Path) -> "Model":
        """Reads a checkpoint without running any code in it. Raises AnirError if it is not a whole one."""
        state = read_state(path, "model")
        try:
            for name in ("filters", "step", "bias", "head"):
                state[name] = Quantized(state[name]["codes"], state[name]["scale"])
            state["space"] = Space(tuple(state["space"]["depths"]), tuple(state["space"]["widths"]))
            model = cls(**{field.name: state[field.name] for field in fields(cls)})
            model._check_shapes()
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise AnirError(f"{path}: a damaged anir checkpoint; train it again") from error
        return model

    def _check_shapes(self) -> None:
        depth, width = self.space.largest.depth, self.space.largest.width
        rows, banks = len(self.family.filter_rows), self.family.banks(depth)
        heads = (len(self.space.depths), len(self.space.widths), 3)
        expected = {
            self.filters.codes: (banks, rows, width),
            self.filters.scale: (banks, rows),
            self.weight: (depth - 1, width, width),
            self.step.codes: (depth - 1, width),
            self.step.scale: (depth - 1,),
            self.bias.codes: (depth - 1, width),
            self.bias.scale: (depth - 1,),
            self.head.codes: (*heads, width),
            self.head.scale: heads,
            self.head_bias: heads,
        }
        if (
            any(tensor.shape != shape for tensor, shape in expected.items())
            or self.image.dtype != torch.uint8
        ):
            raise ValueError("shapes do not fit the space")


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
        raise AnirError(f"{path}: checkpoint format {state['anir']}, this anir reads {FORMAT}; update anir")
    if state.get("kind") != kind:
        raise AnirError(f"{path}: holds a {state.get('kind')}, not a {kind}")
    return state
