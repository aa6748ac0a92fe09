"""A trained picture in its final form: a supernet of integer codes and scales, which holds every subnet."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from anir_runtime.coder import Integers
from anir_runtime.decoder import Decoder
from anir_runtime.lapped_transform import PITCHES
from anir_runtime.level_step import LevelStep
from anir_runtime.network import Latents, Network
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.embedding import latents_after
from anir_toolchain.families import Family, family
from anir_toolchain.lapped_analysis import Analysis, analyse
from anir_toolchain.lapped_synthesis import features_at
from anir_toolchain.levels import level_order
from anir_toolchain.space import Space, Subnet


@dataclass(frozen=True)
class Quantized:
    """A tensor as integer codes with scales.

    Attributes:
        codes: integers, any shape.
        scale: float32 values of a code of 1; its shape is that of the leading axes of `codes`.
    """

    codes: Tensor
    scale: Tensor

    @property
    def values(self) -> Tensor:
        """codes · scale, float32 in the shape of the codes."""
        missing = self.codes.dim() - self.scale.dim()
        return self.codes.float() * self.scale.reshape(*self.scale.shape, *[1] * missing)

    def __getitem__(self, index: int | slice | tuple[int | slice, ...]) -> "Quantized":
        """Indexes codes and scale along the axes that they share."""
        return Quantized(self.codes[index], self.scale[index])


@dataclass(frozen=True)
class QuantizedTrunk:
    """The subnets of one width, which share their layers.

    D is the greatest depth, C the width, F the number of filter banks and K the number of a filter's values.

    Attributes:
        filters: the filters' `Family.roots`, int16[F, K, C], scale [F, K]; codes of 8-bit values are within
            ±127.
        weight: codes of the hidden matrices over (input, output), int8[D-1, C, C].
        step: learned step sizes of the hidden matrices, int8[D-1, C], scale [D-1], one per output; if the
            family is lean, int8[D-1, 1], one per matrix.
        bias: hidden biases, int8[D-1, C], scale [D-1]; empty, [0, C] and [0], if the family is lean.
        head: linear maps to N colours in [0, 1], one for each depth: int8[depths, N, C], scale [depths, N].
        head_bias: biases of the heads, float32[depths, N].
    """

    filters: Quantized
    weight: Tensor
    step: Quantized
    bias: Quantized
    head: Quantized
    head_bias: Tensor


@dataclass(frozen=True)
class Model:
    """A picture as a quantized supernet, from which every subnet can be taken.

    Attributes:
        family_name: name of the family, such as "siren".
        bits: bits of a hidden weight, 4 or 8.
        space: the subnets.
        preset: `Config.schedule_name` that the supernet was trained with.
        seed: seed of the training's random numbers.
        source: file name of the picture.
        image: the picture itself, uint8[H, W, N]: grey, RGB, or RGB and alpha.
        trunks: the trunks by width.
        steps: how each level refines the coefficients, in the order of `level_order`; empty without latents.
        pitch: pixels from one cell of the latents to the next; of no meaning without latents.
        coefficients: what to encode with the steps, if that was chosen (see `levels_by_synthesis`):
            int32[rows, columns, N, pitch, pitch]. None stands for the picture's lapped transform.
    """

    family_name: str
    bits: int
    space: Space
    preset: str
    seed: int
    source: str
    image: Tensor
    trunks: dict[int, QuantizedTrunk]
    steps: tuple[LevelStep, ...] = ()
    pitch: int = PITCHES[0]
    coefficients: Integers | None = None

    @property
    def family(self) -> Family:
        """The family of the networks."""
        return family(self.family_name)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the picture in pixels."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def colours(self) -> int:
        """Number N of the picture's colour channels: 1, 3 or 4."""
        return self.image.shape[2]

    @property
    def planes(self) -> int:
        """Number of the latents' planes; 0 without latents."""
        return self.family.planes(self.colours)

    def latents(self, subnet: Subnet) -> Latents | None:
        """Returns a subnet's latents, if the family has any; the first call computes those of all subnets."""
        return self._latents.get(subnet)

    @cached_property
    def _latents(self) -> dict[Subnet, Latents]:
        if not self.steps:
            return {}
        latents = latents_after(self.analysis().coefficients, self.steps)
        return dict(zip(level_order(self.space), latents, strict=True))

    def analysis(self) -> Analysis:
        """Returns the lapped transform that is encoded, of a family with latents."""
        own = analyse(self.image.numpy(), self.pitch)
        return own if self.coefficients is None else replace(own, coefficients=self.coefficients)

    def network(self, subnet: Subnet) -> Network:
        """Returns a subnet as plain data, with its tensors by the names of docs/format.md."""
        return replace(self.layers(subnet), latents=self.latents(subnet))

    def layers(self, subnet: Subnet) -> Network:
        """Returns a subnet as `network` does, but without latents."""
        trunk, layers = self.trunks[subnet.width], subnet.depth - 1
        at = self.space.depths.index(subnet.depth)
        parts = dict(self._filter_tensors(trunk, subnet.depth))
        parts["head"] = trunk.head[at]
        tensors = {"weights": trunk.weight[:layers], "head.bias": trunk.head_bias[at]}
        if self.family.lean:
            tensors["steps"] = trunk.step.values[:layers, 0]
        else:
            parts |= {"steps": trunk.step[:layers], "biases": trunk.bias[:layers]}
        for name, own in parts.items():
            tensors |= {name: own.codes, f"{name}.scale": own.scale}
        arrays = {name: np.ascontiguousarray(tensor.numpy()) for name, tensor in tensors.items()}
        return Network(self.family_name, self.size, self.bits, arrays)

    def _filter_tensors(self, trunk: QuantizedTrunk, depth: int) -> Iterator[tuple[str, Quantized]]:
        """Yields a file's tensors of filters: [n, F, C] for n of the K values, or [F, C] for one of them."""
        first = 0
        for name, tensor in self.family.filter_tensors.items():
            own = trunk.filters[: self.family.banks(depth), first : first + tensor.rows]
            codes = own.codes if tensor.bits == 16 else own.codes.to(torch.int8)
            if tensor.rows == 1:
                yield name, Quantized(codes[:, 0], own.scale[:, 0])
            else:
                yield name, Quantized(codes.transpose(0, 1), own.scale.T)
            first += tensor.rows

    def decode(self, subnet: Subnet, x: Tensor, y: Tensor) -> Tensor:
        """Draws a quantized subnet with torch: float32[H', W', N], not clipped to [0, 1].

        Args:
            subnet: a member of the space.
            x: coordinates of the columns, float32[W'] in [-1, 1].
            y: coordinates of the rows, float32[H'] in [-1, 1].
        """
        grid_y, grid_x = (axis.reshape(-1) for axis in torch.meshgrid(y, x, indexing="ij"))
        colours = self.colours_at(subnet, grid_x, grid_y, self._features(subnet, x.numpy(), y.numpy()))
        return colours.reshape(len(y), len(x), -1)

    def colours_at(self, subnet: Subnet, x: Tensor, y: Tensor, features: Tensor | None = None) -> Tensor:
        """Evaluates a quantized subnet at M points with torch: float32[M, N], not clipped to [0, 1].

        Args:
            subnet: a member of the space.
            x: coordinates of the points, float32[M] in [-1, 1].
            y: coordinates of the points, float32[M] in [-1, 1].
            features: its inputs from its latents, float32[M, n], if the family has any.
        """
        trunk, layers = self.trunks[subnet.width], subnet.depth - 1
        at = self.space.depths.index(subnet.depth)
        h = self.family.forward(
            self.family.filters(trunk.filters.values)[: self.family.banks(subnet.depth)],
            trunk.weight[:layers].float() * trunk.step.values[:layers, None],
            trunk.bias.values[:layers],
            x,
            y,
            features,
            self.planes,
        )[-1]
        return torch.addmm(trunk.head_bias[at], h, trunk.head.values[at].T)

    def _repr_png_(self) -> bytes | None:
        """Draws the largest subnet as a PNG, for notebooks."""
        return Decoder(self.network(self.space.largest))._repr_png_()

    def _features(self, subnet: Subnet, x: NDArray[np.float32], y: NDArray[np.float32]) -> Tensor | None:
        """Returns a subnet's inputs from its latents, if any, on a grid of points, float32[H' · W', n]."""
        latents = self.latents(subnet)
        if latents is None:
            return None
        return torch.from_numpy(features_at(latents, x, y, self.size, subnet.width)).flatten(0, 1)
