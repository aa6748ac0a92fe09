"""A coordinate network as plain data: what a file stores and what a family evaluates.

docs/format.md lists the tensors of each family with their types and shapes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Tensors = Mapping[str, NDArray[Any]]
"""Arrays by name."""


@dataclass(frozen=True)
class Latents:
    """A picture as quantized coefficients of a modulated lapped transform (Malvar 1992).

    Attributes:
        codes: int16[N, A, B, K, K] over (colour plane, cell along the scan, cell across the scan, frequency
            along the scan, frequency across the scan). For a cell's DC coefficient, its mean, the code stands
            for the difference from the mean of the previous cell along the scan.
        step: value of a magnitude of 1; a float32 number.
        pitch: pixels from one cell to the next, 16 or 32.
        down: whether the scan runs down the columns of cells; otherwise along the rows, to the right.
        reach: distance in pixels, 1 to 4, from a point to the nearest neighbours whose planes are inputs of
            the network.
        magnitudes: float32[n], ascending from 0: code q stands for sign(q) · `magnitudes[|q|]` steps.
    """

    codes: NDArray[np.int16]
    step: float
    pitch: int
    down: bool
    reach: int
    magnitudes: NDArray[np.float32]


@dataclass(frozen=True)
class Network:
    """One subnet: a function from positions to colours.

    Attributes:
        family: the family's name, such as "lapped".
        size: native (width, height) of the picture in pixels.
        bits: bits of a hidden weight, 4 or 8.
        tensors: arrays by the names that docs/format.md lists. A tensor of integer codes `t` stands for the
            real values t · `t.scale`; the scale has the leading axes of `t`.
        latents: coefficients of the lapped transform; only in the family `lapped`.
    """

    family: str
    size: tuple[int, int]
    bits: int
    tensors: Tensors
    latents: Latents | None = None

    @property
    def depth(self) -> int:
        """Number of layers: the first layer and one for each hidden matrix."""
        return len(self.tensors["weights"]) + 1

    @property
    def channels(self) -> int:
        """Number of channels of each layer."""
        return int(self.tensors["weights"].shape[2])

    @property
    def colours(self) -> int:
        """Number N of the picture's colour channels: 1 for grey, 3 for RGB, 4 for RGB and alpha."""
        return len(self.tensors["head"])

    @property
    def name(self) -> str:
        """The subnet's name, such as `d3w64`: three layers of 64 channels."""
        return f"d{self.depth}w{self.channels}"

    def values(self, name: str) -> NDArray[np.float32]:
        """Returns a tensor's real values, float32: codes times scale, or the tensor itself if it has none."""
        codes, scale = self.tensors[name], self.tensors.get(f"{name}.scale")
        if scale is None:
            return codes.astype(np.float32)
        aligned = scale.reshape(scale.shape + (1,) * (codes.ndim - scale.ndim))
        values: NDArray[np.float32] = codes.astype(np.float32) * aligned
        return values
