"""One self-contained ONNX file per subnet, and the manifest that describes them."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import onnx
import torch
from anir_runtime.decoder import FORMAT, Decoder
from anir_runtime.errors import AnirError
from anir_runtime.files import replacing
from anir_runtime.manifest import MANIFEST, Entry, Manifest, Source
from onnx import TensorProto, helper

from anir_toolchain.families import Family
from anir_toolchain.graph import Graph
from anir_toolchain.lapped import emit as emit_latents
from anir_toolchain.lapped_transform import synthesis_macs_per_pixel
from anir_toolchain.latent_coding import encode_latents
from anir_toolchain.metrics import bits_per_pixel, psnr
from anir_toolchain.model import Model, Quantized
from anir_toolchain.space import Subnet

_LEVEL = 1 / 255
"""Scale of the picture's levels, and of the hidden codes, so that one constant does for both."""
_HEADS = {3: "abc,dec->abd", 4: "abcd,eaad"}
"""By the rank of vectors, channels times a head's rows; what has one entry is summed over as well.

Without an arrow, the letters that occur once come out, in the order of the alphabet.
"""


def export(model: Model, directory: Path, subnets: Iterable[Subnet] | None = None) -> Manifest:
    """Writes `<name>.onnx` for each subnet (all by default) and `manifest.json` into `directory`.

    Each file is decoded with ONNX Runtime before the manifest is written; its PSNR is of those pixels.
    Raises AnirError if the folder cannot be written.
    """
    chosen = model.space.subnets if subnets is None else tuple(dict.fromkeys(subnets))
    if directory.exists() and not directory.is_dir():
        raise AnirError(f"{directory}: is a file; name a folder")
    entries = [_export_subnet(model, subnet, directory) for subnet in chosen]
    image = model.image.numpy()
    manifest = Manifest(
        family=model.family_name,
        bits=model.bits,
        source=Source(
            file=model.source,
            width=image.shape[1],
            height=image.shape[0],
            sha256=hashlib.sha256(image.tobytes()).hexdigest(),
        ),
        subnets=tuple(entries),
    )
    with replacing(directory / MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest.to_dict(), indent=1) + "\n", encoding="utf-8")
    return manifest


def _export_subnet(model: Model, subnet: Subnet, directory: Path) -> Entry:
    data = build(model, subnet).SerializeToString(deterministic=True)
    path = directory / f"{subnet.name}.onnx"
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    pixels = model.image.shape[0] * model.image.shape[1]
    return Entry(
        name=subnet.name,
        file=path.name,
        bytes=len(data),
        bpp=bits_per_pixel(len(data), pixels),
        payload_bpp=bits_per_pixel(payload_bytes(model, subnet), pixels),
        psnr=psnr(Decoder(path).decode(), model.image.numpy()),
        macs_per_pixel=macs_per_pixel(model, subnet),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def payload_bytes(model: Model, subnet: Subnet) -> int:
    """Bytes of the packed hidden weights alone, and of entropy-coded latents."""
    latents = model.latents(subnet)
    coded = encode_latents(latents).bytes if latents else 0
    return ((subnet.depth - 1) * subnet.width**2 * model.bits + 7) // 8 + coded


def macs_per_pixel(model: Model, subnet: Subnet) -> int:
    """Multiply-accumulates that one pixel takes: local cosines, hidden layers and head."""
    latents = model.latents(subnet)
    planes = synthesis_macs_per_pixel(latents) if latents else 0
    return planes + (subnet.depth - 1) * subnet.width**2 + 3 * subnet.width


def build(model: Model, subnet: Subnet) -> onnx.ModelProto:
    """The subnet as an ONNX graph: float32 x [W] and y [H] in, uint8 image [H, W, 3] out."""
    graph, trunk = Graph(), model.trunks[subnet.width]
    links, rank, lean = subnet.depth - 1, _rank(model.family, subnet), model.family.lean
    at = model.space.depths.index(subnet.depth)
    parts = _emit_lean(graph, model, subnet, at) if lean else _emit_vectors(graph, model, subnet, at)
    weights, head, biases, *filters = parts
    x, y, features = "x", "y", None
    if latents := model.latents(subnet):
        features = emit_latents(graph, latents, model.size, subnet.width)
    else:
        x, y = graph.op("Flatten", x), graph.op("Unsqueeze", y, graph.integers(1, 2))
    h = model.family.emit(graph, links, x, y, filters, weights, biases, features)
    if lean:
        rgb = graph.op("MatMul", h, head)
    elif rank == 2:
        rgb = graph.op("MatMul", h, graph.op("Transpose", head))
    else:
        rgb = graph.op("Einsum", h, head, equation=_HEADS[rank])
    rgb = graph.op("Add", rgb, graph.tensor(trunk.head_bias[at].numpy()))
    image = graph.op("QuantizeLinear", rgb, graph.scalar(_LEVEL))
    graph.rename_output(image, "image")
    height, width = model.image.shape[:2]
    return graph.model(
        inputs=[
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["W"]),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, ["H"]),
        ],
        # [H, W, 3], as follows from the inputs.
        outputs=[helper.make_tensor_value_info("image", TensorProto.UINT8, [None, None, 3])],
        metadata={
            "anir": str(FORMAT),
            "family": model.family_name,
            "width": str(width),
            "height": str(height),
        },
    )


def _rank(family: Family, subnet: Subnet) -> int:
    """That of vectors: with a single hidden matrix they need no axis for a Scan to go along."""
    return 2 if subnet.depth == 2 and family.vector_rank == 3 and not family.lean else family.vector_rank


def _emit_lean(graph: Graph, model: Model, subnet: Subnet, at: int) -> list[str]:
    """The hidden matrices [D-1, C, C] and the head [1, C, 3]; no biases.

    ONNX Runtime multiplies 4- and 8-bit matrices by activations that it rounds to 8 bits: those of rank 2.
    """
    trunk, links = model.trunks[subnet.width], subnet.depth - 1
    codes, steps = _emit_codes(graph, model, subnet), trunk.step.values[:links, 0].numpy()
    if links == 1:
        weights = graph.op("DequantizeLinear", codes, graph.scalar(float(steps[0])))
    else:
        weights = graph.op("DequantizeLinear", codes, graph.tensor(steps), axis=0)
    head = graph.tensor(trunk.head.codes[at].T[None].contiguous().numpy())
    return [weights, graph.op("DequantizeLinear", head, graph.scalar(float(trunk.head.scale[at, 0]))), ""]


def _emit_vectors(graph: Graph, model: Model, subnet: Subnet, head: int) -> list[str]:
    """All that is not a hidden matrix, as rows of one int8 table with a scale each; and the matrices.

    Returns the names of the matrices, the head, the biases, and the K filter values.
    """
    family, trunk, links = model.family, model.trunks[subnet.width], subnet.depth - 1
    parts = _filter_parts(family, trunk.filters, family.banks(subnet.depth))
    filters = len(parts)
    parts += [
        (trunk.bias.codes[:links], trunk.bias.scale[:links]),
        (trunk.step.codes[:links], trunk.step.scale[:links] / _LEVEL),
        (trunk.head.codes[head], trunk.head.scale[head]),
    ]
    codes = torch.cat([codes.to(torch.int8) for codes, _ in parts])
    codes = codes.reshape(-1, *[1] * (_rank(family, subnet) - 2), subnet.width)
    scale = torch.cat([scale for _, scale in parts])
    table = graph.op("DequantizeLinear", graph.tensor(codes.numpy()), graph.tensor(scale.numpy()), axis=0)
    names = graph.split_op("Split", len(parts), table, graph.integers(*(len(codes) for codes, _ in parts)))
    rows = iter(names[:filters])
    values = [
        next(rows) if bits == 8 else graph.op("Add", next(rows), next(rows)) for bits in family.filter_bits
    ]
    biases, steps, own_head = names[filters:]
    weights = graph.op("DequantizeLinear", _emit_codes(graph, model, subnet), graph.scalar(_LEVEL))
    return [graph.op("Mul", weights, steps), own_head, biases, *values]


def _filter_parts(family: Family, filters: Quantized, banks: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Codes and scales of the K filter values; one of 16 bits is a high and a low part, to be added."""
    parts = []
    for k, bits in enumerate(family.filter_bits):
        codes, scale = filters.codes[:banks, k].int(), filters.scale[:banks, k]
        if bits == 8:
            parts.append((codes, scale))
        else:
            high = torch.div(codes + 128, 256, rounding_mode="floor")
            parts += [(high, scale * 256), (codes - high * 256, scale)]
    return parts


def _emit_codes(graph: Graph, model: Model, subnet: Subnet) -> str:
    """Those of hidden matrices along the first axis, which a single one has not if vectors have rank 2."""
    links, width = subnet.depth - 1, subnet.width
    lead = (links, 1)[: _rank(model.family, subnet) - 2]
    weight = model.trunks[width].weight[:links].reshape(*lead, width, width).numpy()
    return graph.int4(weight) if model.bits == 4 else graph.tensor(weight)
