"""Carries out jobs: reads pictures, fits them one by one or in batches, and writes the results."""

import time
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import mean
from typing import TYPE_CHECKING

import numpy as np
from anir_runtime.errors import AnirError, AnirWarning
from anir_runtime.manifest import plain_name
from numpy.typing import NDArray

from anir_toolchain.anir_export import export_anir, export_instant
from anir_toolchain.display import Display
from anir_toolchain.image import load_image
from anir_toolchain.instant import instant_space, training_would_help
from anir_toolchain.jobs import (
    Job,
    Options,
    Outcome,
    is_done,
    refuse_foreign_target,
    remove_state,
    remove_state_of_done,
)
from anir_toolchain.lock import locked
from anir_toolchain.progress import OnProgress, Progress
from anir_toolchain.space import Space

if TYPE_CHECKING:
    # Imports torch, which is slow to load and needed for training alone.
    from anir_toolchain.model import Model

_WAITING_BYTES = 2**30
"""Largest total of `_Open.bytes` of pictures that wait for others to form a batch."""
_OVERHEAD = 2**23
"""Bytes that a waiting picture counts for besides its pixels, which limits the number of small pictures."""
_ADVICE = "text or a drawing; --preset fast --force, which trains networks for it, would show it better"


@dataclass
class _Open:
    """A job whose picture has been read and is to be fitted.

    Attributes:
        job: the job.
        image: the picture, uint8[H, W, N].
        instant: the subnets, if the result is an `.anir` file and no network needs training; else None.
        shape: key that is equal for pictures that can be in one batch.
        lock: holds the lock that keeps other runs from the target.
        seconds: time that reading took.
    """

    job: Job
    image: NDArray[np.uint8]
    instant: Space | None
    shape: Hashable
    lock: ExitStack
    seconds: float

    @property
    def bytes(self) -> int:
        """Bytes that the picture counts for while it waits."""
        return self.image.nbytes + _OVERHEAD


def attempt(job: Job, options: Options, on_progress: OnProgress) -> Outcome:
    """Carries out one job, and reports failures in the outcome.

    An interrupted training is resumed from its state. Raises KeyboardInterrupt after the state is written.
    """
    with ExitStack() as locks:
        own = _opened(job, options, locks)
        if isinstance(own, Outcome):
            return own
        (outcome,) = _fitted([own], options, lambda latest: on_progress(latest[0]))
        return outcome


def in_batches(jobs: Iterable[Job], options: Options, display: Display) -> Iterator[Outcome]:
    """Carries out jobs in batches of similar pictures, and yields the outcomes as they are done.

    A batch starts when it has as many pictures as the options say, or when the waiting pictures take too much
    memory. Raises KeyboardInterrupt after the states of the current batch are written.
    """
    waiting: dict[Hashable, list[_Open]] = {}
    with ExitStack() as locks:
        for job in jobs:
            own = _opened(job, options, locks)
            if isinstance(own, Outcome):
                yield own
                continue
            group = waiting.setdefault(own.shape, [])
            group.append(own)
            if own.instant or len(group) >= (options.batch or _most_pictures(own, options)):
                yield from _batch(waiting, group, options, display)
            elif sum(own.bytes for group in waiting.values() for own in group) > _WAITING_BYTES:
                yield from _batch(waiting, max(waiting.values(), key=len), options, display)
        while waiting:
            yield from _batch(waiting, next(iter(waiting.values())), options, display)


def _batch(
    waiting: dict[Hashable, list[_Open]], group: list[_Open], options: Options, display: Display
) -> Iterator[Outcome]:
    """Removes a group from the waiting pictures and fits it."""
    del waiting[group[0].shape]
    others = f" and {len(group) - 1} more" if len(group) > 1 else ""
    name = f"{group[0].job.picture}{others}"
    yield from _fitted(group, options, lambda latest: display.advance(name, _mean(latest)))
    display.leave(name)


def _mean(latest: list[Progress]) -> Progress:
    """Returns a batch's progress, with the mean PSNR of its pictures."""
    last = latest[-1]
    psnr = {name: mean(own.psnr[name] for own in latest if name in own.psnr) for name in last.psnr}
    return Progress(last.phase, last.step, last.steps, psnr)


def _opened(job: Job, options: Options, locks: ExitStack) -> _Open | Outcome:
    """Reads a job's picture and locks its target; returns an outcome if that failed or the job is done."""
    started, lock = time.monotonic(), locks.enter_context(ExitStack())
    try:
        with _memory_for(f"{job.picture}: not enough memory; resize it first"):
            image = load_image(job.picture, options.background)
            lock.enter_context(locked(job.target))
            refuse_foreign_target(job)
            if options.force:
                remove_state(job)
            if options.force or not is_done(job, image, options.config):
                return _prepared(job, image, options, lock, started)
            outcome = Outcome(job, bytes=job.target.stat().st_size)
    except AnirError as error:
        outcome = Outcome(job, failure=str(error))
    lock.close()
    return outcome


def _prepared(job: Job, image: NDArray[np.uint8], options: Options, lock: ExitStack, started: float) -> _Open:
    """Finds out how a job's picture is to be fitted; `started` is when the job began."""
    if training_would_help(options.config, image):
        warnings.warn(f"{job.picture}: {_ADVICE}", AnirWarning, stacklevel=2)
    instant = instant_space(options.config, image) if job.becomes_anir else None
    # A picture that needs no training is a batch of its own.
    shape = job if instant else _shape_of(image, options)
    return _Open(job, image, instant, shape, lock, time.monotonic() - started)


def _shape_of(image: NDArray[np.uint8], options: Options) -> Hashable:
    from anir_toolchain.batch import shape_of

    return shape_of(image, options.config)


def _most_pictures(own: _Open, options: Options) -> int:
    from anir_toolchain.batch import most_pictures

    return most_pictures(own.image, options.config)


def _fitted(
    group: Sequence[_Open], options: Options, on_progress: Callable[[list[Progress]], None]
) -> Iterator[Outcome]:
    """Fits pictures as one batch and writes their targets; `on_progress` gets all pictures' progress."""
    started, latest = time.monotonic(), dict[int, Progress]()

    def told(number: int, at: Progress) -> None:
        latest[number] = at
        on_progress(list(latest.values()))

    first = group[0]
    if first.instant:
        told(0, Progress("codes", 0, 0, {}))
        yield _written(first, partial(_write_instant, first, first.instant, options), first.seconds)
        return
    from anir_toolchain.training import Subject, fit_batch

    subjects = [
        Subject(own.image, plain_name(own.job.picture.name), own.job.state, partial(told, number))
        for number, own in enumerate(group)
    ]
    too_many = f"not enough memory for {len(group)} pictures at once; take a --batch of fewer"
    try:
        with _memory_for(_too_large(first) if len(group) == 1 else too_many):
            models = fit_batch(subjects, options.config)
    except AnirError as error:
        for own in group:
            own.lock.close()
            yield Outcome(own.job, failure=str(error))
        return
    share = (time.monotonic() - started) / len(group)
    for number, (own, model) in enumerate(zip(group, models, strict=True)):
        yield _written(own, partial(_write_model, own, model, latest.get(number)), own.seconds + share)


def _written(own: _Open, write: Callable[[], float | None], seconds: float) -> Outcome:
    """Writes a picture's result and returns its outcome.

    `write` returns the PSNR of the largest subnet, if known; `seconds` is the time that the job took so far.
    """
    job, started = own.job, time.monotonic()
    try:
        with own.lock, _memory_for(_too_large(own)):
            quality = write()
            remove_state_of_done(job)
    except AnirError as error:
        return Outcome(job, failure=str(error))
    seconds += time.monotonic() - started
    return Outcome(job, fitted=True, bytes=job.target.stat().st_size, psnr=quality, seconds=seconds)


def _write_instant(own: _Open, space: Space, options: Options) -> float:
    bits, rounds = options.config.bits, options.config.schedule().rounds
    return export_instant(own.image, space, bits, own.job.target, rounds).levels[-1].psnr[0]


def _write_model(own: _Open, model: "Model", at: Progress | None) -> float | None:
    """Writes a model or an `.anir` file and returns its PSNR, if known; `at` is the last progress report."""
    if own.job.becomes_anir:
        return export_anir(model, own.job.target).levels[-1].psnr[0]
    from anir_toolchain.checkpoint import save_model

    save_model(model, own.job.target)
    return None if at is None else at.psnr.get(model.space.largest.name)


def _too_large(own: _Open) -> str:
    return f"{own.job.picture}: not enough memory; resize it first"


@contextmanager
def _memory_for(failure: str) -> Iterator[None]:
    """Turns running out of memory, on a CPU or a GPU, into an AnirError with the message `failure`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # torch's messages; it has an exception class for this on a GPU only.
        told = ("can't allocate memory", "out of memory")
        if isinstance(error, MemoryError) or any(words in str(error) for words in told):
            raise AnirError(failure) from error
        raise
