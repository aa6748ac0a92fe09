"""Fits pictures in parallel: worker processes that each fit one picture after another."""

import gc
import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event

from anir_runtime.errors import AnirWarning
from anir_runtime.interrupts import ended_soon_by_interrupts, saving
from anir_runtime.side_by_side import available_cores

from anir_toolchain.cluster import on_cluster
from anir_toolchain.display import Display
from anir_toolchain.fitting import attempt, in_batches
from anir_toolchain.jobs import Job, Options, Outcome
from anir_toolchain.progress import Progress

_PATIENCE = 30.0
"""Seconds that each worker is given to save its state after an interrupt."""


def run_all(
    jobs: Sequence[Job], options: Options, count: int, display: Display, cluster: str | None = None
) -> Iterator[Outcome]:
    """Carries out all jobs, and yields the outcomes as they are done.

    With `cluster`, the address of a Ray cluster, jobs run there. With a `count` above 1, several jobs run in
    that many worker processes, which share the cores; a worker that is killed, for example for lack of
    memory, costs only its current picture. Otherwise jobs run in this process, one by one or in batches.
    Raises KeyboardInterrupt after the states of all running trainings are written.
    """
    if cluster is not None:
        outcomes = on_cluster(jobs, options, cluster, display)
    elif count > 1 and len(jobs) > 1:
        outcomes = _side_by_side(jobs, options, count, display)
    else:
        outcomes = in_batches(jobs, options, display)
    for outcome in outcomes:
        display.finish(str(outcome.job.picture), outcome.failure)
        yield outcome


@dataclass
class _Worker:
    """A worker process.

    Attributes:
        process: the process.
        pipe: our end of the pipe to it.
        answers: set once the process handles Ctrl-C.
        job: the job that it works on, if any.
    """

    process: SpawnProcess
    pipe: Connection
    answers: Event
    job: Job | None = None


def _side_by_side(jobs: Sequence[Job], options: Options, count: int, display: Display) -> Iterator[Outcome]:
    waiting = deque(jobs)
    count = min(count, len(jobs))
    threads = max(1, available_cores() // count)
    workers = [_start(options, threads) for _ in range(count)]
    try:
        for worker in workers:
            _give_next(worker, waiting)
        while busy := {worker.pipe: (worker, worker.job) for worker in workers if worker.job is not None}:
            for pipe in wait(list(busy)):
                worker, job = busy[pipe]  # type: ignore[index]
                match _receive(worker):
                    case Progress() as at:
                        display.advance(str(job.picture), at)
                        continue
                    case str() as note:
                        warnings.warn(note, AnirWarning, stacklevel=1)
                        continue
                    case Outcome() as outcome:
                        yield outcome
                    case None:
                        yield Outcome(job, failure=f"{job.picture}: {_how_it_ended(worker)}")
                        workers.remove(worker)
                        worker = _start(options, threads)
                        workers.append(worker)
                _give_next(worker, waiting)
    except KeyboardInterrupt:
        # Workers may not have received Ctrl-C themselves. On it they write their states and exit.
        with saving():
            for worker in workers:
                _interrupt(worker)
            for worker in workers:
                worker.process.join(_PATIENCE)
        raise
    finally:
        for worker in workers:
            worker.pipe.close()
            worker.process.join(1)
            worker.process.kill()


def _start(options: Options, threads: int) -> _Worker:
    context = get_context("spawn")
    (ours, theirs), answers = context.Pipe(), context.Event()
    process = context.Process(target=_work, args=(theirs, answers, options, threads), daemon=True)
    # It ignores Ctrl-C until it can handle it, as otherwise it would print a traceback.
    with _interrupts_ignored():
        process.start()
    theirs.close()
    return _Worker(process, ours, answers)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _give_next(worker: _Worker, waiting: deque[Job]) -> None:
    worker.job = waiting.popleft() if waiting else None
    if worker.job is not None:
        with suppress(BrokenPipeError):  # a dead worker is noticed when reading from it
            worker.pipe.send(worker.job)


def _receive(worker: _Worker) -> object:
    """Returns a worker's next message: a Progress, a warning (str) or an Outcome; None if it is dead."""
    try:
        return worker.pipe.recv()
    except (EOFError, ConnectionError):
        return None


def _how_it_ended(worker: _Worker) -> str:
    worker.process.join()
    code = worker.process.exitcode or 0
    if code == -signal.SIGKILL:
        return "its process was killed, perhaps for want of memory; take fewer --jobs"
    return f"its process ended unexpectedly (exit code {code})"


def _interrupt(worker: _Worker) -> None:
    if worker.process.pid is None or not worker.process.is_alive():
        return
    if worker.answers.is_set():
        os.kill(worker.process.pid, signal.SIGINT)
    else:
        # It has nothing to save yet.
        worker.process.kill()


def _end_with_parent() -> None:
    """Exits this process when its parent is gone, which frees its locks for the next run."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _work(pipe: Connection, answers: Event, options: Options, threads: int) -> None:
    """Runs a worker: receives jobs, sends progress, warnings and outcomes, until the other end is closed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # torch reads this when it is imported.
    os.environ["OMP_NUM_THREADS"] = str(threads)
    warnings.simplefilter("always", AnirWarning)
    warnings.showwarning = lambda message, *_: pipe.send(str(message))
    # EOFError and ConnectionError mean that the parent has closed the pipe.
    with suppress(EOFError, ConnectionError, KeyboardInterrupt), ended_soon_by_interrupts(""):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        answers.set()
        while True:
            pipe.send(attempt(pipe.recv(), options, pipe.send))
    # Without this, Python's last garbage collection would take seconds, for which the parent would wait.
    gc.freeze()
