"""Pictures drawn in tiles small enough that what a tile needs stays in a core's cache."""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from anir_runtime.network import Floats

Pixels = NDArray[np.uint8]
Draw = Callable[[slice], Pixels]
"""Draws some of the rows, uint8[rows, W, colours]; threads may call it at once."""
Spacing = tuple[float, float]
"""Native pixels from one column to the next and from one row to the next."""
NATIVE: Spacing = (1.0, 1.0)
_MOST_KEPT = 64 << 20
"""Bytes of what depends on columns alone that are kept from one tile to the next."""
_Down = TypeVar("_Down")
_Across = TypeVar("_Across")


class Renderer(Protocol):
    """Draws a network at any coordinates.

    Attributes:
        rows: height of a tile in pixels; drawing fewer rows at once takes about as long.
    """

    rows: int

    def start(self, x: Floats, y: Floats, spacing: Spacing = NATIVE) -> Draw:
        """Prepares to draw columns x, float32[W], of rows y, float32[H].

        Of what is finer than samples so far apart, a renderer that can takes averages (docs/decoding.md).
        """


def stretches(length: int, longest: int) -> Iterator[slice]:
    """Columns in parts of about equal length."""
    count = -(-length // longest)
    for i in range(count):
        yield slice(i * length // count, (i + 1) * length // count)


def bands(length: int, rows: int) -> Iterator[slice]:
    """Rows in parts of `rows`, of which the last may have fewer."""
    for i in range(0, length, rows):
        yield slice(i, min(i + rows, length))


def in_tiles(
    x: Floats,
    y: Floats,
    shape: tuple[int, int],
    across: Callable[[Floats], _Across],
    down: Callable[[Floats], _Down],
    paint: Callable[[_Down, _Across], Floats],
    colours: int,
    column_bytes: int,
) -> Draw:
    """Draws tile by tile.

    Args:
        x: columns, float32[W].
        y: rows, float32[H].
        shape: (rows, columns) that a tile has at most.
        across: works out what depends on a tile's columns alone; called once for each stretch of columns,
            and in very wide pictures again for each tile of the last ones, as memory is bounded.
        down: works out what depends on a tile's rows alone.
        paint: colours of the tile's pixels from both, float32[colours, pixels], 0 to 1; a new array.
        colours: number of colours.
        column_bytes: bytes of what `across` makes of a column.
    """
    spans = list(stretches(len(x), shape[1]))
    kept = spans[: max(1, _MOST_KEPT // (column_bytes * shape[1]))]
    with np.errstate(all="ignore"):
        columns = [across(x[span]) for span in kept]

    def draw(part: slice) -> Pixels:
        own = y[part]
        image = np.empty((len(own), len(x), colours), np.uint8)
        # Numbers that overflow show as some colour, here as in ONNX Runtime.
        with np.errstate(all="ignore"):
            for band in bands(len(own), shape[0]):
                rows = down(own[band])
                for k, span in enumerate(spans):
                    beside = columns[k] if k < len(columns) else across(x[span])
                    _put(image[band, span], paint(rows, beside))
        return image

    return draw


def _put(tile: Pixels, values: Floats) -> None:
    """Puts colours float32[colours, h·w] as levels into a view uint8[h, w, colours]."""
    np.multiply(values, 255, out=values)
    np.rint(values, out=values)
    np.clip(values, 0, 255, out=values)
    # One colour after the other: long strides, not threes.
    for colour, levels in enumerate(values.astype(np.uint8)):
        tile[..., colour] = levels.reshape(tile.shape[:2])
