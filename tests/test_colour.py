import json
from pathlib import Path

import numpy as np
import pytest
from anir_runtime.errors import AnirError
from anir_toolchain.image import read_picture
from PIL import Image

from tests import odd_pictures
from tests.odd_pictures import FIELD, fields, nclx, with_chunks

PICTURES = odd_pictures.all_pictures()
SHOWN = json.loads((Path(__file__).parent / "vectors" / "browser_pictures.json").read_text())


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_read_as_chromium_shows_them(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(PICTURES[name])
    pixels = read_picture(path).pixels[FIELD // 2 :: FIELD, FIELD // 2 :: FIELD]
    shown = np.array(SHOWN[name])
    assert pixels.shape[:2] == shown.shape[:2]
    if (shown[..., 3] < 255).any():
        np.testing.assert_array_equal(pixels[..., 3], shown[..., 3])
    seen = shown[..., 3] > 0
    assert np.abs(pixels[..., :3].astype(int) - shown[..., :3])[seen].max() <= 2


def test_a_grey_picture_with_gamma_keeps_one_channel(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURES["grey_gama.png"])
    assert read_picture(tmp_path / "a.png").pixels.shape[2] == 1


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_pictures_are_refused(transfer: int, name: str, tmp_path: Path) -> None:
    (tmp_path / "a.avif").write_bytes(nclx(9, transfer))
    (tmp_path / "a.png").write_bytes(with_chunks(fields(), (b"cICP", bytes([9, transfer, 0, 1]))))
    for file in ("a.avif", "a.png"):
        with pytest.raises(AnirError, match=rf"{file}: an HDR picture \({name}\)"):
            read_picture(tmp_path / file)


def test_a_large_picture_is_converted_in_bands_without_seams(tmp_path: Path) -> None:
    ramp = np.arange(1500, dtype=np.uint16).astype(np.uint8)[:, None].repeat(1000, 1)
    (tmp_path / "a.png").write_bytes(
        with_chunks(Image.fromarray(np.stack([ramp] * 3, -1)), odd_pictures.gama(0.5))
    )
    pixels = read_picture(tmp_path / "a.png").pixels
    expected = pixels[:256, 0, 0]
    np.testing.assert_array_equal(pixels[:, 0, 0], np.resize(expected, 1500))
    assert (pixels == pixels[:, :1, :1]).all()
