"""Draws neural images, from a file or a network to pixels, in bands of rows."""

import io
import operator
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from anir_runtime.anir_header import MAGIC
from anir_runtime.content import Content, Source, read_source
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.errors import AnirError
from anir_runtime.families import families
from anir_runtime.network import Network
from anir_runtime.onnx_graph import GraphRenderer
from anir_runtime.onnx_reader import LONGEST_SIDE, MOST_PIXELS, read_network
from anir_runtime.picture_file import as_pillow
from anir_runtime.preview import Preview, PreviewRenderer
from anir_runtime.side_by_side import available_cores
from anir_runtime.tiles import Renderer, bands

if TYPE_CHECKING:
    # Imported only where needed: it loads the WebAssembly runtime, without which ONNX files open faster.
    from anir_runtime.anir_stream import AnirStream

_PICTURE = "a picture; anir-train makes a neural image of it"
_OTHERS = {
    b"PK": "a model; anir-export writes neural images from it",
    b"{": "a manifest; name the folder that it is in",
    b"\x89PNG": _PICTURE,
    b"\xff\xd8\xff": _PICTURE,
}
"""First bytes of files that people may take for neural images, and what to do with these."""
_NOTEBOOK_SIDE = 1024
_TASK_PIXELS = 32768
"""Pixels of a band, about: what one thread draws at a time."""
_LEAST_PIXELS = 8192
"""Bands are made smaller so that every thread has one, but not below this number of pixels."""


class Crop(NamedTuple):
    """A rectangle in native pixels, which may be fractional."""

    x: float
    y: float
    width: float
    height: float


class Decoder:
    """A neural image, ready to be drawn at any size.

    Bands of rows are drawn in parallel, one thread per band. This is faster than all threads on one band, and
    working memory does not grow with the picture's height.

    Attributes:
        width: native width in pixels; 0 until it is known.
        height: native height in pixels; 0 until it is known.
        family: the network's family, e.g. "siren"; empty until it is known.
    """

    def __init__(
        self,
        source: Source | Network | Preview | None = None,
        threads: int | None = None,
        trust_graph: bool = False,
    ) -> None:
        """Opens an exported subnet or an `.anir` file, or takes a network that was already read.

        A truncated `.anir` file is drawn as well as its bytes allow, as a preview if its first level is
        incomplete; `feed` appends bytes to it.

        Args:
            source: a file, network or preview; by default, an `.anir` file that is passed to `feed`.
            threads: most threads to draw and decode with; by default, as many as there are cores.
            trust_graph: by default nothing in a file is executed: its tensors are read, and evaluated as
                their family prescribes. If true, ONNX Runtime runs an ONNX file's own graph, whatever that
                does, which also draws unknown families and modified graphs.

        Raises:
            AnirError: if the source is no neural image of a known family, is damaged, or too short to draw.
        """
        if threads is not None and (not isinstance(threads, SupportsIndex) or operator.index(threads) < 1):
            raise AnirError(f"{threads} threads cannot draw; take 1 or more, or leave their number open")
        self._threads = available_cores() if threads is None else operator.index(threads)
        self._renderer: Renderer | None = None
        self._stream: AnirStream | None = None
        # The first bytes of an .anir file, which `feed` continues; None for other sources.
        self._begun: bytes | None = None
        self._fed = False
        self._refused: AnirError | None = None
        self.family, self.width, self.height = "", 0, 0
        self._backend = "none: no bytes have arrived yet"
        name, content = Content("the network", b"")
        if source is not None and not isinstance(source, Network | Preview):
            name, content = read_source(source)
        if source is None or content.startswith(MAGIC):
            self._begun = content
        try:
            if isinstance(source, Network | Preview):
                self._show(source)
            elif trust_graph and self._begun is None:
                graph = self._renderer = GraphRenderer(content)
                self.family, (self.width, self.height) = graph.family, graph.size
                self._backend = "onnxruntime: the file's own graph is trusted"
            elif source is not None:
                self._show(_network(content, self._threads))
        except AnirError as error:
            raise AnirError(f"{name}: {error}") from error

    @property
    def backend(self) -> str:
        """How the picture is drawn by now, and why that way."""
        try:
            self._ready()
        except AnirError:
            if self._refused is not None and self._renderer is None:
                return f"none: {self._refused}"
        return self._backend

    def feed(self, data: bytes | bytearray | memoryview) -> int:
        """Appends bytes of an `.anir` file; pictures drawn afterwards make use of them.

        Returns:
            The number of complete levels. While it is 0, a preview may be available.

        Raises:
            AnirError: if the file is damaged, or is no `.anir` file. The levels before the damage can still
                be drawn.
        """
        try:
            data = memoryview(data).tobytes()
        except TypeError as error:
            raise AnirError(f"only bytes can be fed, not {type(data).__name__}") from error
        if self._stream is None:
            if self._begun is None:
                raise AnirError("only .anir files can be fed; this is a whole network")
            from anir_runtime.anir_stream import AnirStream

            self._stream, data = AnirStream(self._threads), self._begun + data
        self._fed = True
        try:
            return self._stream.feed(data)
        except AnirError as error:
            self._refused = AnirError(f"the image: {error}")
            raise self._refused from error
        finally:
            if self._stream.header is not None:
                self.family, (self.width, self.height) = self._stream.header.family, self._stream.header.size

    def _show(self, network: Network | Preview) -> None:
        if isinstance(network, Preview):
            self._renderer = PreviewRenderer(network)
            self._backend = "preview: no level is complete yet"
        elif network.family in families():
            # Values that overflow are drawn as some colour: see `in_tiles`.
            with np.errstate(all="ignore"):
                self._renderer = families()[network.family].renderer(network)
            self._backend = f"direct: this runtime knows the family {network.family}"
        else:
            raise AnirError(f"this runtime does not know the family '{network.family}'")
        self.family, (self.width, self.height) = network.family, network.size

    def _ready(self) -> Renderer:
        """Returns the renderer for all bytes so far. Raises AnirError if these show no picture."""
        if self._stream is not None and self._fed:
            network = self._stream.best()
            if network is not None:
                self._show(network)
            self._fed = False
        if self._renderer is None:
            raise self._refused or AnirError("the image ends before its first picture; feed more of it")
        return self._renderer

    def decode(self, size: tuple[int, int] | None = None, crop: Crop | None = None) -> NDArray[np.uint8]:
        """Draws the picture, or the part of it in `crop`, at `size`.

        If the result's pixels are larger than native ones, a picture of the family `lapped` is averaged over
        the area of each (docs/decoding.md); other families are sampled at pixel centres.

        Args:
            size: (width, height) of the result; by default the native size, or the crop's, rounded.
            crop: the rectangle to draw; the whole picture by default.

        Returns:
            uint8[H, W, N]: N is 1 for grey, 3 for RGB, 4 for RGB with alpha, not premultiplied.

        Raises:
            AnirError: if the size or the crop is invalid or out of range, or nothing can be drawn yet.
        """
        row, tiles = 0, self.tiles(size, crop)
        first = next(tiles)
        image = np.empty((self.output_size(size, crop)[1], *first.shape[1:]), np.uint8)
        for tile in chain([first], tiles):
            image[row : row + len(tile)] = tile
            row += len(tile)
        return image

    def _repr_png_(self) -> bytes | None:
        """Returns a PNG of at most 1024 pixels a side, for notebooks; None while nothing can be drawn."""
        try:
            self._ready()
        except AnirError:
            return None
        scale = min(1.0, _NOTEBOOK_SIDE / max(self.width, self.height))
        size = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        png = io.BytesIO()
        as_pillow(self.decode(size)).save(png, "PNG")
        return png.getvalue()

    def output_size(self, size: tuple[int, int] | None = None, crop: Crop | None = None) -> tuple[int, int]:
        """Returns the (width, height) that `decode` draws. Raises AnirError as `decode` does."""
        crop = self._checked_crop(crop)
        own = max(1, round(crop.width)), max(1, round(crop.height))
        try:
            width, height = map(operator.index, own if size is None else size)
        except (TypeError, ValueError) as error:
            raise AnirError(f"cannot draw at {size}: a size is width and height, whole numbers") from error
        if width < 1 or height < 1:
            raise AnirError(f"cannot draw {width}x{height}: width and height must be at least 1")
        if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
            raise AnirError(
                f"{width}x{height} is over the limit of {MOST_PIXELS} pixels (16384x16384), or of "
                f"{LONGEST_SIDE} along a side; draw crops of it"
            )
        return width, height

    def tiles(
        self, size: tuple[int, int] | None = None, crop: Crop | None = None
    ) -> Iterator[NDArray[np.uint8]]:
        """Yields the rows that `decode` returns, top to bottom, a band at a time: uint8[rows, W, N]."""
        renderer = self._ready()
        width, height = self.output_size(size, crop)
        crop = self._checked_crop(crop)
        x = axis_coordinates(self.width, width, crop.x, crop.width)
        y = axis_coordinates(self.height, height, crop.y, crop.height)
        # Bands consist of whole tiles, but are smaller where some threads would otherwise have nothing to do.
        rows = renderer.rows * max(1, _TASK_PIXELS // width // renderer.rows)
        rows = max(1, min(rows, max(-(-height // self._threads), _LEAST_PIXELS // width)))
        with np.errstate(all="ignore"):
            draw = renderer.start(x, y, (crop.width / width, crop.height / height))
        pool = ThreadPoolExecutor(self._threads)
        try:
            parts = bands(height, rows)
            # The queue is bounded, so that no more than a few finished bands wait in memory.
            waiting = [pool.submit(draw, part) for part in islice(parts, 2 * self._threads)]
            while waiting:
                yield waiting.pop(0).result()
                waiting += [pool.submit(draw, part) for part in islice(parts, 1)]
        finally:
            # If drawing is interrupted, do not wait for bands that will not be used.
            pool.shutdown(wait=False, cancel_futures=True)

    def _checked_crop(self, crop: Crop | None) -> Crop:
        if not self.width:
            raise self._refused or AnirError("the image ends before its size is known; feed more of it")
        if crop is None:
            return Crop(0, 0, self.width, self.height)
        try:
            crop = Crop(*map(float, crop))
        except (TypeError, ValueError) as error:
            raise AnirError(f"cannot draw the crop {crop}: a crop is x, y, width and height") from error
        right, bottom = crop.x + crop.width, crop.y + crop.height
        inside = min(crop.x, crop.y) >= 0 and right <= self.width and bottom <= self.height
        if not inside or crop.width <= 0 or crop.height <= 0:
            where = ",".join(f"{value:g}" for value in crop)
            raise AnirError(f"crop {where} is empty, or not inside the picture of {self.width}x{self.height}")
        return crop


def _network(content: bytes, threads: int) -> Network | Preview:
    """Returns an ONNX file's network, or the best network or preview that an `.anir` file has so far."""
    if not content.startswith(MAGIC):
        for beginning, kind in _OTHERS.items():
            if content.startswith(beginning):
                raise AnirError(kind)
        return read_network(content)
    from anir_runtime.anir_file import AnirFile

    file = AnirFile(content, threads)
    return file.preview() or file.refined(last=True)


def decode(
    source: Source, size: tuple[int, int] | None = None, crop: Crop | None = None
) -> NDArray[np.uint8]:
    """Opens a neural image and draws it once: see `Decoder.decode`."""
    return Decoder(source).decode(size, crop)
