"""Training, from a picture to a quantized model: read it from top to bottom.

A once-for-all supernet (Cai et al. 2020) has a trunk of layers for each width, which its depths share. All
trunks learn side by side from the same random pixels: in real numbers first, then with weights that are drawn
to their codes, then with codes that stand. Latents, if the family has any, are chosen before the first step.
Heads, by least squares, come last.
"""

import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from anir_runtime.errors import AnirError, AnirWarning
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.config import Config
from anir_toolchain.heads import solve_heads
from anir_toolchain.image import checked_pixels
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.lapped_networks import choose_networks, start_from_common
from anir_toolchain.levels import embedded_levels, in_order, level_bytes
from anir_toolchain.model import Model
from anir_toolchain.progress import OnProgress, Progress, estimate_psnr
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
"""Time from one saved state to the next."""
_TILE_VALUES = 2**17
"""Pixels × channels of a forward and backward pass on a CPU: a layer's activations stay in its cache."""


def fit(
    image: NDArray[np.uint8],
    config: Config | None = None,
    *,
    source: str = "image",
    on_progress: OnProgress | None = None,
    state: Path | None = None,
) -> Model:
    """Fits a picture with a supernet and returns it quantized.

    The same picture, configuration and kind of device give the same model, on any number of threads.

    Args:
        image: uint8[H, W] or [H, W, 1], grey; [H, W, 3], RGB; or [H, W, 4], RGB and alpha. The model has
            as few channels as show the same (`image.fewest_channels`).
        config: what to fit and how.
        source: the picture's file name, kept in the model.
        on_progress: called about every second.
        state: where to keep the training's state: read first if it is there and of this picture and
            configuration, written now and then, on an interrupt and at the end. Remove it once the model is
            safe. What goes wrong with it is an AnirWarning.

    Raises:
        AnirError: if the configuration makes no sense or the array is no such picture.
        KeyboardInterrupt: after writing the state, if interrupted.
    """
    image = checked_pixels(image)
    config, report = config or Config(), on_progress or _ignore
    config.check()
    with worker_threads() as pool:
        task = Task.of(image, config, pool)
        training = _resume(task, state)
        if training is None:
            training = begin(task, report)
            _save(task, training, state)
        train(task, training, report, state)
        return to_model(task, training, source)


def _ignore(progress: Progress) -> None:
    """Reports nothing."""


def begin(task: Task, report: OnProgress = _ignore) -> Training:
    """A training before its first step: random networks, and latents if the family has any."""
    training = random_networks(task)
    if task.family.has_latents:
        # Takes seconds.
        report(Progress("codes", 0, task.preset.steps, {}))
        coefficients, is_sampled = analyse(task.image, task.colours).coefficients, is_large(task.image)
        if is_sampled:
            coefficients = sampled_coefficients(coefficients)
        levels = embedded_levels(coefficients, in_order(task.space), task.size, task.config.bits)
        training.steps = tuple(level.step for level in levels)
        latents = (level.latents for level in levels)
        training.features = features_of(
            task, latents_in_training(task, training.steps) if is_sampled else latents
        )
        for trunk in training.trunks.values():
            start_from_common(trunk)
    return training


def train(task: Task, training: Training, report: OnProgress = _ignore, state: Path | None = None) -> None:
    """Takes the training to its last step, and saves it to `state` now and then.

    Raises KeyboardInterrupt, after the step under way and after saving, when Ctrl-C is pressed.
    """
    shown = saved = time.monotonic()
    seconds = 0.0
    with deferred_interrupt() as interrupted:
        while training.step < task.preset.steps:
            advance(task, training)
            now = time.monotonic()
            if interrupted() or now - saved > _SAVE_SECONDS:
                _save(task, training, state)
                saved = now
            if interrupted():
                raise KeyboardInterrupt
            # An estimate takes as long as a few steps: seldom enough to cost a few per cent.
            if now - shown > 1 + 20 * seconds:
                report(_progress(task, training))
                shown = time.monotonic()
                seconds = shown - now
    _save(task, training, state)
    # Of networks that nothing was trained of there is nothing to say yet.
    if training.step:
        report(_progress(task, training))


def _resume(task: Task, state: Path | None) -> Training | None:
    """The training that `state` holds, if there is one of this picture and configuration."""
    if state is None or not state.exists():
        return None
    try:
        return load(task, state)
    except AnirError as error:
        warnings.warn(f"{error}; starting anew", AnirWarning, stacklevel=3)
        return None


def _save(task: Task, training: Training, state: Path | None) -> None:
    """Writes the state, if one is wanted; a full disk is no reason to stop."""
    if state is None:
        return
    try:
        save(task, training, state)
    except AnirError as error:
        warnings.warn(f"{error}; going on without", AnirWarning, stacklevel=3)


def _progress(task: Task, training: Training) -> Progress:
    phase = task.preset.phase(training.step)
    psnr = estimate_psnr(
        task.space,
        training.trunks,
        task.picture,
        training.features,
        training.check,
        quantized=phase != "fit",
    )
    return Progress(phase, training.step, task.preset.steps, psnr)


def advance(task: Task, training: Training) -> None:
    """One optimizer step of every trunk that takes part in it.

    Tiles of pixels of all trunks run side by side, each on one thread, and so do the trunks before and after.
    """
    preset, pool = task.preset, task.pool
    before, step = training.step, training.step + 1
    phase, softening, rate = preset.phase(step), preset.softening(step), preset.learning_rate(step)
    if preset.phase(before) == "fit" != phase:
        for trainer in training.trainers.values():
            trainer.begin_quantization()
    # The widest first: the pool ends sooner when the small tasks come last.
    widths = [width for width in reversed(task.space.widths) if _takes_part(task.space, width, step)]
    trainers = [training.trainers[width] for width in widths]
    index = task.picture.jittered_grid(preset.batch, training.generator)
    points = task.picture.points(index)
    parameters = list(pool.map(lambda trainer: trainer.parameters(phase, softening), trainers))
    tiles = [
        [
            pool.submit(trainer.tile_gradients, own, len(index), *tile)
            for tile in _tiles(width, *points, *training.features.of_width(width, index))
        ]
        for width, trainer, own in zip(widths, trainers, parameters, strict=True)
    ]
    updates = []
    for trainer, own, parts in zip(trainers, parameters, tiles, strict=True):
        results = [part.result() for part in parts]
        updates.append(pool.submit(trainer.update, own, results, rate))
    for update in updates:
        update.result()
    if phase == "fit":
        for trainer in trainers:
            trainer.trunk.clip_weights()
    training.step = step


def _takes_part(space: Space, width: int, step: int) -> bool:
    """Whether a trunk takes a step: beyond the two narrowest, in inverse proportion to its width."""
    share = min(1.0, space.widths[:2][-1] / width)
    return int(step * share) > int((step - 1) * share)


def _tiles(width: int, *parts: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Tensors of a value for each pixel, split into tiles of _TILE_VALUES on a CPU, into one elsewhere."""
    size = len(parts[0])
    if parts[0].device.type == "cpu":
        size = min(size, _TILE_VALUES // width)
    return zip(*(torch.split(part, max(1, size)) for part in parts), strict=True)


@torch.no_grad()
def to_model(task: Task, training: Training, source: str) -> Model:
    """The trained networks as codes, with heads by least squares; common networks where these serve."""
    trunks = training.trunks
    if task.family.has_latents:
        order = in_order(task.space)
        ends = dict(zip(order, level_bytes(len(order), task.size), strict=True))
        quantized = choose_networks(
            trunks, training.step > 0, task.picture, task.colours, training.features, ends
        )
    else:
        quantized = {}
        for width, trunk in trunks.items():
            heads = solve_heads(trunk, trunk.quantized(), task.picture, training.features)
            quantized[width] = trunk.to_codes(*heads)
    return Model(
        family_name=task.config.family,
        bits=task.config.bits,
        space=task.space,
        preset=task.config.schedule_name,
        seed=task.config.seed,
        source=source,
        image=torch.from_numpy(task.image.copy()),
        trunks=quantized,
        steps=training.steps,
    )
