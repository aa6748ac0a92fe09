"""Draws pictures in tiles whose intermediate values stay in a core's cache."""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from anir_runtime.network import Floats

Pixels = NDArray[np.uint8]
Draw = Callable[[slice], Pixels]
"""Draws a slice of the rows, uint8[rows, W, colours]; may be called concurrently."""
Spacing = tuple[float, float]
"""Native pixels from one column to the next and from one row to the next."""
NATIVE: Spacing = (1.0, 1.0)
_MOST_KEPT = 64 << 20
"""Most bytes of values of columns that are kept from one band of tiles to the next."""
_Down = TypeVar("_Down")
_Across = TypeVar("_Across")


class Renderer(Protocol):
    """Draws a network at any coordinates.

    Attributes:
        rows: height of a tile in pixels. Drawing fewer rows at once takes about as long.
    """

    rows: int

    def start(self, x: Floats, y: Floats, spacing: Spacing = NATIVE) -> Draw:
        """Prepares to draw samples at columns x, float32[W], and rows y, float32[H].

        `spacing` is the distance of samples. If it exceeds a native pixel, the renderer of `lapped`
        averages over the area of each sample (docs/decoding.md); other renderers ignore it.
        """


def stretches(length: int, longest: int) -> Iterator[slice]:
    """Splits `length` columns into the fewest parts of at most `longest`, which are about equally long."""
    count = -(-length // longest)
    for i in range(count):
        yield slice(i * length // count, (i + 1) * length // count)


def bands(length: int, rows: int) -> Iterator[slice]:
    """Splits `length` rows into parts of `rows`; the last one may be smaller."""
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
    """Returns a function that draws tile by tile.

    Args:
        x, y: coordinates of columns, float32[W], and rows, float32[H].
        shape: most (rows, columns) of a tile.
        across: computes the values that depend on a tile's columns only. They are cached; beyond `_MOST_KEPT`
            bytes, in very wide pictures, they are computed again for each tile.
        down: computes the values that depend on a tile's rows only.
        paint: computes the colours of a tile's pixels, 0 to 1, from both, in a new float32[colours, pixels].
        colours: number of colours.
        column_bytes: bytes of the values that `across` computes, per column.
    """
    spans = list(stretches(len(x), shape[1]))
    kept = spans[: max(1, _MOST_KEPT // (column_bytes * shape[1]))]
    with np.errstate(all="ignore"):
        columns = [across(x[span]) for span in kept]

    def draw(part: slice) -> Pixels:
        own = y[part]
        image = np.empty((len(own), len(x), colours), np.uint8)
        # Values that overflow are drawn as some colour, as ONNX Runtime does.
        with np.errstate(all="ignore"):
            for band in bands(len(own), shape[0]):
                rows = down(own[band])
                for k, span in enumerate(spans):
                    beside = columns[k] if k < len(columns) else across(x[span])
                    _put(image[band, span], paint(rows, beside))
        return image

    return draw


def _put(tile: Pixels, values: Floats) -> None:
    """Writes colours, float32[colours, h · w], 0 to 1, as 8-bit values to a view, uint8[h, w, colours]."""
    np.multiply(values, 255, out=values)
    np.rint(values, out=values)
    np.clip(values, 0, 255, out=values)
    # Copying one colour after the other has longer inner loops than copying pixels.
    for colour, levels in enumerate(values.astype(np.uint8)):
        tile[..., colour] = levels.reshape(tile.shape[:2])
