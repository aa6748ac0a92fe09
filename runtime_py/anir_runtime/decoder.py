"""From a neural image to pixels, in bands of rows."""

import io
import operator
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anir_runtime.anir_header import MAGIC
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.errors import AnirError
from anir_runtime.families import families
from anir_runtime.network import Network
from anir_runtime.onnx_graph import GraphRenderer
from anir_runtime.onnx_reader import LONGEST_SIDE, MOST_PIXELS, read_network
from anir_runtime.picture_file import as_pillow
from anir_runtime.preview import Preview, PreviewRenderer
from anir_runtime.side_by_side import available_cores
from anir_runtime.tiles import Renderer

if TYPE_CHECKING:
    # Loads WebAssembly's runtime, which ONNX files need not wait for.
    from anir_runtime.anir_stream import AnirStream

Source = str | os.PathLike[str] | bytes | BinaryIO
"""A path, the content of a file, or an open binary file."""

MAX_FILE_BYTES = 64 << 20
_NOTEBOOK_SIDE = 1024
_TASK_PIXELS, _LEAST_PIXELS = 32768, 8192
"""Pixels that a thread draws at once, about; and the least, where all threads shall have some."""


class Crop(NamedTuple):
    """A rectangle in native pixels, fractions of a pixel allowed."""

    x: float
    y: float
    width: float
    height: float


class Decoder:
    """A neural image, ready to be drawn at any size.

    Bands of rows are drawn side by side, each on one thread, which is faster than one band on all of them and
    keeps the memory in use apart from the result independent of the picture's height.

    Attributes:
        width: native width in pixels; 0 until it is known.
        height: native height in pixels; 0 until it is known.
        family: the network's family, e.g. "siren".
        backend: which way the picture is drawn, and why.
    """

    def __init__(
        self,
        source: Source | Network | Preview | None = None,
        threads: int | None = None,
        trust_graph: bool = False,
    ) -> None:
        """Opens an exported subnet or an `.anir` file, or takes a network that is read already.

        An `.anir` file that was cut shows what there is, before its first level's end a preview, and `feed`
        takes more of it. Without a source all of an `.anir` file is fed.

        Nothing of a file is run: its tensors are read, and a module of this runtime evaluates their family.
        With `trust_graph`, ONNX Runtime runs the file's own graph, whatever that does; it draws families that
        this runtime does not know, and graphs that were changed. Threads are as many as cores by default.

        Raises AnirError if this is not a whole, self-contained neural image.
        """
        self._threads = threads or available_cores()
        self._renderer: Renderer | None = None
        self._stream: AnirStream | None = None
        self._begun: bytes | None = None
        self._fed, self._levels = False, 0
        self.family, self.width, self.height = "", 0, 0
        self.backend = "none: nothing has come yet"
        name, content = "the network", b""
        if source is not None and not isinstance(source, Network | Preview):
            name, content = read_source(source)
        try:
            if isinstance(source, Network | Preview):
                self._show(source)
            elif source is None or content.startswith(MAGIC):
                self._begun = content
                if source is not None:
                    self._show(_network(content, self._threads))
            elif trust_graph:
                graph = self._renderer = GraphRenderer(content)
                self.family, (self.width, self.height) = graph.family, graph.size
                self.backend = "onnxruntime: the file's own graph is trusted"
            else:
                self._show(_network(content, self._threads))
        except AnirError as error:
            raise AnirError(f"{name}: {error}") from error

    def feed(self, data: bytes) -> int:
        """Takes more bytes of an `.anir` file; what is drawn from then on is refined by them.

        Returns:
            How many levels have come whole. Before the first one there may be a preview.

        Raises:
            AnirError: if the file is damaged, or none that is fed. What came before can still be drawn.
        """
        if self._stream is None:
            if self._begun is None:
                raise AnirError("only .anir files can be fed; this is a whole network")
            # Loads WebAssembly's runtime, which ONNX files need not wait for.
            from anir_runtime.anir_stream import AnirStream

            self._stream, data = AnirStream(self._threads), self._begun + data
        self._fed = True
        try:
            self._levels = self._stream.feed(data)
            return self._levels
        finally:
            if self._stream.header is not None:
                self.family, (self.width, self.height) = self._stream.header.family, self._stream.header.size

    def _show(self, network: Network | Preview) -> None:
        if isinstance(network, Preview):
            self._renderer = PreviewRenderer(network)
            self.backend = "preview: no level has come whole"
        elif network.family in families():
            self._renderer = families()[network.family].renderer(network)
            self.backend = f"direct: this runtime knows the family {network.family}"
        else:
            raise AnirError(f"this runtime does not know the family '{network.family}'")
        self.family, (self.width, self.height) = network.family, network.size

    def _ready(self) -> Renderer:
        """What draws all that has come. Raises AnirError if that is not a picture yet."""
        if self._stream is not None and self._fed:
            network = self._stream.best()
            if network is not None:
                self._show(network)
            self._fed = False
        if self._renderer is None:
            raise AnirError("the image ends before its first picture; feed more of it")
        return self._renderer

    def decode(self, size: tuple[int, int] | None = None, crop: Crop | None = None) -> NDArray[np.uint8]:
        """The picture, or the part in `crop`, drawn at `size`.

        Where pixels of the result are larger than native ones, a picture of the family `lapped` is averaged
        over them (docs/decoding.md); other networks are asked at the middle of each.

        Args:
            size: (width, height) of the result; by default the native size, or the crop's, rounded.
            crop: the rectangle to draw; the whole picture by default.

        Returns:
            uint8[H, W, N]: N is 1 for a grey picture, 3 for RGB, 4 for RGB with alpha, not premultiplied.

        Raises:
            AnirError: if the size or the crop makes no sense or is out of range.
        """
        row, tiles = 0, self.tiles(size, crop)
        first = next(tiles)
        image = np.empty((self.output_size(size, crop)[1], *first.shape[1:]), np.uint8)
        for tile in chain([first], tiles):
            image[row : row + len(tile)] = tile
            row += len(tile)
        return image

    def _repr_png_(self) -> bytes | None:
        """The picture as a PNG of at most 1024 pixels a side, for notebooks; None if it has not come."""
        if self._renderer is None and not self._levels:
            return None
        scale = min(1.0, _NOTEBOOK_SIDE / max(self.width, self.height, 1))
        size = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        png = io.BytesIO()
        as_pillow(self.decode(size)).save(png, "PNG")
        return png.getvalue()

    def output_size(self, size: tuple[int, int] | None = None, crop: Crop | None = None) -> tuple[int, int]:
        """The (width, height) that `decode` draws; raises AnirError as `decode` does."""
        crop = self._checked_crop(crop)
        own = max(1, round(crop.width)), max(1, round(crop.height))
        try:
            width, height = map(operator.index, size or own)
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
        """The rows that `decode` returns, top to bottom, a few at a time: uint8[rows, W, N]."""
        renderer = self._ready()
        width, height = self.output_size(size, crop)
        crop = self._checked_crop(crop)
        x = axis_coordinates(self.width, width, crop.x, crop.width)
        y = axis_coordinates(self.height, height, crop.y, crop.height)
        # Whole tiles, but for each thread some rows, unless that were next to nothing.
        rows = renderer.rows * max(1, _TASK_PIXELS // width // renderer.rows)
        rows = max(1, min(rows, max(-(-height // self._threads), _LEAST_PIXELS // width)))
        draw = renderer.start(x, y, (crop.width / width, crop.height / height))
        pool = ThreadPoolExecutor(self._threads)
        try:
            parts = iter([slice(i, min(i + rows, height)) for i in range(0, height, rows)])
            # A bounded queue: results wait in memory for no more than a few bands.
            waiting = [pool.submit(draw, part) for part in islice(parts, 2 * self._threads)]
            while waiting:
                yield waiting.pop(0).result()
                waiting += [pool.submit(draw, part) for part in islice(parts, 1)]
        finally:
            # Who interrupts need not wait for what nobody will see.
            pool.shutdown(wait=False, cancel_futures=True)

    def _checked_crop(self, crop: Crop | None) -> Crop:
        if not self.width:
            raise AnirError("the image ends before its size is told; feed more of it")
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
            raise AnirError(f"crop {where} is not inside the picture of {self.width}x{self.height}")
        return crop


def _network(content: bytes, threads: int) -> Network | Preview:
    """The network of an ONNX file, or the best that an `.anir` file, or the beginning of one, has."""
    if not content.startswith(MAGIC):
        return read_network(content)
    # Loads WebAssembly's runtime, which ONNX files need not wait for.
    from anir_runtime.anir_file import AnirFile

    file = AnirFile(content, threads)
    return file.preview() or file.refined(last=True)


def decode(
    source: Source, size: tuple[int, int] | None = None, crop: Crop | None = None
) -> NDArray[np.uint8]:
    """Draws an exported subnet once: see `Decoder.decode`."""
    return Decoder(source).decode(size, crop)


def read_source(source: Source) -> tuple[str, bytes]:
    """What to call a source in messages, and its bytes."""
    name = os.fspath(source) if isinstance(source, str | os.PathLike) else "the image"
    try:
        if isinstance(source, bytes):
            data = source
        elif isinstance(source, str | os.PathLike):
            with open(source, "rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
        else:
            data = _read_all(source)
    except FileNotFoundError as error:
        raise AnirError(f"{name}: no such file") from error
    except (OSError, ValueError) as error:
        raise AnirError(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if len(data) > MAX_FILE_BYTES:
        raise AnirError(f"{name}: larger than {MAX_FILE_BYTES >> 20} MiB, no neural image is")
    return name, data


def _read_all(file: BinaryIO) -> bytes:
    """What is left of an open file, or a byte more than a neural image has; pipes give it in pieces."""
    data = bytearray()
    while len(data) <= MAX_FILE_BYTES and (part := file.read(MAX_FILE_BYTES + 1 - len(data))):
        data += part
    return bytes(data)
