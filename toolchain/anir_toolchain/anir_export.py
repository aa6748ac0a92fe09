"""All subnets of a model in one `.anir` file, of which every prefix is a picture (docs/format.md)."""

import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

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

from anir_toolchain.anir_writer import AnirWriter, Psnr
from anir_toolchain.cell_sample import CellSample
from anir_toolchain.lapped_analysis import PITCH, analyse
from anir_toolchain.levels import in_order
from anir_toolchain.metrics import psnr
from anir_toolchain.model import Model
from anir_toolchain.sample import is_large
from anir_toolchain.space import Subnet

_MOST_BITS = 4
"""Bits per pixel that a file of a small picture has at most."""


def export_anir(model: Model, path: Path, subnets: Iterable[Subnet] | None = None) -> Header:
    """Writes subnets, all by default, into one file, narrow ones first, and gives its header.

    Raises AnirError if the file cannot be written.
    """
    order = [own for own in in_order(model.space) if subnets is None or own in set(subnets)]
    writer = AnirWriter(
        Header(model.family_name, model.size, model.colours, model.bits, PITCH, (), 0),
        _MOST_BITS * math.prod(model.size) // 8 + (1 << 21),
    )
    with ThreadPoolExecutor(1) as beside:
        add = _add_embedded if model.family.has_latents else _add_trunks
        qualities = list(add(writer, model, order, beside))
        data = writer.finish([quality.result() for quality in qualities])
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return read_header(data)


def _add_trunks(
    writer: AnirWriter, model: Model, order: Sequence[Subnet], beside: Executor
) -> Iterator[Future[Psnr]]:
    """Adds subnets of a family without latents, and yields their qualities, which are told beside."""
    for subnet in order:
        network = model.network(subnet)
        writer.add(network)
        yield beside.submit(_quality_of, network, model)


def _add_embedded(
    writer: AnirWriter, model: Model, order: Sequence[Subnet], beside: Executor
) -> Iterator[Future[Psnr]]:
    """Adds levels of `lapped`, which refine one code of the picture's coefficients.

    Their qualities, which it yields, are told beside: to draw a level takes as long as to encode it.
    """
    image = model.image.numpy()
    analysis = analyse(image)
    writer.begin(analysis.coefficients, analysis.colours)
    del analysis
    cells = CellSample(image) if is_large(image) else None
    steps = dict(zip(in_order(model.space), model.steps, strict=True))
    for subnet in order:
        step, network = steps[subnet], model.layers(subnet)
        values = writer.refine(step)
        if cells is None:
            latents = latents_of(values, 1 / step.width, PITCH, step.reach)
            yield beside.submit(_quality_of, replace(network, latents=latents), model)
        else:
            yield beside.submit(_quality_of_cells, cells, model, subnet, cells.near(values), step)
        writer.add(network, step.width)


def _quality_of_cells(cells: CellSample, model: Model, subnet: Subnet, near: Integers, step: Step) -> Psnr:
    """The qualities of a level of a large picture, by some of its cells."""
    return _qualities(cells.drawn(model, subnet, near, step), cells.pixels)


def _quality_of(network: Network, model: Model) -> Psnr:
    """The qualities of a network that is drawn whole."""
    return _qualities(Decoder(network).decode(), model.image.numpy())


def _qualities(decoded: NDArray[np.uint8], image: NDArray[np.uint8]) -> Psnr:
    """PSNR in dB of the picture, and of it when it is shown at a half and at a quarter of its size."""
    height, width = image.shape[:2]
    sizes = [(max(1, width // part), max(1, height // part)) for part in (1, 2, 4)]
    full, half, quarter = (psnr(_resized(decoded, size), _resized(image, size)) for size in sizes)
    return full, half, quarter


def _resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture at another size, each pixel the mean of those that it covers."""
    return np.asarray(as_pillow(image).resize(size, Image.Resampling.BOX)).reshape(*size[::-1], -1)
