from pathlib import Path

import numpy as np
import pytest
from anir_runtime import Decoder
from anir_runtime.anir_file import AnirFile
from anir_runtime.anir_header import FAMILIES
from anir_runtime.errors import AnirError
from anir_runtime.manifest import Manifest, Source
from anir_toolchain.checkpoint import save_model
from anir_toolchain.cli import export_main
from anir_toolchain.level_file import LevelFile, is_anir
from anir_toolchain.onnx_export import export, export_levels

from tests.conftest import Failing
from tests.flat_file import flat_file
from tests.pixels import assert_same_pixels
from tests.random_model import random_model
from tests.vectors.anir import anir_file


@pytest.fixture(params=FAMILIES)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Returns a file of four levels of two widths: d2w5, d3w5, and wider ones of depths 2 and 4."""
    (tmp_path / "photo.anir").write_bytes(anir_file(request.param))
    return tmp_path / "photo.anir"


@pytest.fixture
def lapped(tmp_path: Path) -> Path:
    (tmp_path / "photo.anir").write_bytes(anir_file("lapped"))
    return tmp_path / "photo.anir"


def test_onnx_files_of_levels_draw_the_same_as_the_levels(path: Path, tmp_path: Path) -> None:
    wide = LevelFile.read(path).complete[-1].channels
    levels = LevelFile.read(path)
    manifest = export_levels(levels, tmp_path / "out")
    assert Manifest.load(tmp_path / "out") == manifest
    assert [entry.name for entry in manifest.subnets] == ["d2w5", f"d2w{wide}", "d3w5", f"d4w{wide}"]
    assert [entry.psnr for entry in manifest.subnets] == [20.25, 22.25, 21.25, 23.25]
    assert manifest.source == Source(75, 52)
    data = path.read_bytes()
    for level in levels.header.levels:
        file = tmp_path / "out" / f"{level.name}.onnx"
        want = Decoder(data[: level.end]).decode()
        np.testing.assert_array_equal(Decoder(file).decode(), want)
        assert_same_pixels(Decoder(file, trust_graph=True).decode(), want)


@pytest.mark.parametrize("family", ["siren", "fourier", "gabor"])
def test_onnx_files_of_levels_are_those_of_the_model(
    family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = random_model(family)
    save_model(model, tmp_path / "model.pt")
    assert export_main([str(tmp_path / "model.pt"), "-o", str(tmp_path / "photo.anir")]) == 0
    names = [subnet.name for subnet in model.space.subnets[:3]]
    export(model, tmp_path / "one", model.space.subnets[:3])
    chosen = [f"--subnet={name}" for name in names]
    assert export_main([str(tmp_path / "photo.anir"), *chosen, "-o", str(tmp_path / "other")]) == 0
    assert f"{tmp_path / 'other'}: d2w16.onnx, d2w24.onnx, d2w32.onnx and" in capsys.readouterr().out
    for name in names:
        one, other = ((tmp_path / folder / f"{name}.onnx").read_bytes() for folder in ("one", "other"))
        assert one == other


def test_only_complete_levels_of_a_truncated_file_are_exported(
    lapped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: Failing
) -> None:
    monkeypatch.chdir(tmp_path)
    data = lapped.read_bytes()
    ends = [level.end for level in LevelFile.read(lapped).complete]
    lapped.write_bytes(data[: ends[2] + 5])
    fails(
        export_main(["photo.anir", "--all-subnets"]),
        f"photo.anir: ends after {ends[2] + 5} of {ends[3]} bytes, with 3 of 4 levels; fetch the rest of it",
    )
    fails(export_main(["photo.anir", "--subnet", "d4w20"]), "no level 'd4w20'; there are d2w5, d3w5, d2w20")
    assert not Path("exported").exists()
    assert export_main(["photo.anir", "--subnet", "d3w5"]) == 0
    assert {path.name for path in Path("exported/photo").iterdir()} == {"d3w5.onnx", "manifest.json"}


def test_bad_files_are_refused_and_nothing_is_written(
    lapped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: Failing
) -> None:
    monkeypatch.chdir(tmp_path)
    good = lapped.read_bytes()
    start = LevelFile.read(lapped).complete[1].end
    damaged = good[: start + 3] + bytes([good[start + 3] ^ 255]) + good[start + 4 :]
    for data, words in (
        (damaged, "photo.anir: is damaged in its level 3; fetch it again"),
        (b"", "photo.anir: ends after 0 bytes, before its first picture; fetch more of it"),
        (good[:20], "photo.anir: ends after 20 bytes, before its first picture"),
        (b"PK" + good, "photo.anir: not an .anir file"),
    ):
        lapped.write_bytes(data)
        fails(export_main(["photo.anir", "--all-subnets"]), words)
    fails(export_main(["photo.anir", "-o", "b.anir"]), "photo.anir is an .anir file already", 2)
    fails(export_main(["none.anir", "--all-subnets"]), "none.anir: no such file")
    fails(export_main(["photo.anir"]), "say either --all-subnets or --subnet", 2)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [lapped]


def test_levels_are_read_in_order_or_by_name(path: Path) -> None:
    wide = LevelFile.read(path).complete[-1].channels
    levels, file = LevelFile.read(path), AnirFile(path.read_bytes())
    assert [level.name for level, _ in levels.networks({"d3w5", f"d4w{wide}"})] == ["d3w5", f"d4w{wide}"]
    for number, (level, network) in enumerate(levels.networks()):
        assert level == levels.complete[number]
        assert network.name == level.name == file.network(number).name
    with pytest.raises(AnirError, match=f"no level 'd9w9'; there are d2w5, d3w5, d2w{wide}, d4w{wide}"):
        levels.check_names(["d9w9"])


def test_a_levels_prefix_has_at_least_the_bytes_that_readers_require(tmp_path: Path) -> None:
    (tmp_path / "flat.anir").write_bytes(flat_file())
    levels = LevelFile.read(tmp_path / "flat.anir")
    first = levels.complete[0]
    assert Decoder(levels.data[: first.end]).backend.startswith("preview")
    decoder = Decoder(levels.prefix(first))
    assert decoder.decode((8, 4)).shape == (4, 8, 3)
    assert decoder.backend.startswith("direct")


def test_an_anir_file_is_recognized_by_its_name_or_its_first_bytes(lapped: Path, tmp_path: Path) -> None:
    assert is_anir(lapped)
    assert is_anir(lapped.rename(tmp_path / "photo.bin"))
    assert is_anir(tmp_path / "none.ANIR")
    (tmp_path / "folder.anir").mkdir()
    (tmp_path / "model.pt").write_bytes(b"PK")
    assert not any(map(is_anir, (tmp_path / "folder.anir", tmp_path / "model.pt", tmp_path / "none.pt")))
