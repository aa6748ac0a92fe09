import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from anir_runtime.decoder import Decoder
from anir_runtime.errors import AnirError
from anir_runtime.manifest import Manifest
from anir_runtime.onnx_reader import read_network
from anir_toolchain.anir_export import export_anir
from anir_toolchain.metrics import psnr
from anir_toolchain.model import Model
from anir_toolchain.onnx_export import export
from anir_toolchain.space import Subnet

from tests.random_model import SMALL, random_model


def test_the_manifest_describes_the_files(exported: Path, model: Model) -> None:
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


def test_chosen_subnets_are_exported_alone(model: Model, tmp_path: Path) -> None:
    manifest = export(model, tmp_path / "new" / "folder", [Subnet(3, 16), Subnet(3, 16)])
    assert [e.name for e in manifest.subnets] == ["d3w16"]
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == ["d3w16.onnx", "manifest.json"]


@pytest.mark.parametrize("pitch", [16, 32])
def test_a_graph_draws_what_the_runtime_and_an_anir_file_show(pitch: int, tmp_path: Path) -> None:
    model = random_model("lapped", pitch=pitch)
    export(model, tmp_path, [Subnet(3, 24)])
    header = export_anir(model, tmp_path / "a.anir")
    end = next(level.end for level in header.levels if level.name == "d3w24")
    prefix = (tmp_path / "a.anir").read_bytes()[:end]
    latents = read_network((tmp_path / "d3w24.onnx").read_bytes()).latents
    assert latents is not None
    assert latents.pitch == pitch
    direct = Decoder(tmp_path / "d3w24.onnx").decode().astype(int)
    for own in (Decoder(tmp_path / "d3w24.onnx", trust_graph=True), Decoder(prefix)):
        assert np.abs(own.decode() - direct).max() <= 1


def test_subnets_may_be_given_by_name_and_have_to_exist(model: Model, tmp_path: Path) -> None:
    assert [own.name for own in export(model, str(tmp_path / "a"), ["d3w16", "d3w16"]).subnets] == ["d3w16"]
    before = sorted((tmp_path / "a").iterdir())
    chosen: list[list[Subnet | str]] = [[], ["d9w9"], [Subnet(9, 9)]]
    for subnets, message in zip(chosen, ["no subnets", "no subnet 'd9w9'", "no subnet 'd9w9'"], strict=True):
        with pytest.raises(AnirError, match=message):
            export(model, tmp_path / "a", subnets)
        with pytest.raises(AnirError, match=message):
            export_anir(model, tmp_path / "a.anir", subnets)
    assert sorted((tmp_path / "a").iterdir()) == before
    names = (own.name for own in model.space.subnets)
    assert len(export_anir(model, str(tmp_path / "a.anir"), names).levels) == len(model.space.subnets)


def test_a_folder_that_cannot_be_written_is_refused(model: Model, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(AnirError, match="is a file"):
        export(model, tmp_path / "file")
    with pytest.raises(AnirError, match="cannot be written"):
        export(model, tmp_path / "file" / "below", [Subnet(2, 16)])
    assert (tmp_path / "file").read_text() == "mine"
