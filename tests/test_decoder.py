import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from anir_runtime import AnirError, Decoder, decode
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.decoder import Crop
from anir_toolchain.export import build
from anir_toolchain.model import Model
from anir_toolchain.space import Subnet
from onnx import TensorProto, helper

from tests.pixels import assert_same_pixels


@pytest.fixture
def path(exported: Path) -> Path:
    return exported / "d3w32.onnx"


def test_native_size_is_the_default_and_tiles_do_not_show(path: Path) -> None:
    decoder = Decoder(path)
    assert (decoder.width, decoder.height, decoder.family) == (96, 64, "siren")
    image = decoder.decode()
    assert image.shape == (64, 96, 3)
    session = ort.InferenceSession(path)
    whole = session.run(None, {"x": axis_coordinates(96), "y": axis_coordinates(64)})[0]
    assert_same_pixels(image, whole)
    assert len(list(decoder.tiles())) == 1
    large = list(decoder.tiles((960, 640)))
    assert len(large) > 1
    np.testing.assert_array_equal(np.concatenate(large), decoder.decode((960, 640)))


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_do_not_change_pixels(path: Path, threads: int) -> None:
    np.testing.assert_array_equal(Decoder(path, threads).decode((300, 200)), decode(path, (300, 200)))


def test_a_crop_is_that_part_of_the_whole(path: Path) -> None:
    whole = decode(path)
    np.testing.assert_array_equal(decode(path, crop=Crop(10, 20, 30, 5)), whole[20:25, 10:40])
    doubled = decode(path, (192, 128))
    part = decode(path, (60, 10), Crop(10, 20, 30, 5))
    assert np.abs(part.astype(int) - doubled[40:50, 20:80]).max() <= 1


def test_other_sizes_show_the_same_picture(path: Path) -> None:
    native, large = decode(path).astype(float), decode(path, (288, 192)).astype(float)
    # The centre of each 3x3 block is where the native pixel is.
    assert np.abs(large[1::3, 1::3] - native).max() <= 1
    assert decode(path, (1, 1)).shape == (1, 1, 3)
    assert decode(path, (7, 5000)).shape == (5000, 7, 3)


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (16385, 16384), (2**31, 2**31)])
def test_sizes_out_of_bounds_are_refused(path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(AnirError, match=r"at least 1|over the limit"):
        decode(path, size)


@pytest.mark.parametrize(
    "crop", [(-1, 0, 5, 5), (0, 0, 97, 5), (0, 60, 5, 5), (0, 0, 0, 5), (float("nan"), 0, 5, 5)]
)
def test_crops_outside_are_refused(path: Path, crop: tuple[float, ...]) -> None:
    with pytest.raises(AnirError, match="not inside"):
        decode(path, crop=Crop(*crop))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's own account of memory")
def test_memory_stays_flat_while_the_picture_grows(path: Path) -> None:
    """Tiles of an enormous picture come without the picture, which has 268 million pixels, 800 MB."""
    code = f"""
from pathlib import Path
from anir_runtime import Decoder
tiles = Decoder({str(path)!r}, threads=2).tiles((16384, 16384))
for _ in range(20): assert next(tiles).shape[1:] == (16384, 3)
tiles.close()
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 250 * 1024


def _broken(model: Model, tmp_path: Path) -> dict[str, tuple[bytes, str]]:
    proto = build(model, Subnet(2, 16))
    whole = proto.SerializeToString()

    def changed(**metadata: str) -> bytes:
        copy = onnx.ModelProto.FromString(whole)
        old = {p.key: p.value for p in copy.metadata_props}
        helper.set_model_props(copy, {k: v for k, v in (old | metadata).items() if v})
        return copy.SerializeToString()

    def external(attribute: bool) -> bytes:
        copy = onnx.ModelProto.FromString(whole)
        tensor = copy.graph.initializer[2]
        if attribute:
            tensor = onnx.helper.make_tensor("t", TensorProto.FLOAT, [1], [0])
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../secret.bin")
        if attribute:
            copy.graph.node.append(helper.make_node("Constant", [], ["unused"], value=tensor))
        return copy.SerializeToString()

    value = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1])
    identity = helper.make_node("Identity", ["x"], ["image"])
    graph = helper.make_graph(
        [identity], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])], [value]
    )
    foreign = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    disguised = onnx.ModelProto.FromString(foreign.SerializeToString())
    helper.set_model_props(disguised, {"anir": "1", "family": "siren", "width": "8", "height": "8"})
    return {
        "empty": (b"", "not an ONNX file"),
        "text": (b"hello, I am a picture\n" * 9, "not an ONNX file"),
        "cut": (whole[: len(whole) // 2], "not an ONNX file"),
        "foreign": (foreign.SerializeToString(), "not a neural image"),
        "disguised": (disguised.SerializeToString(), "inputs and outputs"),
        "newer": (changed(anir="2"), "update anir"),
        "nameless": (changed(width=""), "does not say its size"),
        "wordy": (changed(height="tall"), "does not say its size"),
        "negative": (changed(height="-4"), "says that its picture"),
        "external": (external(attribute=False), "keeps its weights in another file"),
        "external_constant": (external(attribute=True), "keeps its weights in another file"),
    }


def test_files_that_are_no_neural_images_are_refused_in_one_line(model: Model, tmp_path: Path) -> None:
    for name, (data, words) in _broken(model, tmp_path).items():
        file = tmp_path / f"{name}.onnx"
        file.write_bytes(data)
        with pytest.raises(AnirError, match=words) as error:
            Decoder(file)
        assert "\n" not in str(error.value), name
    with pytest.raises(AnirError, match="no such file"):
        Decoder(tmp_path / "none.onnx")
    with pytest.raises(AnirError, match="cannot be read"):
        Decoder(tmp_path)


def test_any_prefix_of_a_file_is_refused(model: Model, tmp_path: Path) -> None:
    whole = build(model, Subnet(2, 16)).SerializeToString()
    file = tmp_path / "cut.onnx"
    for size in range(0, len(whole) - 1, 97):
        file.write_bytes(whole[:size])
        with pytest.raises(AnirError):
            Decoder(file)
