"""All subnets of a model in one `.anir` file, of which every prefix is a picture (docs/format.md)."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from anir_runtime.anir_file import Header, code_step, code_unit
from anir_runtime.anir_header import read_header
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.decoder import Decoder
from anir_runtime.files import replacing
from anir_runtime.interrupts import ended_by_interrupts
from anir_runtime.lapped_transform import REACHES
from anir_runtime.network import Latents, Network
from numpy.typing import NDArray
from PIL import Image

from anir_toolchain.anir_writer import AnirWriter, Psnr
from anir_toolchain.embedding import UNIT, Embedded, embed, in_units
from anir_toolchain.heads import Moments
from anir_toolchain.lapped_analysis import analyse_planes, centred_planes
from anir_toolchain.lapped_synthesis import features_at
from anir_toolchain.metrics import psnr
from anir_toolchain.model import Model
from anir_toolchain.quantizer import VECTOR_BITS
from anir_toolchain.space import Subnet

ANIR = ".anir"
"""Suffix of the file's name."""
_PITCH = 16
_RATES = 0.03, 1.5
"""Bits per pixel of the prefixes of the first and the last level of `lapped`; those between rise evenly."""
_BLURRED = 0.21
"""Bits per pixel below which networks see planes 2 pixels away instead of 1: bench/NOTES.md."""
_SAMPLES = 2**17
"""Pixels by which a head is solved, about."""
_MOST_BITS = 4
"""Bits per pixel that a file of a small picture has at most."""


def export_anir(model: Model, path: Path) -> Header:
    """Writes all subnets into one file, narrow ones first, and gives its header.

    Latents of the family `lapped` are coded anew as one embedded code of the model's picture, and heads are
    solved for what each level shows; hidden layers stay as they were trained.
    Raises AnirError if the file cannot be written.
    """
    order = sorted(model.space.subnets, key=lambda subnet: (subnet.width, subnet.depth))
    writer = AnirWriter(
        Header(model.family_name, model.size, 3, model.bits, _PITCH, (), 0),
        _MOST_BITS * math.prod(model.size) // 8 + (1 << 21),
    )
    if model.family.has_latents:
        # A large picture takes the coder seconds at a time, and nothing is written yet.
        with ended_by_interrupts():
            _add_embedded(writer, model, order)
    else:
        for subnet in order:
            network = model.network(subnet)
            writer.add(network, _qualities(network, model))
    data = writer.finish()
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return read_header(data)


def _add_embedded(writer: AnirWriter, model: Model, order: Sequence[Subnet]) -> None:
    """Adds levels of `lapped`, which refine one code of the picture's coefficients."""
    planes = centred_planes(model.image.numpy())
    target = in_units(analyse_planes(planes, _PITCH, down=True).values)
    writer.coder.aim(target)
    code_unit(writer.coder, UNIT)
    for subnet, level in zip(order, _embedded(model, order, target), strict=True):
        code_step(writer.coder, level.step)
        writer.coder.level(level.step.width, level.step.factor)
        network = _with_head(model, subnet, level.latents)
        writer.add(network, _qualities(network, model))


def _embedded(model: Model, order: Sequence[Subnet], target: NDArray[np.int32]) -> list[Embedded]:
    """Levels of the coefficients, so long that prefixes with all else in them have about their rates."""
    pixels = math.prod(model.size)
    rates = np.geomspace(*_RATES, len(order)) if len(order) > 1 else np.array([_RATES[1]])
    others = _bytes_beside_codes(model, order)
    wanted = [int(rate * pixels / 8) - own for rate, own in zip(rates, others, strict=True)]
    # In a tiny picture the networks are nearly all.
    ends = [max(end, 24 * (k + 1)) for k, end in enumerate(wanted)]
    reaches = [REACHES[-1] if rate < _BLURRED else REACHES[0] for rate in rates]
    return embed([target] * len(order), ends, reaches)


def _bytes_beside_codes(model: Model, order: Sequence[Subnet]) -> list[int]:
    """About what each level's prefix has beside the coefficients: the header, and networks up to there."""
    total, layers, result = 32.0 + 5 * len(order), dict[int, int](), list[int]()
    for subnet in order:
        new = subnet.depth - 1 - layers.get(subnet.width, 0)
        layers[subnet.width] = subnet.depth - 1
        shown = subnet.width - model.family.passed_through
        total += new * (subnet.width * shown * model.bits / 8 + 4) + 3 * subnet.width + 28
        result.append(round(total))
    return result


@torch.no_grad()
def _with_head(model: Model, subnet: Subnet, latents: Latents) -> Network:
    """The subnet on other latents, with the head that suits these best."""
    every = max(1, round(math.sqrt(math.prod(model.size) / _SAMPLES)))
    x, y = (axis_coordinates(pixels)[every // 2 :: every] for pixels in model.size)
    features = torch.from_numpy(features_at(latents, x, y, model.size, subnet.width)).flatten(0, 1)
    trunk, layers = model.trunks[subnet.width], subnet.depth - 1
    weights = trunk.weight[:layers].float() * trunk.step.values[:layers, None]
    grid_y, grid_x = (torch.from_numpy(axis.ravel()) for axis in np.meshgrid(y, x, indexing="ij"))
    filters, biases = trunk.filters.values, trunk.bias.values
    channels = model.family.forward(filters, weights, biases, grid_x, grid_y, features)[-1]
    moments = Moments(subnet.width, channels.device)
    colours = model.image[every // 2 :: every, every // 2 :: every].reshape(-1, 3).float() / 255
    moments.add(channels, colours)
    codes, scale, bias = moments.solve(VECTOR_BITS, shared_step=model.family.lean)
    network = model.network(subnet)
    head = {"head": codes.to(torch.int8).numpy(), "head.scale": scale.numpy(), "head.bias": bias.numpy()}
    return replace(network, tensors={**network.tensors, **head}, latents=latents)


def _qualities(network: Network, model: Model) -> Psnr:
    """PSNR in dB of the picture, and of it drawn at a half and at a quarter of its size."""
    decoder, image = Decoder(network), model.image.numpy()
    width, height = model.size
    sizes = [(max(1, width // part), max(1, height // part)) for part in (1, 2, 4)]
    full, half, quarter = (psnr(decoder.decode(size), _resized(image, size)) for size in sizes)
    return full, half, quarter


def _resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture at another size, each pixel the mean of those that it covers."""
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
