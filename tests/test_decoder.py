import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from anir_runtime import AnirError, Decoder, decode, tile_graph
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.decoder import Crop
from anir_runtime.network import Network
from anir_runtime.onnx_reader import read_network
from anir_runtime.sessions import open_session
from PIL import Image

from tests import reference
from tests.named_file import named_file
from tests.pixels import assert_same_pixels
from tests.random_network import random_network


@pytest.fixture
def path(exported: Path) -> Path:
    return exported / "d3w32.onnx"


def test_the_native_size_is_the_default_and_tiles_make_up_the_picture(path: Path) -> None:
    decoder = Decoder(path)
    assert (decoder.width, decoder.height, decoder.family) == (96, 64, "siren")
    image = decoder.decode()
    assert image.shape == (64, 96, 3)
    network = read_network(path.read_bytes())
    assert_same_pixels(image, reference.pixels(network, axis_coordinates(96), axis_coordinates(64)))
    assert len(list(decoder.tiles())) == 1
    large = list(decoder.tiles((960, 640)))
    assert len(large) > 1
    np.testing.assert_array_equal(np.concatenate(large), decoder.decode((960, 640)))


@pytest.mark.parametrize(("part", "size"), [((0, 0, 96, 64), (24, 32)), ((16, 8, 48, 30), (3, 1))])
def test_lapped_pictures_below_native_size_are_means_of_native_pixels(
    part: tuple[int, int, int, int], size: tuple[int, int]
) -> None:
    network = random_network("lapped")
    # Without hidden weights, colours are linear in the planes; a small head prevents clipping.
    network.tensors["weights"][:] = 0
    network.tensors["head.scale"] *= np.float32(0.08)
    decoder = Decoder(network)
    crop = Crop(*part)
    left, top, width, height = part
    native = decoder.decode()[top : top + height, left : left + width].astype(float)
    rows, columns = height // size[1], width // size[0]
    means = native.reshape(size[1], rows, size[0], columns, 3).mean((1, 3))
    assert np.abs(decoder.decode(size, crop) - means).max() < 1.5
    assert np.abs(native[::rows, ::columns] - means).max() > 15
    np.testing.assert_array_equal(decoder.decode((width, height), crop), native)


def test_notebooks_show_the_picture(path: Path) -> None:
    decoder = Decoder(path)
    shown = Image.open(io.BytesIO(decoder._repr_png_() or b""))
    np.testing.assert_array_equal(np.asarray(shown), decoder.decode())
    wide = Decoder(random_network("siren", size=(5000, 3)))
    assert Image.open(io.BytesIO(wide._repr_png_() or b"")).size == (1024, 1)
    grey = Decoder(random_network("lapped", colours=1))
    shown = Image.open(io.BytesIO(grey._repr_png_() or b""))
    np.testing.assert_array_equal(np.asarray(shown)[..., None], grey.decode())
    assert Decoder()._repr_png_() is None


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_do_not_change_the_picture(path: Path, threads: int) -> None:
    assert_same_pixels(Decoder(path, threads).decode((300, 200)), decode(path, (300, 200)))


def test_a_crop_is_that_part_of_the_whole(path: Path) -> None:
    whole = decode(path)
    np.testing.assert_array_equal(decode(path, crop=Crop(10, 20, 30, 5)), whole[20:25, 10:40])
    doubled = decode(path, (192, 128))
    part = decode(path, (60, 10), Crop(10, 20, 30, 5))
    assert np.abs(part.astype(int) - doubled[40:50, 20:80]).max() <= 1


def test_other_sizes_show_the_same_picture(path: Path) -> None:
    native, large = decode(path).astype(float), decode(path, (288, 192)).astype(float)
    # The centre of each 3×3 block coincides with a native pixel.
    assert np.abs(large[1::3, 1::3] - native).max() <= 1
    assert decode(path, (1, 1)).shape == (1, 1, 3)
    assert decode(path, (7, 5000)).shape == (5000, 7, 3)


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (16385, 16384), (2**31, 2**31), (2**28, 1)])
def test_sizes_out_of_bounds_are_refused(path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(AnirError, match=r"at least 1|over the limit"):
        decode(path, size)


def test_a_crop_may_be_a_tuple_of_four_numbers(path: Path) -> None:
    own: Any = (10, 20, 30, 5)
    np.testing.assert_array_equal(decode(path, crop=own), decode(path, crop=Crop(*own)))
    for wrong in ((1, 2, 3), (1, 2, 3, 4, 5), 7, ("a", 0, 5, 5)):
        own = wrong
        with pytest.raises(AnirError, match="a crop is x, y, width and height"):
            decode(path, crop=own)


@pytest.mark.parametrize(
    "crop", [(-1, 0, 5, 5), (0, 0, 97, 5), (0, 60, 5, 5), (0, 0, 0, 5), (float("nan"), 0, 5, 5)]
)
def test_crops_outside_the_picture_are_refused(path: Path, crop: tuple[float, ...]) -> None:
    with pytest.raises(AnirError, match="not inside"):
        decode(path, crop=Crop(*crop))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's own account of memory")
def test_memory_stays_flat_while_the_picture_grows(path: Path) -> None:
    """Drawing tiles does not allocate the whole picture, which here has 268 million pixels or 800 MB."""
    code = f"""
from dataclasses import replace
from pathlib import Path
from anir_runtime import Decoder
tiles = Decoder({str(path)!r}, threads=2).tiles((16384, 16384))
for _ in range(20): assert next(tiles).shape[1:] == (16384, 3)
tiles.close()
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 250 * 1024


def test_paths_bytes_files_and_networks_can_be_decoded(path: Path) -> None:
    whole = decode(path)
    data = path.read_bytes()
    for source in (str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)):
        np.testing.assert_array_equal(decode(source), whole)
    with path.open("rb") as file:
        np.testing.assert_array_equal(decode(file), whole)
    network = read_network(path.read_bytes())
    np.testing.assert_array_equal(Decoder(network, threads=1).decode(), whole)
    assert "direct" in Decoder(network).backend
    assert "siren" in Decoder(path).backend


def test_sizes_that_are_not_two_integers_are_refused(path: Path) -> None:
    for size in ((100.0, 50.0), ("4", "5"), (4,), (1, 2, 3), 5):
        with pytest.raises(AnirError, match="a size is width and height, whole numbers"):
            decode(path, size)  # type: ignore[arg-type]
    assert decode(path, (np.int64(8), np.int64(6))).shape == (6, 8, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [0, -1, 2.5, "2"])
def test_invalid_numbers_of_threads_are_refused(path: Path, threads: Any) -> None:
    with pytest.raises(AnirError, match="threads cannot draw"):
        Decoder(path, threads=threads)


def test_anything_with_bytes_can_be_decoded_and_nothing_else(path: Path) -> None:
    data, want = np.frombuffer(path.read_bytes(), np.uint8), decode(path)
    assert np.array_equal(decode(data), want)  # type: ignore[arg-type]
    assert np.array_equal(decode(np.repeat(data, 2)[::2]), want)  # type: ignore[arg-type]
    others: list[Any] = [io.StringIO("text"), 5, [1, 2]]
    for other in others:
        with pytest.raises(AnirError, match="neither a path, nor bytes, nor a file opened in binary mode"):
            decode(other)
        with pytest.raises(AnirError, match="only bytes can be fed, not"):
            Decoder().feed(other)


def test_a_refused_stream_says_why_it_shows_nothing() -> None:
    decoder = Decoder()
    assert decoder.backend == "none: no bytes have arrived yet"
    with pytest.raises(AnirError, match=r"not an \.anir file"):
        decoder.feed(memoryview(b"\x89PNG\r\n\x1a\n").cast("H"))
    assert decoder.backend == "none: the image: not an .anir file"


def test_networks_of_unknown_families_are_refused() -> None:
    with pytest.raises(AnirError, match="does not know the family 'wavelets'"):
        Decoder(Network("wavelets", (8, 8), 4, {}))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("family", "tensor", "value"),
    [
        ("siren", "steps.scale", 2e36),
        ("fourier", "steps", 3e38),
        ("fourier", "head.scale", 2e36),
        ("gabor", "filters.scale", 1e18),
        ("lapped", "steps", 3e38),
        ("lapped", "head.scale", 2e36),
    ],
)
def test_numbers_whose_products_overflow_are_drawn_without_a_word(
    family: str, tensor: str, value: float
) -> None:
    network = random_network(family, 3, 16, (40, 30))
    large = np.full_like(network.tensors[tensor], value)
    decoder = Decoder(named_file(replace(network, tensors={**network.tensors, tensor: large})))
    for size in ((40, 30), (9, 7), (400, 300)):
        assert decoder.decode(size).shape == (*size[::-1], 3)


def test_error_messages_name_the_file(tmp_path: Path, path: Path) -> None:
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(AnirError, match=r"text\.onnx: not an ONNX file"):
        Decoder(tmp_path / "text.onnx")
    with pytest.raises(AnirError, match="the image: not an ONNX file"):
        Decoder(b"hello")
    with pytest.raises(AnirError, match="the image: the file is empty"):
        Decoder(b"")
    with pytest.raises(AnirError, match=r"none\.onnx: no such file"):
        Decoder(tmp_path / "none.onnx")
    with pytest.raises(AnirError, match="cannot be read"):
        Decoder(tmp_path)
    with pytest.raises(AnirError, match="cannot be read"):
        Decoder("a\0b.onnx")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a file without an end")
def test_an_endless_file_is_refused() -> None:
    with pytest.raises(AnirError, match="larger than 64 MiB"):
        Decoder("/dev/zero")


@pytest.mark.parametrize("family", ["siren", "fourier", "lapped"])
def test_decoders_share_sessions(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A family opens at most three ONNX Runtime sessions, however many files are drawn."""
    opened = list[bytes]()

    def counted(model: bytes) -> object:
        opened.append(model)
        return open_session(model)

    monkeypatch.setattr(tile_graph, "open_session", counted)
    tile_graph._opened.cache_clear()
    for seed in range(3):
        network = random_network(family, 3, 8, seed=seed)
        Decoder(named_file(network)).decode((300, 200))
        assert len(opened) <= 3


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04", "a model; anir-export writes"),
        (b"\x89PNG\r\n", "a picture; anir-train makes"),
        (b"\xff\xd8\xff\xe0", "a picture; anir-train makes"),
        (b'{"format": 1}', "a manifest; name the folder"),
    ],
)
def test_other_files_of_the_project_are_named(data: bytes, message: str) -> None:
    with pytest.raises(AnirError, match=f"the image: {message}"):
        Decoder(data)
