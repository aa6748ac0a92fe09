"""Latent features: the inputs that subnets take from their latents, at the pixels of the picture."""

from collections.abc import Mapping
from concurrent.futures import Executor

import numpy as np
import torch
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.lapped_transform import REACHES
from anir_runtime.network import Latents
from torch import Tensor

from anir_toolchain.lapped_synthesis import existing_inputs, planes_at
from anir_toolchain.picture import Picture
from anir_toolchain.space import Subnet

_FRAME = 2 * REACHES[-1]
"""Width in pixels of the frame around the picture that the features of its outermost pixels need."""


class LatentFeatures:
    """The planes of all subnets' latents at every pixel, from which features are looked up.

    Attributes:
        latents: the latents of each subnet, in the order of the space; empty if the family has none.
    """

    def __init__(self, latents: Mapping[Subnet, Latents], picture: Picture, pool: Executor) -> None:
        self.latents = latents
        self._width, self._colours = picture.width, picture.colours
        planes = pool.map(lambda own: _framed_planes(own, picture), latents.values())
        self._planes = dict(zip(latents, planes, strict=True))

    def of_width(self, width: int, index: Tensor) -> list[Tensor]:
        """Returns the features, float32[N, n], of each subnet of a width, by depth; [] without latents."""
        reach_of = {subnet: own.reach for subnet, own in self.latents.items() if subnet.width == width}
        indices = {reach: self._indices(width, reach, index) for reach in set(reach_of.values())}
        return [self._seen(subnet, indices[reach]) for subnet, reach in reach_of.items()]

    def _seen(self, subnet: Subnet, indices: Tensor) -> Tensor:
        """Returns the features at indices from `_indices`: planes at the point, differences at neighbours."""
        seen, planes = self._planes[subnet].take(indices).float(), self._colours
        seen[:, planes:] -= seen[:, [own.plane for own in existing_inputs(subnet.width, planes)[planes:]]]
        return seen

    def _indices(self, width: int, reach: int, index: Tensor) -> Tensor:
        """Returns the indices of N pixels' features in a subnet's flattened, framed planes, int64[N, n]."""
        stride = self._width + 2 * _FRAME
        colours = self._colours
        beside = [
            (down * stride + right) * reach * colours + plane
            for plane, right, down in existing_inputs(width, colours)
        ]
        row = index.div(self._width, rounding_mode="floor")
        own = ((row + _FRAME) * stride + index % self._width + _FRAME) * colours
        indices: Tensor = own[:, None] + torch.tensor(beside, device=index.device)
        return indices


def _framed_planes(latents: Latents, picture: Picture) -> Tensor:
    """Returns planes at all pixels and in a frame of F = _FRAME around, float16[H + 2F, W + 2F, colours]."""
    x, y = (
        axis_coordinates(pixels, pixels + 2 * _FRAME, -_FRAME, pixels + 2 * _FRAME) for pixels in picture.size
    )
    # Half precision, as the planes of a large picture take gigabytes.
    planes = planes_at(latents, x, y, picture.size).astype(np.float16, order="C")
    return torch.from_numpy(planes).to(picture.device)
