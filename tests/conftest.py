import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from anir_toolchain.model import Model
from anir_toolchain.onnx_export import export
from PIL import Image

from tests.random_model import random_model

# The networks are so small that several threads would only wait for one another.
torch.set_num_threads(1)
# A shell starts background jobs with interrupts ignored, but tests send interrupts (Ctrl-C).
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def model() -> Model:
    return random_model()


@pytest.fixture(scope="session")
def exported(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with all sixteen subnets of the random model."""
    directory = tmp_path_factory.mktemp("exported")
    export(model, directory)
    return directory


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Returns a small colourful PNG of 40×30 pixels."""
    y, x = np.mgrid[0:30, 0:40]
    pixels = np.stack([x * 6, y * 8, 128 + 100 * np.sin(x / 5 + y / 9)], axis=-1).astype(np.uint8)
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    return path


Failing = Callable[[int, str], None]


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Failing:
    """Returns a check that a command gave an exit code and printed one line of error with given words."""

    def check(code: int, words: str, expected: int = 1) -> None:
        error = capsys.readouterr().err
        assert code == expected, error
        assert words in error
        lines = [
            line for line in error.splitlines() if " step " not in line
        ]  # others are of the progress bar
        assert len(lines) == 1, error
        assert "Traceback" not in error

    return check
