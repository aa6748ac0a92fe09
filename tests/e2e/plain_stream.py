"""`.anir` files of pictures without training: levels of one embedded code under networks that add nothing."""

from pathlib import Path

import numpy as np
from anir_runtime.anir_file import Header, Step, code_step, code_unit, latents_of
from anir_runtime.decoder import Decoder
from anir_runtime.network import Latents, Network
from anir_toolchain.anir_writer import AnirWriter, Psnr
from anir_toolchain.embedding import FIRST, LATER, UNIT, in_units
from anir_toolchain.lapped_analysis import analyse_planes, centred_planes, principal_colours
from anir_toolchain.metrics import psnr
from numpy.typing import NDArray
from PIL import Image

_PITCH = 16
_SUBNETS = [(depth, channels) for channels in (8, 16, 20, 24) for depth in (2, 3, 4, 5)]
_WIDTHS = np.geomspace(16000, 450, len(_SUBNETS)).round()
"""Of the intervals of each level: some 0.03 bits a pixel for the first, 1.5 for the last."""


def write_plain_stream(image: NDArray[np.uint8], path: Path) -> None:
    """Writes a picture uint8[H, W, 3] as a file of sixteen levels."""
    height, width, _ = image.shape
    writer = AnirWriter(Header("lapped", (width, height), 3, 4, _PITCH, (), 0), width * height + (1 << 16))
    target = in_units(analyse_planes(centred_planes(image), _PITCH, down=True).values)
    writer.coder.aim(target)
    code_unit(writer.coder, UNIT)
    for level, ((depth, channels), interval) in enumerate(zip(_SUBNETS, _WIDTHS, strict=True)):
        step = code_step(writer.coder, Step(int(interval), LATER if level else FIRST, 1))
        writer.coder.level(step.width, step.factor)
        latents = latents_of(writer.coder.values(), UNIT, _PITCH, step.reach)
        network = _network(image, depth, channels, latents)
        writer.add(network, _qualities(network, image))
    path.write_bytes(writer.finish())


def _network(image: NDArray[np.uint8], depth: int, channels: int, latents: Latents) -> Network:
    """A network whose colours are the planes alone."""
    height, width, _ = image.shape
    levels = image.astype(np.float32) / 255
    weights = np.zeros((depth - 1, channels, channels), np.int8)
    scale = np.float32(0.5 / 127)
    # Planes are of half the range of a pixel, colours of the whole.
    head = np.zeros((3, channels), np.int8)
    head[:, :3] = np.round(0.5 * principal_colours(image) / scale)
    tensors = {
        "weights": weights,
        "steps": np.ones(depth - 1, np.float32),
        "head": head,
        "head.scale": np.full(3, scale),
        "head.bias": np.concatenate([levels[0], levels[:, 0]]).mean(0),
    }
    return Network("lapped", (width, height), 4, tensors, latents)


def _qualities(network: Network, image: NDArray[np.uint8]) -> Psnr:
    """PSNR in dB at full, half and quarter size."""
    decoder, (width, height) = Decoder(network), network.size

    def quality(part: int) -> float:
        size = max(1, width // part), max(1, height // part)
        smaller = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
        return psnr(decoder.decode(size), smaller)

    return quality(1), quality(2), quality(4)
