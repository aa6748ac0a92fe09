import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from anir_runtime import cli as run_cli
from anir_toolchain import presets
from anir_toolchain.checkpoint import load_model, save_model
from anir_toolchain.cli import eval_main, export_main, train_main
from anir_toolchain.model import Model
from anir_toolchain.training import Task, Training, advance
from PIL import Image

from tests.conftest import Failing

SMALL = ["--preset", "fast", "--depths", "2,3", "--widths", "8,16"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(presets.PRESETS, "fast", presets.Preset(30, 256, 2e-2, 0.5, 0.9, 2))


def test_the_three_commands_as_written(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
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
    for wrote in ("model.pt: 4 subnets of picture.png", "exported/model: d2w8.onnx", "d3w16.png: 76x51"):
        assert wrote in out
    assert not list(Path().glob("**/*.part"))
    assert not Path("model.pt.resume").exists()


def test_several_pictures_go_to_a_folder(picture: Path, fails: Failing) -> None:
    Image.open(picture).transpose(Image.Transpose.ROTATE_90).save("b.jpg")
    assert train_main([str(picture), "b.jpg", "-o", "models", *SMALL]) == 0
    assert load_model(Path("models/b.pt")).image.shape == (40, 30, 3)
    assert load_model(Path("models/picture.pt")).image.shape == (30, 40, 3)
    fails(train_main([str(picture), "b.jpg", "-o", "models/b.pt", *SMALL]), "-o is a folder", 2)
    Image.open("b.jpg").save("b.png")
    fails(train_main(["b.png", "b.jpg", "-o", "more", *SMALL]), "train them apart", 2)


def test_ctrl_c_keeps_a_state_that_resume_goes_on_from(
    picture: Path, monkeypatch: pytest.MonkeyPatch, fails: Failing
) -> None:
    command = [str(picture), "-o", "model.pt", *SMALL]

    def interrupting(task: Task, training: Training) -> None:
        advance(task, training)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("anir_toolchain.training.advance", interrupting)
    fails(train_main(command), "--resume goes on from model.pt.resume")
    monkeypatch.setattr("anir_toolchain.training.advance", advance)
    assert not Path("model.pt").exists()
    fails(train_main(command), "left from an interrupted run")
    fails(train_main([*command, "--resume", "--seed", "5"]), "of other options")
    fails(train_main([*command, "--resume", "--steps", "40"]), "of other options")
    assert train_main([*command, "--resume"]) == 0
    assert Path("model.pt").exists()
    assert not Path("model.pt.resume").exists()


def test_training_refuses_bad_input_in_one_line(picture: Path, fails: Failing) -> None:
    Path("text.png").write_text("hello")
    out = ["-o", "model.pt", *SMALL]
    fails(train_main(["none.png", *out]), "none.png: no such file")
    fails(train_main(["text.png", *out]), "not a picture")
    fails(train_main([str(picture), "-o", "text.png/model.pt", *SMALL]), "cannot be written")
    fails(train_main([str(picture)]), "--output", 2)
    fails(train_main([str(picture), *out, "--bits", "three"]), "--bits", 2)
    fails(train_main([str(picture), *out, "--bits", "5"]), "choose 4 or 8")
    fails(train_main([str(picture), *out, "--widths", "8;16"]), "with commas", 2)
    fails(train_main([str(picture), *out, "--widths", "16,8"]), "must rise")
    fails(train_main([str(picture), *out, "--family", "mlp"]), "there are fourier, gabor, lapped, siren")
    fails(train_main([str(picture), *out, "--family", "lapped", "--widths", "2"]), "widths of at least 4")
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


def test_subnets_by_name_are_repeatable(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    save_model(model, Path("model.pt"))
    assert export_main(["model.pt", "--subnet", "d2w16", "--subnet", "d3w24", "-o", "some"]) == 0
    assert sorted(p.name for p in Path("some").iterdir()) == ["d2w16.onnx", "d3w24.onnx", "manifest.json"]
    assert "some: d2w16.onnx, d3w24.onnx and manifest.json" in capsys.readouterr().out


def test_eval_as_text_json_and_plot(model: Model, exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_model(model, Path("model.pt"))
    assert eval_main(["model.pt", "--json"]) == 0
    of_model = json.loads(capsys.readouterr().out)
    assert eval_main([str(exported), "--json"]) == 0
    of_folder = json.loads(capsys.readouterr().out)
    for data in (of_model, of_folder):
        assert len(data["subnets"]) == 16
        assert all(s.pop("decode_ms") > 0 for s in data["subnets"])
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
