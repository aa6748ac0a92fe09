"""From an exported subnet to pixels, in row tiles."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from anir_runtime.coordinates import axis_coordinates
from anir_runtime.engine import as_exported, make_engine, open_as_exported, open_file, prepared
from anir_runtime.errors import AnirError
from anir_runtime.onnx_file import has_external_data

FORMAT = 2
MAX_PIXELS = 16384 * 16384
MAX_FILE_BYTES = 256 * 2**20
_TASK_PIXELS, _LEAST_PIXELS = 32768, 8192


class Crop(NamedTuple):
    """A rectangle in native pixels, fractions of a pixel allowed."""

    x: float
    y: float
    width: float
    height: float


class Decoder:
    """An exported subnet, ready to be drawn at any size.

    Row tiles run side by side, each on one thread, which is faster than one tile on all of them and
    keeps the memory in use apart from the result independent of the picture's height.

    Attributes:
        width: native width in pixels.
        height: native height in pixels.
        family: the network's family, e.g. "siren".
    """

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        """Opens the file at `path`. Raises AnirError if it is not a whole, self-contained anir subnet."""
        self.path = Path(path)
        self._threads = threads or available_cores()
        data = _read(self.path)
        # onnxruntime raises a type of its own per cause, all private.
        try:
            self._open_prepared(data)
        except AnirError:
            raise
        except Exception:
            # What is not known here, ONNX Runtime may know.
            try:
                self._open_as_exported(data)
            except AnirError:
                raise
            except Exception as error:
                raise AnirError(f"{path}: not an ONNX file, or a damaged one") from error

    def _open_prepared(self, data: bytes) -> None:
        data = prepared(data)
        file = open_file(data)
        self.family, self.width, self.height = _read_metadata(self.path, file)
        self._engine = make_engine(data, file)

    def _open_as_exported(self, data: bytes) -> None:
        file = open_as_exported(data)
        self.family, self.width, self.height = _read_metadata(self.path, file)
        self._engine = as_exported(file)

    def decode(self, size: tuple[int, int] | None = None, crop: Crop | None = None) -> NDArray[np.uint8]:
        """The picture, or the part in `crop`, drawn at `size`.

        Args:
            size: (width, height) of the result; by default the native size, or the crop's, rounded.
            crop: the rectangle to draw; the whole picture by default.

        Returns:
            uint8[H, W, 3], RGB.

        Raises:
            AnirError: if the size or the crop makes no sense or is over MAX_PIXELS.
        """
        width, height = self.output_size(size, crop)
        image = np.empty((height, width, 3), np.uint8)
        row = 0
        for tile in self.tiles(size, crop):
            image[row : row + len(tile)] = tile
            row += len(tile)
        return image

    def output_size(self, size: tuple[int, int] | None = None, crop: Crop | None = None) -> tuple[int, int]:
        """The (width, height) that `decode` draws; raises AnirError as `decode` does."""
        crop = self._checked_crop(crop)
        width, height = size or (max(1, round(crop.width)), max(1, round(crop.height)))
        if width < 1 or height < 1:
            raise AnirError(f"cannot draw {width}x{height}: width and height must be at least 1")
        if width * height > MAX_PIXELS:
            raise AnirError(
                f"{width}x{height} is over the limit of {MAX_PIXELS} pixels (16384x16384); draw crops of it"
            )
        return width, height

    def tiles(
        self, size: tuple[int, int] | None = None, crop: Crop | None = None
    ) -> Iterator[NDArray[np.uint8]]:
        """The rows that `decode` returns, top to bottom, a few at a time: uint8[rows, W, 3]."""
        width, height = self.output_size(size, crop)
        crop = self._checked_crop(crop)
        x = axis_coordinates(self.width, width, crop.x, crop.width)
        y = axis_coordinates(self.height, height, crop.y, crop.height)
        # Whole bands of tiles, but for each thread some rows, unless that were next to nothing.
        rows = self._engine.rows * max(1, _TASK_PIXELS // width // self._engine.rows)
        rows = min(rows, max(-(-height // self._threads), _LEAST_PIXELS // width))
        draw = self._engine.start(x, y)
        with ThreadPoolExecutor(self._threads) as pool:
            parts = iter([slice(i, min(i + rows, height)) for i in range(0, height, rows)])
            # A bounded queue: results wait in memory for no more than a few tiles.
            waiting = [pool.submit(draw, part) for part in islice(parts, 2 * self._threads)]
            while waiting:
                yield waiting.pop(0).result()
                waiting += [pool.submit(draw, part) for part in islice(parts, 1)]

    def _checked_crop(self, crop: Crop | None) -> Crop:
        if crop is None:
            return Crop(0, 0, self.width, self.height)
        right, bottom = crop.x + crop.width, crop.y + crop.height
        inside = min(crop.x, crop.y) >= 0 and right <= self.width and bottom <= self.height
        if not inside or crop.width <= 0 or crop.height <= 0:
            where = ",".join(f"{value:g}" for value in crop)
            raise AnirError(f"crop {where} is not inside the picture of {self.width}x{self.height}")
        return crop


def decode(
    path: str | Path, size: tuple[int, int] | None = None, crop: Crop | None = None
) -> NDArray[np.uint8]:
    """Draws the subnet at `path` once: see `Decoder.decode`."""
    return Decoder(path).decode(size, crop)


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise AnirError(f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB, no neural image is")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise AnirError(f"{path}: no such file") from error
    except OSError as error:
        raise AnirError(f"{path}: cannot be read ({error.strerror})") from error
    if has_external_data(data):
        raise AnirError(f"{path}: keeps its weights in another file; a neural image is one file")
    return data


def _read_metadata(path: Path, session: ort.InferenceSession) -> tuple[str, int, int]:
    metadata = session.get_modelmeta().custom_metadata_map
    inputs = {value.name: (value.type, len(value.shape)) for value in session.get_inputs()}
    outputs = {value.name: (value.type, len(value.shape)) for value in session.get_outputs()}
    if "anir" not in metadata:
        raise AnirError(f"{path}: not a neural image; anir-export makes them")
    if metadata["anir"] != str(FORMAT):
        raise AnirError(f"{path}: file format {metadata['anir']}, this anir reads {FORMAT}; update anir")
    axes = {"x": ("tensor(float)", 1), "y": ("tensor(float)", 1)}
    if inputs != axes or outputs.get("image") != ("tensor(uint8)", 3):
        raise AnirError(f"{path}: its inputs and outputs are not those of a neural image")
    try:
        width, height = int(metadata["width"]), int(metadata["height"])
        family = metadata["family"]
    except (KeyError, ValueError) as error:
        raise AnirError(f"{path}: does not say its size and family; export it again") from error
    if width < 1 or height < 1:
        raise AnirError(f"{path}: says that its picture is {width}x{height}")
    return family, width, height
