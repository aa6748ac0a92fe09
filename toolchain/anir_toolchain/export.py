"""One self-contained ONNX file per subnet, and the manifest that describes them."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import onnx
from anir_runtime.decoder import Decoder
from anir_runtime.files import replacing_folder
from anir_runtime.manifest import MANIFEST, Entry, Manifest, Source, plain_name
from onnx.numpy_helper import to_array

from anir_toolchain.lapped_synthesis import synthesis_macs_per_pixel
from anir_toolchain.metrics import bits_per_pixel, psnr
from anir_toolchain.model import Model
from anir_toolchain.onnx_writer import build
from anir_toolchain.space import Subnet


def export(model: Model, directory: Path, subnets: Iterable[Subnet] | None = None) -> Manifest:
    """Writes `<name>.onnx` for each subnet (all by default) and `manifest.json` into `directory`.

    The folder is written whole or not at all; files of other names that are in it stay. Each file is decoded
    by the runtime before the manifest is written; its PSNR is of those pixels.
    Raises AnirError if the folder cannot be written.
    """
    chosen = model.space.subnets if subnets is None else tuple(dict.fromkeys(subnets))
    image = model.image.numpy()
    source = Source(
        file=plain_name(model.source),
        width=image.shape[1],
        height=image.shape[0],
        sha256=hashlib.sha256(image.tobytes()).hexdigest(),
    )
    with replacing_folder(directory, MANIFEST) as folder:
        entries = tuple(_export_subnet(model, subnet, folder) for subnet in chosen)
        manifest = Manifest(family=model.family_name, bits=model.bits, source=source, subnets=entries)
        text = json.dumps(manifest.to_dict(), indent=1) + "\n"
        (folder / MANIFEST).write_text(text, encoding="utf-8")
    return manifest


def _export_subnet(model: Model, subnet: Subnet, folder: Path) -> Entry:
    proto = build(model.network(subnet))
    data = proto.SerializeToString(deterministic=True)
    path = folder / f"{subnet.name}.onnx"
    path.write_bytes(data)
    pixels = model.image.shape[0] * model.image.shape[1]
    return Entry(
        name=subnet.name,
        file=path.name,
        bytes=len(data),
        bpp=bits_per_pixel(len(data), pixels),
        payload_bpp=bits_per_pixel(payload_bytes(proto), pixels),
        psnr=psnr(Decoder(data).decode(), model.image.numpy()),
        macs_per_pixel=macs_per_pixel(model, subnet),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def payload_bytes(proto: onnx.ModelProto) -> int:
    """Bytes of the packed hidden weights alone, and of entropy-coded latents."""
    found = {tensor.name: tensor for tensor in proto.graph.initializer}
    coded = [to_array(found[name]) for name in ("latents.words", "latents.states") if name in found]
    return len(found["weights"].raw_data) + sum(array.nbytes for array in coded)


def macs_per_pixel(model: Model, subnet: Subnet) -> int:
    """Multiply-accumulates that one pixel takes: lapped transform, hidden layers and head."""
    latents = model.latents(subnet)
    planes = synthesis_macs_per_pixel(latents) if latents else 0
    return planes + (subnet.depth - 1) * subnet.width**2 + model.colours * subnet.width
