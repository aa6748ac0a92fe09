"""Previews of `.anir` files of the family `lapped` whose first level is still incomplete.

A level begins with the DC coefficients of all cells, their means (docs/format.md, "Preview"). They give one
colour per cell, and the preview interpolates between these.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from anir_runtime.anir_header import Header
from anir_runtime.anir_networks import code_colours
from anir_runtime.coder import AHEAD_BYTES
from anir_runtime.common_networks import COLOUR_PER_UNIT
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.lapped_transform import Axis
from anir_runtime.level_step import LEAST_WIDTH, STEP_BYTES, code_level_step
from anir_runtime.network import Floats
from anir_runtime.segments import table_bytes
from anir_runtime.strips import Strips
from anir_runtime.tiles import NATIVE, Draw, Pixels, Spacing

_CUBIC = np.array([[0, -1, 2, -1], [2, 0, -5, 3], [0, 1, 4, -3], [0, 0, -1, 1]], np.float32) / 2
"""Cubic convolution (Keys 1981): each row is one of four neighbours' weight, as a polynomial's coefficients,
constant term first, in the position from 0 to 1 between the middle two neighbours."""


@dataclass(frozen=True)
class Preview:
    """A picture with one colour per cell.

    Attributes:
        name: what messages call it, in place of a subnet's name.
        family: family of the file's networks.
        size: native (width, height) of the picture in pixels.
        pitch: pixels from one cell to the next.
        offset: native pixels along each axis from the picture's corner to the position of the first cell's
            colour.
        colours: float32[rows, columns, N], in [0, 1] or slightly beyond.
    """

    name: ClassVar[str] = "preview"
    family: str
    size: tuple[int, int]
    pitch: int
    offset: float
    colours: Floats


def read_preview(header: Header, stream: bytes) -> Preview | None:
    """Decodes a preview from a prefix of a file's stream; None if it is too short or the family has none.

    DCT coefficients of the cells' means that are missing count as 0, so a block without any has the colour of
    the border.
    """
    many = header.colours
    least = table_bytes(header, is_first=True) + many**2 + many + STEP_BYTES + AHEAD_BYTES
    if not header.has_latents or len(stream) < least:
        return None
    columns, rows = header.cells
    # Coders with a pitch of 1 hold means only, and take little memory.
    strips = Strips(header, threads=1, pitch=1)
    strips.decode(stream)
    colours, step = code_colours(strips.first, many), code_level_step(strips.first, None)
    if step.width < LEAST_WIDTH:
        return None
    strips.level(step.width)
    down, across = (_sums(cells, header.pitch) for cells in (rows, columns))
    planes = np.concatenate(strips.values())[..., 0, 0].astype(np.float32)
    planes *= (header.pitch / 2 / (down[:, None] * across))[..., None]
    shown = planes @ (colours.matrix.T * COLOUR_PER_UNIT) + np.float32(1 / 255) * colours.border
    return Preview(header.family, header.size, header.pitch, _offset(header.pitch), shown)


def _lowest(cells: int, pitch: int) -> Floats:
    """Returns the windowed cosines of frequency 0 of some cells at native pixels, float32[cells, pixels]."""
    axis = Axis(cells * pitch, pitch)
    return axis.cosines(axis_coordinates(axis.pixels), 1)[:, 0]


def _sums(cells: int, pitch: int) -> Floats:
    """Returns the sum of each cell's cosine of frequency 0 along an axis: its mean if the picture is 1."""
    first, *others = _lowest(min(cells, 3), pitch).sum(1)
    # All cells between the first and the last one have the same sum.
    return np.array([first, *others[:-1] * (cells - 2), *others[-1:]], np.float32)


def _offset(pitch: int) -> float:
    """Returns `Preview.offset`: the centre of gravity of an inner cell's cosine of frequency 0."""
    own = _lowest(3, pitch)[1].astype(np.float64)
    return float((np.arange(len(own)) + 0.5) @ own / own.sum()) - pitch


class PreviewRenderer:
    """Draws a preview by interpolation, without averaging at smaller sizes."""

    rows = 16

    def __init__(self, preview: Preview) -> None:
        self._preview = preview

    def start(self, x: Floats, y: Floats, spacing: Spacing = NATIVE) -> Draw:
        """Prepares to draw samples at columns x, float32[W], and rows y, float32[H]."""

        def draw(part: slice) -> Pixels:
            rows = _interpolated(self._preview.colours, self._positions(y[part], 1), 0)
            levels = _interpolated(rows, self._positions(x, 0), 1)
            levels *= 255
            return np.rint(levels).clip(0, 255).astype(np.uint8)

        return draw

    def _positions(self, at: Floats, axis: int) -> Floats:
        """Converts coordinates along an axis to positions in cells; the first cell's colour is at 0."""
        preview = self._preview
        pixels = (at.astype(np.float64) + 1) * (preview.size[axis] / 2)
        return ((pixels - preview.offset) / preview.pitch).astype(np.float32)


def _interpolated(values: Floats, positions: Floats, axis: int) -> Floats:
    """Interpolates values [rows, columns, N] along axis 0 or 1, with constant values beyond both ends."""
    first = np.floor(positions)
    weights = _CUBIC @ (positions - first) ** np.arange(4, dtype=np.float32)[:, None]
    numbers = first.astype(np.int64)
    result: Floats = np.zeros(1, np.float32)
    for k, weight in enumerate(weights, -1):
        near = values.take(numbers + k, axis, mode="clip")
        result = result + near * weight.reshape(-1, *[1] * (2 - axis))
    return result
