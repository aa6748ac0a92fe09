"""Fitting a picture, with progress, interrupts and resuming: from pixels to a Model."""

import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from anir_runtime.errors import AnirError, AnirWarning
from numpy.typing import NDArray

from anir_toolchain.checkpoint import Model
from anir_toolchain.config import Config
from anir_toolchain.finish import finish
from anir_toolchain.fitting import Fitting, Progress
from anir_toolchain.refine import is_due, refine_roughly

_SAVE_SECONDS = 30.0
OnProgress = Callable[[Progress], None]


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
        image: uint8[H, W, 3], RGB.
        config: what to fit and how.
        source: the picture's file name, kept in the model.
        on_progress: called about every second.
        state: where to keep the training's state: read first if it is there and of this picture and
            configuration, written now and then, on an interrupt and at the end. Remove it once the model is
            safe. What goes wrong with it is an AnirWarning.

    Raises:
        AnirError: if the configuration makes no sense.
        KeyboardInterrupt: after writing the state, if interrupted.
    """
    config, on_progress = config or Config(), on_progress or (lambda _: None)
    config.check()
    with _pool() as pool:
        fitting = Fitting(image, config, pool)
        if not _restore(fitting, state):
            if fitting.kind.has_latents:
                # Takes seconds, in a large picture a minute.
                on_progress(Progress("codes", 0, fitting.preset.steps, {}))
                fitting.choose_codes(image)
            _save(fitting, state)
        _run(fitting, on_progress, state)
        return finish(fitting, image, source)


def _run(fitting: Fitting, on_progress: OnProgress, state: Path | None) -> None:
    shown = saved = time.monotonic()
    with _deferred_interrupt() as interrupted:
        while fitting.step < fitting.preset.steps:
            if is_due(fitting):
                on_progress(replace(fitting.progress(), phase="codes"))
                refine_roughly(fitting)
            fitting.advance()
            now = time.monotonic()
            if interrupted() or now - saved > _SAVE_SECONDS:
                _save(fitting, state)
                saved = now
            if interrupted():
                raise KeyboardInterrupt
            # Measuring takes as long as a few steps: seldom enough to cost a few per cent.
            if now - shown > 1 + 20 * fitting.check_seconds:
                on_progress(fitting.progress())
                shown = time.monotonic()
    _save(fitting, state)
    last = fitting.progress()
    on_progress(last)
    if fitting.kind.has_latents:
        on_progress(replace(last, phase="codes"))


def _restore(fitting: Fitting, state: Path | None) -> bool:
    """Goes on from a state, if there is one of this picture and configuration."""
    if state is None or not state.exists():
        return False
    try:
        fitting.restore(state)
    except AnirError as error:
        warnings.warn(f"{error}; starting anew", AnirWarning, stacklevel=3)
        return False
    return True


def _save(fitting: Fitting, state: Path | None) -> None:
    """Writes the state, if one is wanted; a full disk is no reason to stop."""
    if state is None:
        return
    try:
        fitting.save(state)
    except AnirError as error:
        warnings.warn(f"{error}; going on without", AnirWarning, stacklevel=4)


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    """As many threads as torch has, each running torch operations alone.

    Small operations gain little from several threads, which wait for one another badly on a busy machine.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # Told in each thread: OpenMP keeps the number per thread.
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Lets Ctrl-C end a step first: yields a function that tells whether it was pressed."""
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    previous = signal.signal(signal.SIGINT, lambda *_: pressed.set())
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, previous)
