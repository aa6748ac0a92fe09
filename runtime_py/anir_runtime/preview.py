"""What the first bytes of an `.anir` file of the family `lapped` show, before its first level has come.

A level begins with the means of all cells (docs/format.md, "Preview"): a colour for each cell, between which
the picture is interpolated.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from anir_runtime.anir_header import Header
from anir_runtime.anir_networks import code_colours
from anir_runtime.common_networks import WORTH
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.lapped_transform import Axis
from anir_runtime.network import Floats
from anir_runtime.segments import table_bytes
from anir_runtime.steps import LEAST_WIDTH, code_step
from anir_runtime.strips import Strips
from anir_runtime.tiles import NATIVE, Draw, Pixels, Spacing

_STEP_BYTES, _AHEAD = 3, 4
"""Bytes that tell the first level's step; bytes that a decoder reads before they are due."""
_CUBIC = np.array([[0, -1, 2, -1], [2, 0, -5, 3], [0, 1, 4, -3], [0, 0, -1, 1]], np.float32) / 2
"""Cubic convolution (Keys 1981): of four neighbours, polynomials of the place between the middle two."""


@dataclass(frozen=True)
class Preview:
    """Colours of a picture's cells.

    Attributes:
        name: in place of a subnet's.
        family: of the networks of the file.
        size: native (width, height) of the picture in pixels.
        pitch: pixels from one cell to the next.
        offset: native pixels, along each axis, from the picture's corner to where the first cell's colour is.
        colours: float32[rows, columns, N], in [0, 1] or somewhat beyond.
    """

    name: ClassVar[str] = "preview"
    family: str
    size: tuple[int, int]
    pitch: int
    offset: float
    colours: Floats


def read_preview(header: Header, stream: bytes) -> Preview | None:
    """The preview from as much of a file's stream as there is; none if that is too little, or has no cells.

    Cells of which nothing has come yet have the colour of their block's known cosines, or the border's.
    """
    many = header.colours
    if (
        not header.has_latents
        or len(stream) < table_bytes(header, is_first=True) + many**2 + many + _STEP_BYTES + _AHEAD
    ):
        return None
    columns, rows = (Axis(pixels, header.pitch).cells for pixels in header.size)
    # Coders of one frequency know means alone, and take little memory.
    strips = Strips(header, threads=1, pitch=1)
    strips.decode(stream)
    colours, step = code_colours(strips.first, many), code_step(strips.first, None)
    if step.width < LEAST_WIDTH:
        return None
    strips.level(step.width)
    down, across = (_sums(cells, header.pitch) for cells in (rows, columns))
    planes = np.concatenate(strips.values())[..., 0, 0].astype(np.float32)
    planes *= (header.pitch / 2 / (down[:, None] * across))[..., None]
    shown = planes @ (colours.matrix.T * WORTH) + np.float32(1 / 255) * colours.border
    return Preview(header.family, header.size, header.pitch, _offset(header.pitch), shown)


def _lowest(cells: int, pitch: int) -> Floats:
    """The lowest cosines of so many cells at their native pixels, float32[cells, pixels]."""
    axis = Axis(cells * pitch, pitch)
    return axis.cosines(axis_coordinates(axis.pixels), 1)[:, 0]


def _sums(cells: int, pitch: int) -> Floats:
    """Of each cell along an axis, the sum of its lowest cosine: what its mean is where the picture is 1."""
    first, *others = _lowest(min(cells, 3), pitch).sum(1)
    # All cells between the first and the last one are alike.
    return np.array([first, *others[:-1] * (cells - 2), *others[-1:]], np.float32)


def _offset(pitch: int) -> float:
    """Where along an axis the first cell's mean is: the centre of gravity of a cosine away from borders."""
    own = _lowest(3, pitch)[1].astype(np.float64)
    return float((np.arange(len(own)) + 0.5) @ own / own.sum()) - pitch


class PreviewRenderer:
    """Draws a preview; samples that are farther apart than cells are no averages."""

    rows = 16

    def __init__(self, preview: Preview) -> None:
        self._preview = preview

    def start(self, x: Floats, y: Floats, spacing: Spacing = NATIVE) -> Draw:
        """Prepares to draw columns x, float32[W], of rows y, float32[H]."""

        def draw(part: slice) -> Pixels:
            rows = _interpolated(self._preview.colours, self._places(y[part], 1), 0)
            levels = _interpolated(rows, self._places(x, 0), 1)
            levels *= 255
            return np.rint(levels).clip(0, 255).astype(np.uint8)

        return draw

    def _places(self, at: Floats, axis: int) -> Floats:
        """Coordinates along an axis as places between cells, which count from 0."""
        preview = self._preview
        pixels = (at.astype(np.float64) + 1) * (preview.size[axis] / 2)
        return ((pixels - preview.offset) / preview.pitch).astype(np.float32)


def _interpolated(values: Floats, places: Floats, axis: int) -> Floats:
    """Values [rows, columns, N] at places along their first or second axis, beyond whose ends they go on."""
    first = np.floor(places)
    weights = _CUBIC @ (places - first) ** np.arange(4, dtype=np.float32)[:, None]
    numbers = first.astype(np.int64)
    result: Floats = np.zeros(1, np.float32)
    for k, weight in enumerate(weights, -1):
        near = np.clip(numbers + k, 0, values.shape[axis] - 1)
        result = result + values.take(near, axis) * weight.reshape(-1, *[1] * (2 - axis))
    return result
