import os
import signal
from pathlib import Path

import pytest
from anir_runtime.errors import AnirError
from anir_toolchain import presets
from anir_toolchain.batch import Batch
from anir_toolchain.checkpoint import load_model
from anir_toolchain.cli import train_main
from anir_toolchain.training import advance
from anir_toolchain.training_state import Task, Training

from tests.conftest import Failing

SMALL = ["--preset", "fast", "--space", "d2,3w8,16"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(presets.PRESETS, "fast", presets.Preset(30, 256, 2e-2, 0.5, 0.9))


def test_ctrl_c_saves_a_state_from_which_training_resumes(
    picture: Path, monkeypatch: pytest.MonkeyPatch, fails: Failing
) -> None:
    command = [str(picture), "-o", "model.pt", *SMALL]

    def interrupting(batch: Batch) -> None:
        advance(batch)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("anir_toolchain.training.advance", interrupting)
    fails(train_main(command), "interrupted; the same command goes on where it stopped", 130)
    assert not Path("model.pt").exists()
    steps = []

    def counting(batch: Batch) -> None:
        steps.append(batch.step)
        advance(batch)

    monkeypatch.setattr("anir_toolchain.training.advance", counting)
    assert train_main(command) == 0
    assert steps == list(range(1, 30))
    assert not Path("model.pt.resume").exists()


def test_training_starts_anew_if_its_state_is_damaged(
    picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("model.pt.resume").write_text("damaged")
    assert train_main([str(picture), "-o", "model.pt", *SMALL]) == 0
    assert (
        "model.pt.resume: not an anir checkpoint, or a damaged one; starting anew" in capsys.readouterr().err
    )
    assert not Path("model.pt.resume").exists()


def test_training_continues_if_its_state_cannot_be_written(
    picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(task: Task, training: Training, path: Path) -> None:
        raise AnirError(f"{path}: cannot be written (No space left on device)")

    monkeypatch.setattr("anir_toolchain.training.save", full)
    assert train_main([str(picture), "-o", "model.pt", *SMALL]) == 0
    assert "model.pt.resume: cannot be written (No space left on device); going on" in capsys.readouterr().err
    assert load_model(Path("model.pt")).image.shape == (30, 40, 3)
