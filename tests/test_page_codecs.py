"""Tests that the codecs' files for the page are no larger than the subnets and as good as stated."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from anir_runtime.anir_file import AnirFile
from anir_runtime.decoder import Decoder
from anir_runtime.manifest import Manifest
from anir_runtime.picture_file import write_picture
from anir_toolchain.anir_export import export_anir
from anir_toolchain.image import load_image
from anir_toolchain.metrics import psnr
from anir_toolchain.onnx_export import export
from numpy.typing import NDArray
from PIL import Image

from bench.page_codecs import encode_folder, smallest
from tests.random_model import random_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = random_model(size=(96, 64))
    export(model, tmp_path, [model.space.find("d2w16"), model.space.find("d5w48")])
    ramp = np.add.outer(np.arange(64), np.arange(96)).astype(np.uint8)
    write_picture(np.stack([ramp, ramp // 2, 255 - ramp], -1), tmp_path / model.source)
    return tmp_path


def test_codec_files_are_no_larger_than_the_subnets_and_as_good_as_stated(folder: Path) -> None:
    stale = folder / "codecs" / "stale.jpg"
    stale.parent.mkdir()
    stale.write_bytes(b"of another export")
    encode_folder(folder)
    assert not stale.exists()
    source = load_image(folder / "random.png")
    rows = json.loads((folder / "codecs" / "codecs.json").read_text())
    entries = Manifest.load(folder).subnets
    assert rows.keys() == {entry.name for entry in entries}
    for entry in entries:
        assert rows[entry.name].pop("subnet_bytes") == entry.bytes
        for codec, encoded in rows[entry.name].items():
            data = (folder / "codecs" / encoded["file"]).read_bytes()
            picture = Image.open(BytesIO(data))
            assert picture.format == codec.upper()
            assert len(data) == encoded["bytes"]
            assert len(data) <= entry.bytes or encoded["file"].startswith("q0.")
            assert psnr(np.asarray(picture.convert("RGB")), source) == pytest.approx(
                encoded["psnr"], abs=1e-3
            )


def test_codec_files_and_screen_copies_of_an_anir_file_match_its_levels(tmp_path: Path) -> None:
    model = random_model(size=(96, 64))
    export(model, tmp_path, [model.space.find("d2w16")])
    write_picture(model.image.numpy(), tmp_path / model.source)
    header = export_anir(model, tmp_path / "random.anir")
    encode_folder(tmp_path)
    rows = json.loads((tmp_path / "codecs" / "codecs.json").read_text())
    assert {name: row["subnet_bytes"] for name, row in rows.items()} == {
        level.name: level.end for level in header.levels
    }
    copies = json.loads((tmp_path / "codecs" / "screens.json").read_text())
    assert [(copy["width"], copy["height"]) for copy in copies] == [(24, 16), (48, 32), (96, 64)]
    stream = AnirFile((tmp_path / "random.anir").read_bytes())
    source = model.image.numpy()
    for index, level in enumerate(header.levels):
        drawn = Decoder(stream.network(index)).decode()
        for fraction, copy in zip((4, 2, 1), copies, strict=True):
            assert copy["levels"][level.name]["psnr"] == pytest.approx(
                psnr(averaged(drawn, fraction), averaged(source, fraction)), abs=0.06
            )


def test_the_smallest_copy_of_at_least_a_quality_is_found_if_there_is_one() -> None:
    levels = {quality: {"psnr": 20.0 + quality / 10, "bytes": 100.0 + quality} for quality in range(101)}
    assert smallest(levels.__getitem__, 24.95) == 150
    assert smallest(levels.__getitem__, 5) == 100
    assert smallest(levels.__getitem__, 30.0) == 200
    assert smallest(levels.__getitem__, 30.1) is None


def averaged(image: NDArray[np.uint8], fraction: int) -> NDArray[np.uint8]:
    """Returns the means of blocks of `fraction` × `fraction` pixels."""
    height, width, _ = image.shape
    blocks = image.reshape(height // fraction, fraction, width // fraction, fraction, 3)
    return blocks.mean((1, 3)).round().astype(np.uint8)
