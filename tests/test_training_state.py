from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from anir_runtime.errors import AnirError
from anir_toolchain import Config, presets, training_state
from anir_toolchain.batch import Batch
from anir_toolchain.threads import worker_threads
from anir_toolchain.training import advance, begin
from anir_toolchain.training_state import Task, load, save

from tests.lapped_pictures import waves
from tests.random_model import leaves

CONFIG = Config("lapped", preset="short", depths=(2, 3), widths=(8, 12), device="cpu")


@pytest.fixture(autouse=True)
def _short_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(presets.PRESETS, "short", presets.Preset(20, 512, 2e-2, 0.5, 0.9))


def test_a_training_resumed_from_a_file_continues_identically(tmp_path: Path) -> None:
    with worker_threads(1) as pool:
        task = Task(waves(64, 48), CONFIG, pool)
        training = begin(task)
        batch = Batch([task], [training])
        for _ in range(12):
            advance(batch)
        save(task, batch.state(0), tmp_path / "state")
        loaded = load(task, tmp_path / "state")
        assert (loaded.step, list(loaded.trainers)) == (12, [8, 12])
        assert torch.equal(loaded.check, training.check)
        for subnet, latents in training.features.latents.items():
            assert np.array_equal(loaded.features.latents[subnet].codes, latents.codes)
        other = Batch([task], [loaded])
        for _ in range(3):
            advance(batch)
            advance(other)
    for width, trunk in training.trunks.items():
        pair = (leaves(own.parameters) for own in (trunk, loaded.trunks[width]))
        assert all(torch.equal(want, got) for want, got in zip(*pair, strict=True))


def test_a_state_of_another_picture_or_other_options_is_refused(tmp_path: Path) -> None:
    picture, config = waves(24, 20), replace(CONFIG, family="siren")
    with worker_threads(1) as pool:
        task = Task(picture, config, pool)
        save(task, begin(task), tmp_path / "state")
        for image, other in (
            (255 - picture, config),
            (picture[:-1], config),
            (picture, replace(config, depths=(2,))),
            (picture, replace(config, seed=1)),
        ):
            with pytest.raises(AnirError, match="another picture or of other options"):
                load(Task(image, other, pool), tmp_path / "state")


def test_a_state_of_another_pitch_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = waves(24, 20)
    with worker_threads(1) as pool:
        task = Task(picture, CONFIG, pool)
        save(task, begin(task), tmp_path / "state")
        assert load(Task(picture, CONFIG, pool), tmp_path / "state").steps
        monkeypatch.setattr(training_state, "best_pitch", lambda *_: 48 - task.pitch)
        with pytest.raises(AnirError, match="another picture or of other options"):
            load(Task(picture, CONFIG, pool), tmp_path / "state")
