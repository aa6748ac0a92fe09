"""A trained picture in its final form: integer codes and scales of a supernet, for every subnet."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from anir_runtime.decoder import Decoder
from anir_runtime.network import Latents, Network
from anir_runtime.steps import Step
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.embedding import coded
from anir_toolchain.families import Family, family
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.lapped_synthesis import features_at
from anir_toolchain.levels import in_order
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
        """A part along axes that codes and scale share."""
        return Quantized(self.codes[index], self.scale[index])


@dataclass(frozen=True)
class QuantizedTrunk:
    """The subnets of one width, which share their layers.

    D is the greatest depth, C the width, F the number of filter banks and K that of a filter's values.

    Attributes:
        filters: int16[F, K, C], scale [F, K]; codes of 8-bit values are within ±127. Codes stand for what
            `Family.roots` gives.
        weight: codes of the hidden matrices over (input, output), int8[D-1, C, C].
        step: learned step sizes of the hidden matrices, scale [D-1]: int8[D-1, C], one for each output, or
            int8[D-1, 1], one for each matrix, if the family is lean.
        bias: int8[D-1, C], scale [D-1]; empty, [0, C] and [0], if the family is lean.
        head: linear maps to N colours in [0, 1], one for each depth: int8[depths, N, C], scale [depths, N].
        head_bias: float32[depths, N].
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
        family_name: such as "siren".
        bits: bits of a hidden weight, 4 or 8.
        space: the subnets.
        preset: name of the preset that it was trained with.
        seed: of the training's random numbers.
        source: file name of the picture.
        image: the picture itself, uint8[H, W, N]: grey, RGB, or RGB and alpha.
        trunks: by width.
        steps: how the levels of `in_order` refine the picture's coefficients, if the family has latents.
    """

    family_name: str
    bits: int
    space: Space
    preset: str
    seed: int
    source: str
    image: Tensor
    trunks: dict[int, QuantizedTrunk]
    steps: tuple[Step, ...] = ()

    @property
    def family(self) -> Family:
        """The family by its name."""
        return family(self.family_name)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the picture in pixels."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def colours(self) -> int:
        """Number N of colours of the picture: 1, 3 or 4."""
        return self.image.shape[2]

    @property
    def planes(self) -> int:
        """Number of its latents' planes."""
        return self.family.planes(self.colours)

    def latents(self, subnet: Subnet) -> Latents | None:
        """A subnet's latents, if the family has any. At first use, those of all levels are made."""
        return self._latents.get(subnet)

    @cached_property
    def _latents(self) -> dict[Subnet, Latents]:
        if not self.steps:
            return {}
        coefficients = analyse(self.image.numpy()).coefficients
        return dict(zip(in_order(self.space), coded(coefficients, self.steps), strict=True))

    def network(self, subnet: Subnet) -> Network:
        """A subnet as plain data, its tensors by the names of docs/format.md."""
        return replace(self.layers(subnet), latents=self.latents(subnet))

    def layers(self, subnet: Subnet) -> Network:
        """A subnet as `network` has it, without its latents."""
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
        """The tensors that a filter's values make up: [n, F, C] of n of the K values, or [F, C] of one."""
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
        """What the quantized subnet shows, by torch: float32[H', W', N], not clipped to [0, 1].

        Args:
            subnet: a member of the space.
            x: columns, float32[W'] in [-1, 1].
            y: rows, float32[H'] in [-1, 1].
        """
        grid_y, grid_x = (axis.reshape(-1) for axis in torch.meshgrid(y, x, indexing="ij"))
        colours = self.colours_at(subnet, grid_x, grid_y, self._features(subnet, x.numpy(), y.numpy()))
        return colours.reshape(len(y), len(x), -1)

    def colours_at(self, subnet: Subnet, x: Tensor, y: Tensor, features: Tensor | None = None) -> Tensor:
        """What the quantized subnet shows at M points, by torch: float32[M, N], not clipped to [0, 1].

        Args:
            subnet: a member of the space.
            x: float32[M] in [-1, 1].
            y: float32[M] in [-1, 1].
            features: what its channels see of its latents, float32[M, n], if the family has any.
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
        """What the largest subnet shows, as a PNG, which notebooks show."""
        return Decoder(self.network(self.space.largest))._repr_png_()

    def _features(self, subnet: Subnet, x: NDArray[np.float32], y: NDArray[np.float32]) -> Tensor | None:
        """The features of a subnet's channels at all points of a grid, float32[H' · W', n], if it has any."""
        latents = self.latents(subnet)
        if latents is None:
            return None
        return torch.from_numpy(features_at(latents, x, y, self.size, subnet.width)).flatten(0, 1)
