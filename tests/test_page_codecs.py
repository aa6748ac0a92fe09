"""Codec files of the subnets' sizes: no larger, or the codec's smallest, and as good as stated."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from anir_runtime.manifest import Manifest
from anir_runtime.picture_file import write_picture
from anir_toolchain.export import export
from anir_toolchain.image import load_image
from anir_toolchain.metrics import psnr
from PIL import Image

from bench.page_codecs import encode_folder
from tests.random_model import random_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = random_model(size=(96, 64))
    export(model, tmp_path, [model.space.find("d2w16"), model.space.find("d5w48")])
    ramp = np.add.outer(np.arange(64), np.arange(96)).astype(np.uint8)
    write_picture(np.stack([ramp, ramp // 2, 255 - ramp], -1), tmp_path / model.source)
    return tmp_path


def test_files_are_no_larger_than_the_subnets_and_as_good_as_stated(folder: Path) -> None:
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
