"""All subnets of a picture in one `.anir` file, of which every prefix is a picture (docs/format.md)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from anir_runtime.anir_header import Header, read_header
from anir_runtime.anir_latents import latents_of
from anir_runtime.coder import Integers
from anir_runtime.decoder import Decoder
from anir_runtime.files import replacing
from anir_runtime.network import Network
from anir_runtime.picture_file import as_pillow
from anir_runtime.steps import Step
from numpy.typing import NDArray
from PIL import Image

from anir_toolchain.ahead import ahead
from anir_toolchain.anir_writer import AnirWriter, Psnr
from anir_toolchain.cell_sample import CellSample
from anir_toolchain.instant import instant_levels
from anir_toolchain.lapped_analysis import PITCH, Analysis, analyse
from anir_toolchain.levels import LevelNetwork, in_order
from anir_toolchain.metrics import psnr
from anir_toolchain.sample import is_large
from anir_toolchain.space import Space, Subnet

if TYPE_CHECKING:
    # Loads torch, which pictures that are not trained need not wait for.
    from anir_toolchain.model import Model

_MOST_BITS = 4
"""Bits per pixel that a file of a small picture has at most."""
_PIXELS = 2**18
"""Pixels by which a large picture's quality is told: PSNR is then within 0.1 dB of that of all."""


def export_anir(model: Model, path: Path, subnets: Iterable[Subnet] | None = None) -> Header:
    """Writes subnets, all by default, into one file, narrow ones first, and gives its header.

    Raises AnirError if the file cannot be written.
    """
    order = [own for own in in_order(model.space) if subnets is None or own in set(subnets)]
    image = model.image.numpy()
    if model.family.has_latents:
        steps = dict(zip(in_order(model.space), model.steps, strict=True))
        levels = [LevelNetwork(steps[subnet], model.layers(subnet)) for subnet in order]
        add = partial(_add_levels, levels, analyse(image), image)
    else:
        add = partial(_add_networks, [model.network(subnet) for subnet in order], image)
    return _export(path, Header(model.family_name, model.size, model.colours, model.bits, PITCH, (), 0), add)


def export_instant(image: NDArray[np.uint8], space: Space, bits: int, path: Path) -> Header:
    """Writes the `instant_levels` of a picture uint8[H, W, N] into a file, and gives its header.

    It is the file of the model that `fit` makes of the picture. Raises AnirError if it cannot be written.
    """
    height, width, colours = image.shape
    analysis = analyse(image)
    levels = ahead(instant_levels(image, analysis, space, bits))
    header = Header("lapped", (width, height), colours, bits, PITCH, (), 0)
    return _export(path, header, partial(_add_levels, levels, analysis, image))


def _export(
    path: Path, header: Header, add: Callable[[AnirWriter, Executor], Iterator[Future[Psnr]]]
) -> Header:
    """Writes a file, whose levels `add` gives to a writer, and gives its header.

    To `add` belongs a thread, in which it tells the quality of each level.
    """
    writer = AnirWriter(header, _MOST_BITS * math.prod(header.size) // 8 + (1 << 21))
    with ThreadPoolExecutor(1) as beside:
        qualities = list(add(writer, beside))
        data = writer.finish([quality.result() for quality in qualities])
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return read_header(data)


def _add_networks(
    networks: Sequence[Network], image: NDArray[np.uint8], writer: AnirWriter, beside: Executor
) -> Iterator[Future[Psnr]]:
    """Adds networks of a family without latents, and yields their qualities."""
    for network in networks:
        writer.add(network)
        yield beside.submit(_quality_of, network, image)


def _add_levels(
    levels: Iterable[LevelNetwork],
    analysis: Analysis,
    image: NDArray[np.uint8],
    writer: AnirWriter,
    beside: Executor,
) -> Iterator[Future[Psnr]]:
    """Adds levels of `lapped`, which refine one code of coefficients, and yields their qualities.

    To draw a level takes as long as to encode it, or longer.
    """
    writer.begin(analysis.coefficients, analysis.colours)
    cells = CellSample(image, _PIXELS) if is_large(image) else None
    for level in levels:
        step, network = level.step, level.network
        values = writer.refine(step)
        if cells is None:
            latents = latents_of(values, 1 / step.width, PITCH, step.reach)
            yield beside.submit(_quality_of, replace(network, latents=latents), image)
        else:
            yield beside.submit(_quality_of_cells, cells, network, cells.near(values), step)
        writer.add(network, step.width)


def _quality_of_cells(cells: CellSample, network: Network, near: Integers, step: Step) -> Psnr:
    """The qualities of a level of a large picture, by some of its cells."""
    return _qualities(cells.drawn(network, near, step), cells.pixels)


def _quality_of(network: Network, image: NDArray[np.uint8]) -> Psnr:
    """The qualities of a network that is drawn whole."""
    return _qualities(Decoder(network).decode(), image)


def _qualities(decoded: NDArray[np.uint8], image: NDArray[np.uint8]) -> Psnr:
    """PSNR in dB of the picture, and of it when it is shown at a half and at a quarter of its size."""
    height, width = image.shape[:2]
    sizes = [(max(1, width // part), max(1, height // part)) for part in (1, 2, 4)]
    full, half, quarter = (psnr(_resized(decoded, size), _resized(image, size)) for size in sizes)
    return full, half, quarter


def _resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture at another size, each pixel the mean of those that it covers."""
    return np.asarray(as_pillow(image).resize(size, Image.Resampling.BOX)).reshape(*size[::-1], -1)
