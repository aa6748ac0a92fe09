"""Training, from a picture to a quantized model; the module is meant to be read from top to bottom.

A once-for-all supernet (Cai et al. 2020) has one trunk of layers for each width, shared by all its depths.
All trunks learn side by side from the same random pixels: first in real numbers, then with weights that are
gradually pulled towards their codes, finally with frozen codes. Latents, if the family has any, are computed
before the first step. The heads are solved by least squares at the end.
"""

import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from anir_runtime.errors import AnirError, AnirWarning
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.batch import Batch, batches
from anir_toolchain.config import Config
from anir_toolchain.estimate import estimate_psnr
from anir_toolchain.finishing import to_model, untrained_model
from anir_toolchain.image import checked_pixels
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.lapped_networks import start_from_common
from anir_toolchain.levels import level_order, refined_levels
from anir_toolchain.model import Model
from anir_toolchain.progress import OnProgress, Progress, ignore
from anir_toolchain.sample import is_large, sampled_coefficients
from anir_toolchain.space import Space
from anir_toolchain.threads import deferred_interrupt, worker_threads
from anir_toolchain.training_state import (
    Task,
    Training,
    features_of,
    latents_in_training,
    load,
    random_networks,
    save,
)

_SAVE_SECONDS = 30.0
"""Seconds between two saves of the training's state."""
_TILE_VALUES = 2**17
"""Pixels × channels of one forward and backward pass on a CPU: few enough that activations stay in cache."""


@dataclass(frozen=True)
class Subject:
    """A picture to be fitted.

    Attributes:
        image: uint8[H, W] or [H, W, 1], grey; [H, W, 3], RGB; or [H, W, 4], RGB and alpha. Channels that
            carry no information are dropped (`image.fewest_channels`).
        source: the picture's file name, stored in the model.
        state: file for the training's state. It is resumed from if it exists and belongs to this picture and
            configuration, and is written every half minute, on an interrupt and at the end. Delete it once
            the model has been saved. Failures to read or write it are issued as AnirWarning.
        on_progress: called about every second.
    """

    image: NDArray[np.uint8]
    source: str = "image"
    state: str | PathLike[str] | None = None
    on_progress: OnProgress = ignore


def fit(
    image: NDArray[np.uint8],
    config: Config | None = None,
    *,
    source: str = "image",
    on_progress: OnProgress = ignore,
    state: str | PathLike[str] | None = None,
) -> Model:
    """Fits a supernet to a picture and returns it quantized; equivalent to `fit_batch` with one `Subject`."""
    (model,) = fit_batch([Subject(image, source, state, on_progress)], config)
    return model


def fit_batch(subjects: Sequence[Subject], config: Config | None = None) -> list[Model]:
    """Fits one supernet to each picture and returns the quantized models, in the order of the pictures.

    Pictures of equal proportions whose networks have equal shapes are trained as one batch. This is faster on
    a GPU; on a CPU it takes as long as training them one by one. On a CPU, the same picture and configuration
    give the same model, bit for bit, whatever the number of threads and the batch. On a GPU models are only
    about equal, as sums over tensors of other shapes may be rounded differently.

    Args:
        subjects: the pictures.
        config: the family of networks, their sizes and the schedule; the default `Config` if None.

    Raises:
        AnirError: if the configuration is invalid or an array is not a picture.
        KeyboardInterrupt: if interrupted, after the states have been written.
    """
    config = config or Config()
    config.check()
    if torch.get_default_dtype() != torch.float32:
        raise AnirError("torch's default dtype is not float32; set it to that for training")
    if config.torch_device().type == "cuda":
        # torch loads its CUDA solvers at first use, which is not thread-safe: force it here.
        torch.linalg.eigh(torch.eye(2, device="cuda"))
    # Within torch.inference_mode nothing could be trained.
    with torch.inference_mode(False), worker_threads() as pool:
        tasks = [_task(own, config, pool) for own in subjects]
        models = [untrained_model(task) for task in tasks]
        left = [task for task, model in zip(tasks, models, strict=True) if model is None]
        trainings = [_resume(task) or _started(task) for task in left]
        for batch in batches(left, trainings):
            train(batch)
        trained = map(to_model, left, trainings)
        return [model or next(trained) for model in models]


def _task(subject: Subject, config: Config, pool: Executor) -> Task:
    """Returns what a subject's training works on. Raises AnirError if its array is not a picture."""
    state = None if subject.state is None else Path(subject.state)
    pixels = checked_pixels(subject.image)
    return Task(pixels, config, pool, str(subject.source), state, subject.on_progress)


def begin(task: Task) -> Training:
    """Returns a training before its first step: random networks, and latents if the family has any."""
    training = random_networks(task)
    if task.family.has_latents:
        # Reported, as this takes seconds.
        task.report(Progress("codes", 0, task.preset.steps, {}))
        coefficients = analyse(task.image, task.pitch, task.colours).coefficients
        sample = sampled_coefficients(coefficients, task.size) if is_large(task.image) else None
        refined = refined_levels(coefficients, level_order(task.space), task.size, task.config.bits, sample)
        levels = [(level.step, level.latents()) for level in refined]
        training.steps = tuple(step for step, _ in levels)
        latents = (own for _, own in levels) if sample is None else latents_in_training(task, training.steps)
        training.features = features_of(task, latents)
        for trunk in training.trunks.values():
            start_from_common(trunk)
    return training


def train(batch: Batch) -> None:
    """Runs the trainings of a batch to their last step, and saves them every `_SAVE_SECONDS`.

    On Ctrl-C it finishes the current step, saves, and raises KeyboardInterrupt.
    """
    shown = saved = time.monotonic()
    seconds = 0.0
    with deferred_interrupt() as interrupted:
        while batch.step < batch.tasks[0].preset.steps:
            advance(batch)
            now = time.monotonic()
            if interrupted() or now - saved > _SAVE_SECONDS:
                _save_all(batch)
                saved = now
            if interrupted():
                raise KeyboardInterrupt
            # An estimate takes as long as a few steps; this spacing keeps it below about 5 % of the time.
            if now - shown > 1 + 20 * seconds:
                _report(batch)
                shown = time.monotonic()
                seconds = shown - now
    _save_all(batch)
    # Untrained networks have no meaningful PSNR.
    if batch.step:
        _report(batch)


def _resume(task: Task) -> Training | None:
    """Loads the saved training of this picture and configuration; None if there is none."""
    if task.state is None or not task.state.exists():
        return None
    try:
        return load(task, task.state)
    except AnirError as error:
        warnings.warn(f"{error}; starting anew", AnirWarning, stacklevel=3)
        return None


def _started(task: Task) -> Training:
    """Begins a training and saves it at once, as computing the latents takes seconds."""
    training = begin(task)
    _save(task, training)
    return training


def _save_all(batch: Batch) -> None:
    for i, task in enumerate(batch.tasks):
        _save(task, batch.state(i))


def _save(task: Task, training: Training) -> None:
    """Writes the state, if a file was named for it; a failure, such as a full disk, is only a warning."""
    if task.state is None:
        return
    try:
        save(task, training, task.state)
    except AnirError as error:
        warnings.warn(f"{error}; going on without", AnirWarning, stacklevel=3)


def _report(batch: Batch) -> None:
    """Reports each picture's progress, with its estimated PSNR."""
    for task, training in zip(batch.tasks, batch.trainings, strict=True):
        phase = task.preset.phase(batch.step)
        psnr = estimate_psnr(task, training, quantized=phase != "fit")
        task.report(Progress(phase, batch.step, task.preset.steps, psnr))


def advance(batch: Batch) -> None:
    """Takes one optimizer step with every trunk that is due for one.

    Gradients are computed in parallel over trunks and tiles of pixels; parameters are quantized beforehand,
    and updated afterwards, in parallel over trunks.
    """
    task = batch.tasks[0]
    preset, pool = task.preset, task.pool
    before, step = batch.step, batch.step + 1
    phase, softening, rate = preset.phase(step), preset.softening(step), preset.learning_rate(step)
    if preset.phase(before) == "fit" != phase:
        for trainer in batch.trainers.values():
            trainer.begin_quantization()
    standing = task.family.has_roots and preset.frequencies_are_frozen(step)
    if standing and not preset.frequencies_are_frozen(before):
        for trainer in batch.trainers.values():
            trainer.trunk.round_frequencies()
    # The widest first: the pool's threads finish closer together when the small tasks come last.
    widths = [width for width in reversed(task.space.widths) if _takes_part(task.space, width, step)]
    trainers = [batch.trainers[width] for width in widths]
    index = batch.pictures.jittered_grid(batch.generator)
    points = batch.pictures.points(index)
    parameters = list(pool.map(lambda trainer: trainer.parameters(phase, softening), trainers))
    tiles = [
        [
            pool.submit(trainer.tile_gradients, own, index.shape[1], *tile)
            for tile in _tiles(width, *points, *_features(batch, width, index))
        ]
        for width, trainer, own in zip(widths, trainers, parameters, strict=True)
    ]
    updates = []
    for trainer, own, parts in zip(trainers, parameters, tiles, strict=True):
        results = [part.result() for part in parts]
        updates.append(pool.submit(trainer.update, own, results, rate, standing))
    for update in updates:
        update.result()
    if phase == "fit":
        for trainer in trainers:
            trainer.trunk.clip_weights()
    batch.step = step


def _takes_part(space: Space, width: int, step: int) -> bool:
    """Whether a trunk takes a step: the two narrowest always, wider ones in a share that is ∝ 1 / width."""
    share = min(1.0, space.widths[:2][-1] / width)
    return int(step * share) > int((step - 1) * share)


def _features(batch: Batch, width: int, index: Tensor) -> list[Tensor]:
    """Returns each depth's latent features at pixels int64[P, N], float32[P, N, n]; [] without latents."""
    each = [
        training.features.of_width(width, own) for training, own in zip(batch.trainings, index, strict=True)
    ]
    return [torch.stack(own) for own in zip(*each, strict=True)]


def _tiles(width: int, *parts: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Splits tensors [P, N, ...] along the points, into tiles of _TILE_VALUES on a CPU, into one on a GPU."""
    size = parts[0].shape[1]
    if parts[0].device.type == "cpu":
        size = min(size, _TILE_VALUES // width)
    return zip(*(torch.split(part, max(1, size), dim=1) for part in parts), strict=True)
