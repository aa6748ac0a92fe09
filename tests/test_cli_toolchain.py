import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from anir_runtime import cli as run_cli
from anir_toolchain import presets
from anir_toolchain.checkpoint import load_model, save_model
from anir_toolchain.cli import eval_main, export_main, train_main
from anir_toolchain.metrics import psnr
from anir_toolchain.model import Model
from PIL import Image

from tests.conftest import Failing

SMALL = ["--preset", "fast", "--space", "d2,3w8,16"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(presets.PRESETS, "fast", presets.Preset(30, 256, 2e-2, 0.5, 0.9))


def test_train_export_and_run_work_one_after_another(
    picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train_main([str(picture), "-o", "model.pt", *SMALL]) == 0
    assert export_main(["model.pt", "--all-subnets"]) == 0
    assert sorted(p.name for p in Path("exported/model").iterdir()) == [
        "d2w16.onnx",
        "d2w8.onnx",
        "d3w16.onnx",
        "d3w8.onnx",
        "manifest.json",
    ]
    assert run_cli.main(["exported/model/d3w16.onnx", "--size", "76x51"]) == 0
    assert Image.open("d3w16.png").size == (76, 51)
    out = capsys.readouterr().out
    for wrote in ("model.pt: picture.png, ", "exported/model: d2w8.onnx", "d3w16.png: 76x51"):
        assert wrote in out
    assert {p.name for p in Path().iterdir()} == {"picture.png", "model.pt", "exported", "d3w16.png"}


def test_pipes_are_refused_without_being_opened(fails: Failing) -> None:
    os.mkfifo("pipe")
    for main, options in ((eval_main, []), (export_main, ["--all-subnets"]), (export_main, ["-o", "a.anir"])):
        fails(main(["pipe", *options]), "pipe: neither a file nor a folder", 2)


def test_a_finished_model_is_skipped_unless_forced_or_of_other_options(
    picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [str(picture), "-o", "model.pt", *SMALL]
    assert train_main(command) == 0
    first = Path("model.pt").read_bytes()
    capsys.readouterr()
    assert train_main(command) == 0
    assert capsys.readouterr().out == "model.pt: done already; --force fits it again\n"
    assert train_main([*command, "--force"]) == 0
    assert "model.pt: picture.png, " in capsys.readouterr().out
    assert Path("model.pt").read_bytes() == first
    assert train_main([str(picture), "-o", "model.pt", *SMALL, "--bits", "8"]) == 0
    assert load_model(Path("model.pt")).bits == 8
    assert train_main([str(picture), "-o", "model.pt", *SMALL, "--preset", "fast:20"]) == 0
    assert load_model(Path("model.pt")).preset == "fast:20"


def test_training_can_write_anir_files(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train_main([str(picture), "-o", "photo.anir", *SMALL]) == 0
    assert "photo.anir: picture.png, " in capsys.readouterr().out
    assert run_cli.main(["photo.anir", "-o", "a.png"]) == 0
    assert Image.open("a.png").size == (40, 30)
    assert train_main([str(picture), "-o", "photo.anir", *SMALL]) == 0
    assert "photo.anir: done already" in capsys.readouterr().out
    Path("photos").mkdir()
    Image.open(picture).save("photos/b.png")
    assert train_main(["photos", "-o", "out", "--anir", *SMALL]) == 0
    assert [path.name for path in Path("out").iterdir()] == ["b.anir"]
    assert {p.name for p in Path().iterdir()} == {"picture.png", "photo.anir", "a.png", "photos", "out"}


def test_a_bad_picture_among_good_ones_fails_alone(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("photos/more").mkdir(parents=True)
    Image.open(picture).save("photos/a.png")
    Image.open(picture).save("photos/more/c.png")
    Path("photos/b.jpg").write_text("no picture")
    Path("photos/notes.txt").write_text("no picture, nor named so")
    assert train_main(["photos", "-o", "models", *SMALL, "--recursive"]) == 1
    said = capsys.readouterr()
    assert [line for line in said.err.splitlines() if " step " not in line] == [
        "anir-train: photos/b.jpg: not a picture that can be opened; save it as JPEG or PNG first",
        "anir-train: 1 of 3 pictures failed: photos/b.jpg",
    ]
    assert "2 fitted, 0 done before, 1 failed" in said.out
    assert sorted(str(p) for p in Path("models").rglob("*.*")) == ["models/a.pt", "models/more/c.pt"]
    Image.open(picture).save("photos/b.jpg")
    assert train_main(["photos", "-o", "models", *SMALL, "--recursive"]) == 0
    assert "1 fitted, 2 done before, 0 failed" in capsys.readouterr().out


def test_pictures_can_be_trained_in_batches(
    picture: Path, capsys: pytest.CaptureFixture[str], fails: Failing
) -> None:
    Path("photos").mkdir()
    for name in ("a", "c", "d"):
        Image.open(picture).save(f"photos/{name}.png")
    Path("photos/b.png").write_text("no picture")
    command = ["photos", "-o", "models", *SMALL, "--family", "siren", "--device", "cpu"]
    assert train_main([*command, "--batch", "2"]) == 1
    said = capsys.readouterr()
    assert "anir-train: 1 of 4 pictures failed: photos/b.png" in said.err
    assert "3 fitted, 0 done before, 1 failed" in said.out
    models = [load_model(Path(f"models/{name}.pt")) for name in ("a", "c", "d")]
    assert [model.source for model in models] == ["a.png", "c.png", "d.png"]
    weights = [model.trunks[8].weight for model in models]
    assert weights[0].equal(weights[1])
    assert weights[0].equal(weights[2])
    assert train_main([*command, "--batch", "2"]) == 1
    assert "0 fitted, 3 done before, 1 failed" in capsys.readouterr().out
    fails(train_main([*command, "--batch", "2", "--jobs", "2"]), "either --batch or --jobs or --ray", 2)
    fails(train_main([*command, "--batch", "0"]), "--batch", 2)


def test_a_picture_is_never_replaced(picture: Path, fails: Failing) -> None:
    before = picture.read_bytes()
    os.link(picture, "link.pt")
    os.symlink(picture, "soft.pt")
    for output in ("link.pt", "soft.pt"):
        fails(
            train_main([str(picture), "-o", output, *SMALL]), "is a picture, which the model would replace", 2
        )
    fails(train_main([str(picture), "-o", "picture.png", *SMALL]), "picture.png: end the name in", 2)
    Path("other.pt").write_text("mine")
    fails(train_main([str(picture), "-o", "other.pt", *SMALL]), "other.pt: is no model")
    assert (picture.read_bytes(), Path("other.pt").read_text()) == (before, "mine")


def test_transparent_and_grey_pictures_keep_their_channels_in_all_commands(picture: Path) -> None:
    y, x = np.mgrid[0:24, 0:32]
    clear = np.stack([x * 8, y * 10, x * 4 + y, np.where(x < 16, y * 10, 255)], 2).astype(np.uint8)
    Image.fromarray(clear).save("clear.png")
    Image.fromarray(clear[..., 0]).save("grey.jpg", quality=95)
    for name, mode, files in (
        ("clear.png", "RGBA", ["a.png", "a.webp"]),
        ("grey.jpg", "L", ["a.png", "a.jpg"]),
    ):
        assert train_main([name, "-o", "model.pt", "--preset", "fast", "--space", "d2,3w8", "--force"]) == 0
        assert export_main(["model.pt", "--all-subnets", "-o", "folder"]) == 0
        assert export_main(["model.pt", "-o", "model.anir"]) == 0
        assert eval_main(["folder", name]) == 0
        model = load_model(Path("model.pt"))
        assert model.colours == len(mode)
        for source in ("folder", "model.anir"):
            for file in files:
                assert run_cli.main([source, "-o", file]) == 0
                with Image.open(file) as drawn:
                    assert drawn.mode == mode
                    pixels = np.asarray(drawn).reshape(model.image.shape)
                assert psnr(pixels, model.image.numpy()) > 18


def test_a_background_is_put_behind_transparent_parts(picture: Path, fails: Failing) -> None:
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save("clear.png")
    assert train_main(["clear.png", "-o", "model.pt", *SMALL, "--background", "#102030"]) == 0
    assert load_model(Path("model.pt")).image[0, 0].tolist() == [16, 32, 48]
    fails(train_main(["clear.png", "-o", "b.pt", *SMALL, "--background", "blurple"]), "is no colour", 2)


def test_quiet_prints_nothing_and_version_only_the_version(
    picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train_main([str(picture), "-o", "model.pt", *SMALL, "--quiet"]) == 0
    assert export_main(["model.pt", "--all-subnets", "--quiet"]) == 0
    assert run_cli.main(["exported/model", "--quiet"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")
    for main in (train_main, export_main, eval_main, run_cli.main):
        assert main(["--version"]) == 0
        assert re.fullmatch(r"anir \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_control_characters_in_file_names_do_not_reach_the_terminal(
    exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (8, 8)).save("\x1b[31mred.png")
    assert train_main(["\x1b[31mred.png", "-o", "\x1bm.pt", *SMALL]) == 0
    assert train_main(["\x1b[31mnone.png", "-o", "m.pt", *SMALL]) == 1
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert "\\x1b[31mred.png" in said.out
    assert load_model(Path("\x1bm.pt")).source == "_[31mred.png"


def test_json_is_strict_even_for_a_picture_of_one_colour(capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (16, 16), (255, 255, 255)).save("plain.png")
    assert train_main(["plain.png", "-o", "model.pt", *SMALL]) == 0
    assert export_main(["model.pt", "--all-subnets"]) == 0
    capsys.readouterr()
    assert eval_main(["exported/model", "--json"]) == 0

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for text in (capsys.readouterr().out, Path("exported/model/manifest.json").read_text()):
        assert all(s["psnr"] <= 100 for s in json.loads(text, parse_constant=refuse)["subnets"])


def test_several_pictures_go_to_a_folder(picture: Path, fails: Failing) -> None:
    Image.open(picture).transpose(Image.Transpose.ROTATE_90).save("b.jpg")
    fails(train_main([str(picture), "b.jpg", "-o", "model.pt", *SMALL]), "-o is a folder", 2)
    assert train_main([str(picture), "b.jpg", "-o", "models", *SMALL]) == 0
    assert load_model(Path("models/b.pt")).image.shape == (40, 30, 3)
    assert load_model(Path("models/picture.pt")).image.shape == (30, 40, 3)
    fails(train_main([str(picture), "b.jpg", "-o", "models/b.pt", *SMALL]), "-o is a folder", 2)


def test_training_refuses_bad_input_in_one_line(picture: Path, fails: Failing) -> None:
    Path("text.png").write_text("hello")
    out = ["-o", "model.pt", *SMALL]
    fails(train_main(["none.png", *out]), "none.png: no such file")
    fails(train_main(["text.png", *out]), "not a picture")
    fails(train_main([str(picture), "-o", "text.png/model.pt", *SMALL]), "cannot be written")
    fails(train_main([str(picture)]), "--output", 2)
    fails(train_main([str(picture), *out, "--bits", "three"]), "--bits", 2)
    fails(train_main([str(picture), *out, "--bits", "5"]), "choose 4 or 8", 2)
    for space in ("8;16", "d2", "d2w", "w8d2", "d2w8,", "d2,w8", "d٣w8"):
        fails(train_main([str(picture), *out, "--space", space]), "with commas", 2)
    fails(train_main([str(picture), *out, "--space", "d2w16,8"]), "must rise")
    for preset in ("fast:", "fast:many", "fast:-3", "fast:1e4"):
        fails(train_main([str(picture), *out, "--preset", preset]), "like best:20000", 2)
    fails(train_main([str(picture), *out, "--preset", "fast:0"]), "train nothing", 2)
    fails(train_main([str(picture), *out, "--jobs", "0"]), "--jobs", 2)
    if not torch.cuda.is_available():
        fails(
            train_main([str(picture), *out, "--device", "cuda"]), "no CUDA device here; use --device cpu", 2
        )
    fails(train_main([str(picture), "-o", "a" * 300 + ".pt", *SMALL]), "File name too long")
    for name in ("models", "model.onnx"):
        fails(train_main([str(picture), "-o", name, *SMALL]), "end the name in .anir or .pt", 2)
    Path("empty").mkdir()
    fails(train_main(["empty", "-o", "models"]), "empty: no pictures in this folder; --recursive")
    Path("empty").rmdir()
    fails(
        train_main([str(picture), *out, "--family", "mlp"]),
        "no family 'mlp'; there are fourier, gabor, lapped, ",
        2,
    )
    fails(train_main([str(picture), *out, "--family", "lapped", "--space", "d2w2"]), "widths of at least 4")
    assert sorted(p.name for p in Path().iterdir()) == ["picture.png", "text.png"]


def test_export_refuses_bad_input_in_one_line(model: Model, fails: Failing) -> None:
    save_model(model, Path("model.pt"))
    Path("text.pt").write_text("hello")
    fails(export_main(["model.pt"]), "either --all-subnets or --subnet", 2)
    fails(
        export_main(["model.pt", "--all-subnets", "--subnet", "d2w16"]), "either --all-subnets or --subnet", 2
    )
    fails(export_main(["model.pt", "--subnet", "d9w16"]), "there are d2w16, d2w24")
    fails(export_main(["model.pt", "--subnet", "big"]), "like d3w64")
    fails(export_main(["text.pt", "--all-subnets"]), "not an anir checkpoint")
    fails(export_main(["model.pt", "--all-subnets", "-o", "text.pt"]), "is a file")
    assert sorted(p.name for p in Path().iterdir()) == ["model.pt", "text.pt"]


def test_subnet_can_be_given_several_times(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    save_model(model, Path("model.pt"))
    assert export_main(["model.pt", "--subnet", "d2w16", "--subnet", "d3w24", "-o", "some"]) == 0
    assert sorted(p.name for p in Path("some").iterdir()) == ["d2w16.onnx", "d3w24.onnx", "manifest.json"]
    assert "some: d2w16.onnx, d3w24.onnx and manifest.json" in capsys.readouterr().out


def test_eval_writes_a_table_json_or_a_plot(
    model: Model, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(model, Path("model.pt"))
    assert eval_main(["model.pt", "--json"]) == 0
    of_model = json.loads(capsys.readouterr().out)
    assert eval_main([str(exported), "--json"]) == 0
    of_folder = json.loads(capsys.readouterr().out)
    for data in (of_model, of_folder):
        assert len(data["subnets"]) == 16
        assert all(s.pop(time) > 0 for s in data["subnets"] for time in ("open_ms", "decode_ms"))
    assert of_model == of_folder
    assert eval_main([str(exported), "--plot", "rd.png"]) == 0
    text = capsys.readouterr().out
    assert "d5w48" in text
    assert text.count("●") == 1 + sum(s["pareto"] for s in of_model["subnets"])
    assert Image.open("rd.png").size[0] > 800


def test_eval_compares_with_another_picture(
    model: Model, exported: Path, capsys: pytest.CaptureFixture[str], fails: Failing
) -> None:
    Image.fromarray(np.full((64, 96, 3), 128, np.uint8)).save("grey.png")
    assert eval_main([str(exported), "grey.png", "--json"]) == 0
    grey = json.loads(capsys.readouterr().out)["subnets"]
    assert eval_main([str(exported), "--json"]) == 0
    own = json.loads(capsys.readouterr().out)["subnets"]
    assert all(a["psnr"] > b["psnr"] for a, b in zip(grey, own, strict=True))
    Image.new("RGB", (10, 10)).save("small.png")
    fails(eval_main([str(exported), "small.png"]), "fitted to 96x64")
    fails(eval_main([str(exported), "--plot", "rd.gif"]), "ends in .png", 2)
    fails(eval_main(["."]), "manifest.json: cannot be read")
    fails(eval_main([str(exported), "grey.png", "--plot", "grey.png"]), "name another file", 2)
    assert Image.open("grey.png").size == (96, 64)
