"""Exports all subnets of a picture as one `.anir` file, of which every prefix decodes (docs/format.md)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from anir_runtime.anir_header import Header, check_count, read_header
from anir_runtime.anir_latents import latents_of
from anir_runtime.coder import Integers
from anir_runtime.decoder import Decoder
from anir_runtime.errors import AnirError
from anir_runtime.files import replacing
from anir_runtime.level_step import LevelStep
from anir_runtime.network import Network
from anir_runtime.picture_file import as_pillow
from anir_runtime.strips import Strips
from numpy.typing import NDArray
from PIL import Image

from anir_toolchain.ahead import ahead
from anir_toolchain.analysis_by_synthesis import AnalysisBySynthesis
from anir_toolchain.anir_writer import AnirWriter, Psnr
from anir_toolchain.cell_sample import CellSample
from anir_toolchain.instant import instant_levels
from anir_toolchain.lapped_analysis import Analysis, analyse, colours_of
from anir_toolchain.lapped_pitch import best_pitch
from anir_toolchain.levels import LevelNetwork, level_order
from anir_toolchain.levels_by_synthesis import levels_by_synthesis
from anir_toolchain.metrics import psnr
from anir_toolchain.sample import is_large
from anir_toolchain.space import Space, Subnet

if TYPE_CHECKING:
    # Imports torch, which is slow to load and needed for training alone.
    from anir_toolchain.model import Model

_MOST_BITS = 4
"""Bits per pixel that the encoder has room for, besides 2 MiB."""
_PIXELS = 2**18
"""About how many pixels a large picture's PSNR is measured on; it is within 0.1 dB of that of all pixels."""


def export_anir(
    model: Model,
    path: str | PathLike[str],
    subnets: Iterable[Subnet | str] | None = None,
    by_synthesis: bool = True,
) -> Header:
    """Writes subnets, all by default, into one file, narrow ones first, and returns its header.

    Args:
        model: the trained picture.
        path: the file to write.
        subnets: the subnets to write, or their names; all by default.
        by_synthesis: whether the coefficients of a single subnet are chosen by `AnalysisBySynthesis`.

    Raises:
        AnirError: if the file cannot be written or cannot hold so many subnets, or the model has others.
    """
    chosen = model.space.chosen(subnets)
    order = [own for own in level_order(model.space) if own in chosen]
    check_count(len(order))
    image = model.image.numpy()
    header = Header(model.family_name, model.size, model.colours, model.bits, model.pitch, (), 0)
    if model.family.has_latents:
        steps = dict(zip(level_order(model.space), model.steps, strict=True))
        levels = [LevelNetwork(steps[subnet], model.layers(subnet)) for subnet in order]
        analysis = model.analysis() if len(levels) > 1 else analyse(image, model.pitch)
        if by_synthesis and len(levels) == 1:
            analysis = _of_one_level(levels[0], analysis, image, header)
        add = partial(_add_levels, levels, analysis, image)
    else:
        add = partial(_add_networks, [model.network(subnet) for subnet in order], image)
    return _export(Path(path), header, add)


def export_instant(image: NDArray[np.uint8], space: Space, bits: int, path: Path, rounds: int = 0) -> Header:
    """Writes the `levels_by_synthesis` of a picture uint8[H, W, N] into a file, and returns its header.

    The file equals that of the model that `fit` returns for the picture. Raises AnirError if it cannot be
    written, or cannot hold so many subnets.
    """
    check_count(len(space.subnets))
    height, width, colours = image.shape
    own = colours_of(image)
    analysis = analyse(image, best_pitch(image, own), own)
    header = Header("lapped", (width, height), colours, bits, analysis.pitch, (), 0)
    if rounds or len(space.subnets) == 1:
        levels, chosen = levels_by_synthesis(image, analysis, space, bits, rounds)
        analysis = chosen if len(levels) > 1 else _of_one_level(levels[0], analysis, image, header)
        return _export(path, header, partial(_add_levels, levels, analysis, image))
    levels_ahead = ahead(instant_levels(image, analysis, space, bits))
    return _export(path, header, partial(_add_levels, levels_ahead, analysis, image))


def _of_one_level(
    level: LevelNetwork, analysis: Analysis, image: NDArray[np.uint8], header: Header
) -> Analysis:
    """Returns a picture's transform with the coefficients to encode in a file of one level."""

    def coders() -> Strips:
        strips = Strips(header)
        strips.encode(_most_bytes(header))
        return strips

    return AnalysisBySynthesis(image, analysis, level, coders).chosen()


def _most_bytes(header: Header) -> int:
    """Returns how many bytes the encoder of each strip of a picture has room for."""
    return _MOST_BITS * math.prod(header.size) // 8 + (1 << 21)


def _export(
    path: Path, header: Header, add: Callable[[AnirWriter, Executor], Iterator[Future[Psnr]]]
) -> Header:
    """Writes a file and returns its header.

    `add` adds the levels to the writer that it is given, and measures the PSNR of each level in the executor
    that it is given, which has one thread.
    """
    try:
        writer = AnirWriter(header, _most_bytes(header))
        with ThreadPoolExecutor(1) as executor:
            qualities = list(add(writer, executor))
            data = writer.finish([quality.result() for quality in qualities])
    except AnirError as error:
        raise AnirError(f"{path}: {error}") from error
    result = read_header(data)
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return result


def _add_networks(
    networks: Sequence[Network], image: NDArray[np.uint8], writer: AnirWriter, executor: Executor
) -> Iterator[Future[Psnr]]:
    """Adds networks of a family without latents to a file, and yields the PSNR of each."""
    for network in networks:
        writer.add(network)
        yield executor.submit(_quality_of, network, image)


def _add_levels(
    levels: Iterable[LevelNetwork],
    analysis: Analysis,
    image: NDArray[np.uint8],
    writer: AnirWriter,
    executor: Executor,
) -> Iterator[Future[Psnr]]:
    """Adds levels of the family `lapped` to a file, and yields the PSNR of each.

    Levels are drawn in another thread, as drawing one takes at least as long as encoding it.
    """
    writer.begin(analysis.coefficients, analysis.colours)
    cells = CellSample(image, analysis.pitch, _PIXELS) if is_large(image) else None
    for level in levels:
        step, network = level.step, level.network
        values = writer.refine(step)
        if cells is None:
            latents = latents_of(values, 1 / step.width, analysis.pitch, step.reach)
            yield executor.submit(_quality_of, replace(network, latents=latents), image)
        else:
            yield executor.submit(_quality_of_cells, cells, network, cells.near(values), step)
        writer.add(network, step.width)


def _quality_of_cells(cells: CellSample, network: Network, near: Integers, step: LevelStep) -> Psnr:
    """Returns the PSNR of a large picture's level, measured in a sample of its cells."""
    return _qualities(cells.drawn(network, near, step), cells.pixels)


def _quality_of(network: Network, image: NDArray[np.uint8]) -> Psnr:
    """Returns the PSNR of a network, measured on the whole picture."""
    return _qualities(Decoder(network).decode(), image)


def _qualities(decoded: NDArray[np.uint8], image: NDArray[np.uint8]) -> Psnr:
    """Returns the PSNR in dB at full size, and with both pictures shrunk to a half and to a quarter."""
    height, width = image.shape[:2]
    sizes = [(max(1, width // part), max(1, height // part)) for part in (1, 2, 4)]
    full, half, quarter = (psnr(_resized(decoded, size), _resized(image, size)) for size in sizes)
    return full, half, quarter


def _resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Shrinks a picture to another size with a box filter."""
    return np.asarray(as_pillow(image).resize(size, Image.Resampling.BOX)).reshape(*size[::-1], -1)
