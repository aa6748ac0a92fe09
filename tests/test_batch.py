from dataclasses import replace

import numpy as np
import pytest
import torch
from anir_toolchain import Config, presets
from anir_toolchain.batch import Batch, batches, most_pictures, shape_of
from anir_toolchain.threads import worker_threads
from anir_toolchain.training import advance, begin
from anir_toolchain.training_state import Task
from numpy.typing import NDArray

from tests.lapped_pictures import waves

CONFIG = Config("siren", preset="short", depths=(2,), widths=(4, 8), device="cpu")


@pytest.fixture(autouse=True)
def _short_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(presets.PRESETS, "short", presets.Preset(20, 384, 2e-2, 0.5, 0.9))


def _blank(width: int, height: int, colours: int = 3) -> NDArray[np.uint8]:
    return np.zeros((height, width, colours), np.uint8)


def test_equal_proportions_colours_and_widths_have_equal_shapes() -> None:
    shape = shape_of(_blank(96, 64), CONFIG)
    assert shape == shape_of(_blank(64, 96), CONFIG) == shape_of(_blank(960, 640), CONFIG)
    assert shape != shape_of(_blank(80, 80), CONFIG)
    assert shape != shape_of(_blank(96, 64, 1), CONFIG)
    by_size = replace(CONFIG, widths=None)
    assert shape_of(_blank(960, 640), by_size) != shape_of(_blank(768, 512), by_size)


def test_trainings_of_different_steps_or_shapes_form_separate_batches() -> None:
    pictures = [waves(96, 64), waves(64, 96), waves(64, 64), waves(96, 64)[::-1].copy()]
    with worker_threads(1) as pool:
        tasks = [Task(picture, CONFIG, pool) for picture in pictures]
        trainings = [begin(task) for task in tasks]
        ahead = Batch([tasks[3]], [trainings[3]])
        advance(ahead)
        trainings[3] = ahead.state(0)
        numbers = {id(task): i for i, task in enumerate(tasks)}
        groups = [[numbers[id(task)] for task in batch.tasks] for batch in batches(tasks, trainings)]
    assert groups == [[0, 1], [2], [3]]


def test_advancing_a_batch_advances_its_trainings() -> None:
    with worker_threads(1) as pool:
        tasks = [Task(picture, CONFIG, pool) for picture in (waves(96, 64), waves(64, 96))]
        batch = Batch(tasks, [begin(task) for task in tasks])
        before = batch.trainings[1].trunks[8].parameters["head"].clone()
        for _ in range(2):
            advance(batch)
    assert [training.step for training in batch.trainings] == [2, 2]
    own = batch.trainings[1].trunks[8].parameters["head"]
    assert not torch.equal(own, before)
    assert torch.equal(own, batch.trainers[8].trunk.parameters["head"][1])


def test_batches_fill_half_of_the_devices_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    image = _blank(768, 512)
    assert most_pictures(image, CONFIG) == 1
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    gpu = Config("siren", preset="fast", device="cuda")
    # 4096 points × 5 layers × (48 + 64 + 96 + 128) channels × 32 numbers of 4 bytes, and the pixels.
    needed = 4096 * 5 * 336 * 32 * 4 + 768 * 512 * 3
    for free, most in ((20 * needed, 10), (20 * needed - 1, 9), (needed, 1), (1000 * needed, 64)):
        monkeypatch.setattr("torch.cuda.mem_get_info", lambda free=free: (free, 2**50))
        assert most_pictures(image, gpu) == most
    assert most_pictures(image, replace(gpu, family="lapped")) == 1
    assert most_pictures(image, replace(gpu, device="cpu")) == 1
