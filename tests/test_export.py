import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.decoder import Decoder
from anir_runtime.engine import prepared
from anir_runtime.errors import AnirError
from anir_runtime.manifest import Manifest
from anir_toolchain.export import build, export, payload_bytes
from anir_toolchain.families import family
from anir_toolchain.metrics import psnr
from anir_toolchain.model import Model
from anir_toolchain.space import Space, Subnet

from tests.random_model import SMALL, random_model

FAMILIES = ("siren", "lapped", "fourier", "gabor")


def _sessions(data: bytes) -> dict[str, ort.InferenceSession]:
    default, plain, folded = (ort.SessionOptions() for _ in range(3))
    plain.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    folded.add_session_config_entry("session.disable_quant_qdq", "1")
    return {
        name: ort.InferenceSession(data, options)
        for name, options in (("default", default), ("plain", plain), ("folded", folded))
    }


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("seed", [0, 1])
def test_torch_and_every_kind_of_session_agree(name: str, bits: int, seed: int) -> None:
    model = random_model(name, bits, seed=seed)
    x, y = axis_coordinates(96), axis_coordinates(64)
    for subnet in model.space.subnets:
        rgb = model.decode(subnet, torch.from_numpy(x), torch.from_numpy(y))
        want = (rgb.clamp(0, 1) * 255).round().numpy()
        assert want.std() > 5, "too dull a picture to tell anything"
        for kind, session in _sessions(build(model, subnet).SerializeToString()).items():
            got = session.run(["image"], {"x": x, "y": y})[0]
            assert got.dtype == np.uint8
            difference = np.abs(got - want)
            assert difference.max() <= 1, (subnet, kind)
            assert (difference > 0).mean() <= 1e-3, (subnet, kind)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_file_keeps_the_contract(name: str) -> None:
    model = random_model(name)
    proto = build(model, Subnet(3, 24))
    onnx.checker.check_model(proto, full_check=True)
    own = [(function.domain, 1) for function in proto.functions]
    assert [(o.domain, o.version) for o in proto.opset_import] == [("", 21), *own]
    assert proto.ir_version == 10
    # The picture's height and width follow from the inputs, and are not written.
    proto.CopyFrom(onnx.shape_inference.infer_shapes(proto, strict_mode=True))
    shapes = {
        v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim]
        for v in (*proto.graph.input, *proto.graph.output)
    }
    assert shapes == {"x": ["W"], "y": ["H"], "image": ["H", "W", 3]}
    assert {p.key: p.value for p in proto.metadata_props} == {
        "anir": "1",
        "family": name,
        "width": "96",
        "height": "64",
    }
    kinds = [n.op_type for n in proto.graph.node]
    assert kinds[-1] == "QuantizeLinear"
    scale = next(i for i in proto.graph.initializer if i.name == proto.graph.node[-1].input[1])
    assert onnx.numpy_helper.to_array(scale) == np.float32(1 / 255)
    int4 = [i for i in proto.graph.initializer if i.data_type == onnx.TensorProto.INT4]
    # Two hidden matrices of 4 bits, and of local cosines the words and lanes' states.
    assert sum(len(i.raw_data) for i in int4) == 24 * 24
    coded = (onnx.TensorProto.UINT16, onnx.TensorProto.INT32)
    # Four bytes are a single number, and none of them.
    latents = [i for i in proto.graph.initializer if i.data_type in coded and len(i.raw_data) > 4]
    coded_bytes = sum(len(i.raw_data) for i in latents)
    assert coded_bytes == payload_bytes(model, Subnet(3, 24)) - 24 * 24
    assert not any(i.external_data for i in proto.graph.initializer)


def test_hidden_weights_are_the_models_codes_packed_in_order(model: Model) -> None:
    proto = build(model, Subnet(2, 24))
    blocks = [
        onnx.numpy_helper.to_array(i) for i in proto.graph.initializer if i.data_type == onnx.TensorProto.INT4
    ]
    assert [b.shape for b in blocks] == [(24, 24)]
    np.testing.assert_array_equal(blocks[0].astype(np.int8), model.trunks[24].weight[0].numpy())


@pytest.mark.parametrize("name", ["fourier", "gabor"])
def test_filter_networks_have_no_sine_per_pixel(name: str) -> None:
    """All trigonometry is on columns and rows, once a runtime has opened it: none depends on both x and y."""
    data = build(random_model(name), Subnet(5, 48)).SerializeToString()
    graph = onnx.load_from_string(prepared(data)).graph
    depends = {"x": {"x"}, "y": {"y"}}
    for node in graph.node:
        sources = set().union(*(depends.get(name, set()) for name in node.input))
        depends |= dict.fromkeys(node.output, sources)
        if node.op_type in ("Sin", "Cos", "Exp"):
            assert len(sources) == 1


def test_depths_share_their_trunks_layers(model: Model) -> None:
    shallow, deep = (
        [onnx.numpy_helper.to_array(i) for i in build(model, Subnet(d, 24)).graph.initializer] for d in (2, 5)
    )
    codes = [next(a for a in arrays if a.dtype.name == "int4") for arrays in (shallow, deep)]
    np.testing.assert_array_equal(codes[0], codes[1][0])


def test_manifest_says_what_the_files_are(exported: Path, model: Model) -> None:
    data = json.loads((exported / "manifest.json").read_text())
    assert list(data) == ["format", "family", "bits", "source", "subnets"]
    assert data["source"] == {
        "file": "random.png",
        "width": 96,
        "height": 64,
        "sha256": hashlib.sha256(model.image.numpy().tobytes()).hexdigest(),
    }
    assert [s["name"] for s in data["subnets"]] == [s.name for s in SMALL.subnets]
    for entry in Manifest.load(exported).subnets:
        file = (exported / entry.file).read_bytes()
        assert entry.bytes == len(file)
        assert entry.sha256 == hashlib.sha256(file).hexdigest()
        assert entry.bpp == pytest.approx(len(file) * 8 / (96 * 64))
        assert entry.psnr == psnr(Decoder(exported / entry.file).decode(), model.image.numpy())
    narrowest = data["subnets"][0]
    assert narrowest["payload_bpp"] == 16 * 16 / 2 * 8 / (96 * 64)
    assert narrowest["macs_per_pixel"] == 16 * 16 + 3 * 16


def test_exporting_twice_gives_the_same_bytes(exported: Path, model: Model, tmp_path: Path) -> None:
    export(model, tmp_path)
    for file in exported.iterdir():
        assert file.read_bytes() == (tmp_path / file.name).read_bytes()


def test_some_subnets_alone(model: Model, tmp_path: Path) -> None:
    manifest = export(model, tmp_path / "new" / "folder", [Subnet(3, 16), Subnet(3, 16)])
    assert [e.name for e in manifest.subnets] == ["d3w16"]
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == ["d3w16.onnx", "manifest.json"]


def test_a_place_that_cannot_be_written_is_refused(model: Model, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(AnirError, match="is a file"):
        export(model, tmp_path / "file")
    with pytest.raises(AnirError, match="cannot be written"):
        export(model, tmp_path / "file" / "below", [Subnet(2, 16)])
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "bytes_allowed"), [("siren", 717), ("fourier", 768), ("gabor", 903), ("lapped", 2695)]
)
def test_overhead_of_a_file_stays_small(name: str, bytes_allowed: int) -> None:
    """Bytes beside packed codes, scales and biases, in the default space of a 768x512 picture."""
    size = (768, 512)
    model = random_model(name, size=size, space=Space.default(*size, family(name).widths))
    for subnet in model.space.subnets:
        proto = build(model, subnet)
        payload = sum(len(i.raw_data) for i in proto.graph.initializer)
        # Lanes' states are raw only where that is shorter.
        payload += sum(_varint_bytes(i) for i in proto.graph.initializer if [*i.dims[:-1]] == [1, 1])
        size = len(proto.SerializeToString())
        assert size - payload <= bytes_allowed, (subnet, size - payload)


def _varint_bytes(tensor: onnx.TensorProto) -> int:
    return sum(-(-number.bit_length() // 7) for number in tensor.int32_data)
