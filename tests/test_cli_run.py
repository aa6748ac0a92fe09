import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from anir_runtime import decode
from anir_runtime.cli import main, parse_crop
from anir_runtime.decoder import Crop
from anir_runtime.manifest import Manifest
from PIL import Image

from tests.conftest import Failing
from tests.test_onnx_graph import waves_model


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def path(exported: Path) -> str:
    return str(exported / "d4w24.onnx")


def test_without_options_the_native_size_is_drawn_into_the_current_folder(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([path]) == 0
    np.testing.assert_array_equal(np.asarray(Image.open("d4w24.png")), decode(path))
    assert "d4w24.png: 96x64" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "kind"), [("a.png", "PNG"), ("a.JPG", "JPEG"), ("new/a.webp", "WEBP")])
def test_the_suffix_determines_the_format(path: str, name: str, kind: str) -> None:
    assert main([path, "-o", name, "--size", "48x32"]) == 0
    with Image.open(name) as image:
        assert (image.format, image.size) == (kind, (48, 32))
        assert np.abs(np.asarray(image).astype(int) - decode(path, (48, 32))).mean() < 8


@pytest.mark.parametrize("crop", ["24,16,48,32", "0.25,0.25,0.5,0.5"])
def test_crops_can_be_given_in_pixels_or_fractions(path: str, crop: str) -> None:
    assert main([path, "--crop", crop, "-o", "a.png"]) == 0
    np.testing.assert_array_equal(np.asarray(Image.open("a.png")), decode(path, crop=Crop(24, 16, 48, 32)))


def test_fractions_that_add_up_to_one_stay_inside_at_every_size() -> None:
    for text in ("0.2,0.2,0.8,0.8", "0.1,0.7,0.9,0.3", "0.35,0.05,0.65,0.95"):
        for side in range(1, 3000):
            x, y, width, height = parse_crop(text, side, 3 * side)
            assert x + width <= side
            assert y + height <= 3 * side
            assert x + width > side * (1 - 1e-9)


def test_crops_that_exceed_the_border_are_not_clipped() -> None:
    """Only rounding errors are clipped; the decoder refuses crops that exceed the border by more."""
    assert parse_crop("0.2,0.2,0.81,0.8", 96, 64).width == 0.81 * 96
    assert parse_crop("1,1,96,63", 96, 64) == Crop(1, 1, 96, 63)


def test_the_neural_image_itself_is_never_overwritten(exported: Path, fails: Failing) -> None:
    shutil.copy(exported / "d2w16.onnx", "a.png")
    before = Path("a.png").read_bytes()
    fails(main(["a.png", "-o", "a.png"]), "is the neural image itself", 2)
    fails(main(["a.png"]), "is the neural image itself", 2)
    assert Path("a.png").read_bytes() == before


def test_a_file_that_differs_from_the_manifest_is_not_drawn(exported: Path, fails: Failing) -> None:
    shutil.copytree(exported, "copy")
    best = max(Manifest.load(exported).subnets, key=lambda entry: entry.psnr).file
    shutil.copy("copy/d2w16.onnx", f"copy/{best}")
    fails(main(["copy", "-o", "a.png"]), f"{best}: not the file that manifest.json describes")


def test_quiet_prints_nothing(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(exported), "-o", "a.png", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert Image.open("a.png").size == (96, 64)


def test_output_to_a_dash_is_a_png_on_stdout(path: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "anir_runtime.cli", path, "-o", "-"], capture_output=True, check=True
    )
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(done.stdout))), decode(path))


def test_a_pipe_is_read_once(path: str) -> None:
    command = [sys.executable, "-m", "anir_runtime.cli", "/dev/stdin", "-o", "a.png", "--quiet"]
    subprocess.run(command, input=Path(path).read_bytes(), check=True)
    np.testing.assert_array_equal(np.asarray(Image.open("a.png")), decode(path))


def test_the_best_subnet_of_a_folder_is_drawn(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(exported), "--max-bytes", "2000", "-o", "a.png"]) == 0
    error = capsys.readouterr().err
    name = error.split(":")[0]
    assert (exported / f"{name}.onnx").stat().st_size <= 2000
    np.testing.assert_array_equal(np.asarray(Image.open("a.png")), decode(exported / f"{name}.onnx"))


def test_graphs_are_run_only_if_trusted(fails: Failing) -> None:
    Path("waves.onnx").write_bytes(waves_model().SerializeToString())
    fails(main(["waves.onnx"]), "waves.onnx: this runtime does not know the family 'waves'")
    assert main(["waves.onnx", "--trust-graph"]) == 0
    with Image.open("waves.png") as image:
        assert image.size == (12, 8)


def test_bad_input_is_refused_in_one_line(path: str, exported: Path, fails: Failing) -> None:
    Path("mine.png").write_text("mine")
    Path("text.onnx").write_text("hello")
    fails(main(["none.onnx"]), "none.onnx: no such file")
    fails(main(["text.onnx"]), "text.onnx: not an ONNX file")
    fails(main([path, "--size", "0x0"]), "at least 1", 2)
    for size in ("abc", "10", "10x", "x", "10x-4", "1e3x5", "10x10x10", "٣x٣"):
        fails(main([path, "--size", size]), "is no size", 2)
    fails(main([path, "--size", "16385x16384"]), "over the limit")
    fails(main([path, "--size", "70000x2", "-o", "a.jpg"]), "at most 65535")
    for crop in ("1,2,3", "nan,0,1,1", "0,0,inf,1", "0,0,1e999,1", "a,b,c,d", "1,2,3,4,5"):
        fails(main([path, "--crop", crop]), "is no crop", 2)
    fails(main([path, "--crop", "0,0,97,64"]), "not inside")
    fails(main([path, "--crop", "0,0,0,5"]), "crop 0,0,0,5 is empty")
    fails(main([path, "-o", "a.gif"]), "cannot tell the format", 2)
    fails(main(["none.onnx", "-o", "a.gif"]), "cannot tell the format", 2)  # said before anything is read
    fails(main([path, "-o", "mine.png/a.png"]), "cannot be written")
    fails(main([path, "-o", "."]), "cannot tell the format", 2)
    fails(main([path, "--max-bytes", "9"]), "choose from a folder", 2)
    fails(main([str(exported), "--max-bytes", "9"]), "no subnet fits")
    fails(main(["."]), "manifest.json: cannot be read")
    fails(main([]), "required: source", 2)
    fails(main([path, "--sise", "3x3"]), "--sise", 2)
    assert sorted(p.name for p in Path().iterdir()) == ["mine.png", "text.onnx"]
    assert Path("mine.png").read_text() == "mine"
