"""Exports one self-contained ONNX file per subnet, and the manifest that describes them."""

import hashlib
import json
import math
from collections.abc import Collection, Iterable
from os import PathLike
from pathlib import Path

import numpy as np
import onnx
from anir_runtime.decoder import Decoder
from anir_runtime.files import replacing_folder
from anir_runtime.manifest import MANIFEST, Entry, Manifest, Source, plain_name
from anir_runtime.network import Network
from numpy.typing import NDArray
from onnx.numpy_helper import to_array

from anir_toolchain.lapped_synthesis import synthesis_macs_per_pixel
from anir_toolchain.level_file import LevelFile
from anir_toolchain.metrics import bits_per_pixel, psnr
from anir_toolchain.model import Model
from anir_toolchain.onnx_writer import build
from anir_toolchain.space import Subnet


def export(
    model: Model, directory: str | PathLike[str], subnets: Iterable[Subnet | str] | None = None
) -> Manifest:
    """Writes `<name>.onnx` for each subnet (all by default) and `manifest.json` into `directory`.

    All files are written or none; files of other names in the folder stay. PSNR in the manifest is measured
    on each file as the runtime decodes it. Raises AnirError if the folder cannot be written, or the model
    has no such subnets; they may be given by name.
    """
    chosen = model.space.chosen(subnets)
    image = model.image.numpy()
    sha256 = hashlib.sha256(image.tobytes()).hexdigest()
    source = Source(*model.size, plain_name(model.source), sha256)
    with replacing_folder(Path(directory), MANIFEST) as folder:
        entries = tuple(_write(model.network(subnet), folder, image) for subnet in chosen)
        return _describe(folder, Manifest(model.family_name, model.bits, source, entries))


def export_levels(
    levels: LevelFile, directory: str | PathLike[str], names: Collection[str] | None = None
) -> Manifest:
    """Writes levels of an `.anir` file (all by default) as `export` writes subnets of a model.

    An `.anir` file does not contain the original picture: the manifest states its size alone, and PSNR is the
    one that the file states, in quarters of a dB. If several levels are of one subnet, the last is written.
    Raises AnirError if a level is missing or damaged, or the folder cannot be written.
    """
    if names is None:
        levels.check_complete()
    else:
        levels.check_names(names)
    header, entries = levels.header, dict[Subnet, Entry]()
    with replacing_folder(Path(directory), MANIFEST) as folder:
        for level, network in levels.networks(names):
            entry = _write(network, folder, level.psnr[0])
            entries[Subnet(level.depth, level.channels)] = entry
        level_order = tuple(entries[subnet] for subnet in sorted(entries))
        return _describe(folder, Manifest(header.family, header.bits, Source(*header.size), level_order))


def _write(network: Network, folder: Path, quality: float | NDArray[np.uint8]) -> Entry:
    """Writes a network's file and returns its entry; `quality` is its PSNR in dB, or the original picture."""
    proto = build(network)
    data = proto.SerializeToString(deterministic=True)
    path = folder / f"{network.name}.onnx"
    path.write_bytes(data)
    pixels, decoder = math.prod(network.size), Decoder(data)
    return Entry(
        name=network.name,
        file=path.name,
        bytes=len(data),
        bpp=bits_per_pixel(len(data), pixels),
        payload_bpp=bits_per_pixel(payload_bytes(proto), pixels),
        psnr=quality if isinstance(quality, float) else psnr(decoder.decode(), quality),
        macs_per_pixel=macs_per_pixel(network),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _describe(folder: Path, manifest: Manifest) -> Manifest:
    text = json.dumps(manifest.to_dict(), indent=1) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return manifest


def payload_bytes(proto: onnx.ModelProto) -> int:
    """Returns the bytes of the packed hidden weights and the entropy-coded latents alone."""
    found = {tensor.name: tensor for tensor in proto.graph.initializer}
    coded = [to_array(found[name]) for name in ("latents.words", "latents.states") if name in found]
    return len(found["weights"].raw_data) + sum(array.nbytes for array in coded)


def macs_per_pixel(network: Network) -> int:
    """Returns the multiply-accumulates per pixel of lapped transform, hidden layers and head."""
    latents, width = network.latents, network.channels
    planes = synthesis_macs_per_pixel(latents, width) if latents else 0
    return planes + (network.depth - 1) * width**2 + network.colours * width
