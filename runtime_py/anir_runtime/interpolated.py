"""Draws what is smooth at few points of a tile, and the rest at its pixels."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from anir_runtime.interpolation import Floats, Spectrum, points, spectrum, weights
from anir_runtime.products import Products, of_columns, of_rows
from anir_runtime.smooth import ACROSS, DOWN, Smooth, points_needed
from anir_runtime.stages import Stages
from anir_runtime.tiles import put, stretches

_SAMPLES = {"columns": 64, "rows": 32}
"""Points of a stretch by which functions are judged: what is too rough for these is drawn otherwise."""

_AXIS_OF_POINTS = {"columns": 2, "rows": 1}
"""The axis of points in what products take."""

_TILE_VALUES, _TILE_ROWS = 393216, 64
"""More values than in engine.py: a tile's smooth part costs about as much whatever its size."""

_TILE_COLUMNS, _OF_FEW_CHANNELS = 128, 256
"""At most; where only a few channels have to be interpolated, it pays to have fewer points."""

_WORTHWHILE = 16384
"""Pixels below which all of them are drawn sooner than some are judged."""

_JUDGED = 64
"""Stretches or bands that are judged at most, evenly spaced."""


class _Judged(NamedTuple):
    """Of what products take along columns or rows: spectra, and the largest values."""

    spectra: dict[str, Spectrum]
    sizes: dict[str, float]


class Interpolated:
    """A graph whose smooth part is at points, for coordinates so close that few points do."""

    def __init__(
        self,
        smooth: Smooth,
        products: Sequence[Products],
        values: Callable[[list[str], Floats, Floats], Mapping[str, Floats]],
        opened: Callable[[bytes], ort.InferenceSession],
    ) -> None:
        """Of a graph and its products; `values` are those of the exported graph at x or y alone."""
        self._smooth, self._products, self._of = smooth, products, values
        self._stages = Stages(smooth.model, "image", opened)
        self._longest = _OF_FEW_CHANNELS if smooth.channels < 16 else _TILE_COLUMNS
        self.rows = min(_TILE_ROWS, max(1, _TILE_VALUES // smooth.channels // self._longest))

    def start(self, x: Floats, y: Floats) -> Callable[[slice], NDArray[np.uint8]] | None:
        """As engines do; nothing if these coordinates need too many points, or are too few to be judged."""
        if len(x) * len(y) < _WORTHWHILE:
            return None
        spans = list(stretches(len(x), self._longest))
        along = self._judge("columns", [x[span] for span in spans])
        beside = self._judge("rows", [y[band] for band in self._bands(len(y))])
        if not along or not beside:
            return None
        across = points_needed(self._smooth, along.spectra, beside.sizes)
        down = points_needed(self._smooth, beside.spectra, along.sizes)
        if 2 * across * down > min(len(x), self._longest) * min(len(y), self.rows):
            return None
        columns = self._feeds("columns", [x[span] for span in spans], across)

        def draw(part: slice) -> NDArray[np.uint8]:
            own = y[part]
            image = np.empty((len(own), len(x), 3), np.uint8)
            bands = self._bands(len(own))
            rows = self._feeds("rows", [own[band] for band in bands], down)
            for band, feeds in zip(bands, rows, strict=True):
                for span, others in zip(spans, columns, strict=True):
                    put(image[band, span], self._stages.run(feeds | others))
            return image

        return draw

    def _bands(self, length: int) -> list[slice]:
        """Rows in parts of `rows`: none is longer than those that were judged, wherever one begins."""
        return [slice(i, min(i + self.rows, length)) for i in range(0, length, self.rows)]

    def _judge(self, direction: str, spans: Sequence[Floats]) -> _Judged | None:
        """What products take along these; nothing if it is too rough for so many points."""
        count = _SAMPLES[direction]
        judged = spans[:: -(-len(spans) // _JUDGED)]
        values = self._values(direction, np.concatenate([points(own, count) for own in judged]))
        functions = {name: np.moveaxis(v, _AXIS_OF_POINTS[direction], -1) for name, v in values.items()}
        spectra = {name: spectrum(own.reshape(-1, count)) for name, own in functions.items()}
        if any(own[-2:].any() for own in spectra.values()):
            return None
        return _Judged(spectra, {name: float(np.abs(value).max()) for name, value in values.items()})

    def _feeds(self, direction: str, spans: Sequence[Floats], count: int) -> list[dict[str, Floats]]:
        """Of each stretch, what the graph takes of it: values at points, and what pixels take of these."""
        own = [weights(span, count) for span in spans]
        feeds = [{ACROSS: w} if direction == "columns" else {DOWN: np.ascontiguousarray(w.T)} for w in own]
        values = self._values(direction, np.concatenate([points(span, count) for span in spans]))
        for name, whole in values.items():
            parts = np.split(whole, len(spans), _AXIS_OF_POINTS[direction])
            for feed, part in zip(feeds, parts, strict=True):
                feed[name] = np.ascontiguousarray(part)
        return feeds

    def _values(self, direction: str, at: Floats) -> dict[str, Floats]:
        """What products take of columns or rows at these coordinates."""
        zero = np.zeros(1, np.float32)
        if direction == "columns":
            return of_columns(self._products, lambda names: self._of(names, at, zero))
        return of_rows(self._products, lambda names: self._of(names, zero, at))
