"""Tests the evaluation of the levels of `.anir` files; for that of subnets, see test_cli_toolchain.py."""

import json
import shutil
from pathlib import Path

import pytest
from anir_runtime import AnirError, Decoder
from anir_toolchain.cli import eval_main
from anir_toolchain.evaluate import as_dict, evaluate_levels
from anir_toolchain.level_file import LevelFile
from anir_toolchain.metrics import psnr
from PIL import Image

from tests.conftest import Failing
from tests.vectors.anir import anir_file


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("photo.anir").write_bytes(anir_file("lapped"))
    return Path("photo.anir")


def test_rows_have_the_bytes_and_quality_that_the_header_states(path: Path) -> None:
    levels = LevelFile.read(path)
    rows = evaluate_levels(levels)
    assert [(row.name, row.bytes, row.psnr) for row in rows] == [
        (level.name, level.end, level.psnr[0]) for level in levels.complete
    ]
    assert [row.bpp for row in rows] == [level.end * 8 / (75 * 52) for level in levels.complete]
    assert all(row.pareto and row.open_ms > 0 and row.decode_ms > 0 for row in rows)
    data = as_dict(rows, levels.header)
    assert (data["family"], data["bits"], data["source"]) == ("lapped", 4, {"width": 75, "height": 52})
    assert "payload_bpp" not in data["subnets"][0]


def test_quality_is_measured_against_a_given_picture(path: Path) -> None:
    levels = LevelFile.read(path)
    third = Decoder(levels.data[: levels.complete[2].end]).decode()
    rows = evaluate_levels(levels, third)
    assert rows[2].psnr == 100
    assert [row.pareto for row in rows][2:] == [True, False]
    for row, level in zip(rows, levels.complete, strict=True):
        assert row.psnr == psnr(Decoder(levels.data[: level.end]).decode(), third)
    with pytest.raises(AnirError, match="the picture is 52x75, the subnets were fitted to 75x52"):
        evaluate_levels(levels, third.transpose(1, 0, 2))


def test_anir_eval_tabulates_and_plots_levels(
    path: Path, capsys: pytest.CaptureFixture[str], fails: Failing
) -> None:
    assert eval_main(["photo.anir", "--plot", "rd.svg"]) == 0
    table = capsys.readouterr().out
    assert "photo.anir: lapped, 4 bits" in table
    assert "d4w20" in table
    assert "payload" not in table
    assert Path("rd.svg").read_text().count("<use ") >= 4
    levels = LevelFile.read(path)
    Image.fromarray(Decoder(path).decode()).save("same.png")
    path.write_bytes(levels.data[: levels.complete[1].end + 9])
    assert eval_main(["photo.anir", "same.png"]) == 0
    assert "photo.anir: lapped, 4 bits, 2 of 4 levels" in capsys.readouterr().out
    assert eval_main(["photo.anir", "same.png", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)["subnets"]] == ["d2w5", "d3w5"]
    fails(eval_main(["photo.anir", "--plot", "photo.anir"]), "a plot's name ends in", 2)
    path.write_bytes(levels.data[:60])
    fails(eval_main(["photo.anir"]), "photo.anir: ends after 60 bytes, before its first picture")


@pytest.mark.parametrize(
    "name", ["$a_{$", "\\frac", "\udcff\x1b", "漢字 \N{GRINNING FACE}", "[bold]", "<b>&"]
)
def test_plots_have_titles_of_any_name(
    name: str, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / f"{name}.anir"
    shutil.copy(path, copy)
    assert eval_main([str(copy), "--plot", str(tmp_path / "rd.svg")]) == 0
    assert (tmp_path / "rd.svg").read_text().rstrip().endswith("</svg>")
    assert capsys.readouterr().err == ""
