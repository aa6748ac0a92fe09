"""Fits pictures on a Ray cluster, one task per picture, without a file system shared by the nodes.

Tasks receive a picture's bytes and return those of its target; only this machine reads and writes files.
"""

import importlib
import os
import tempfile
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from anir_runtime.errors import AnirError, AnirWarning
from anir_runtime.files import replacing

from anir_toolchain.display import Display
from anir_toolchain.fitting import attempt
from anir_toolchain.image import load_image
from anir_toolchain.jobs import Job, Options, Outcome, is_done, refuse_foreign_target, remove_state_of_done
from anir_toolchain.lock import locked
from anir_toolchain.progress import Progress

_ATTEMPTS = 3
"""Largest number of attempts at a picture, if workers are lost."""
_AHEAD = 2
"""Tasks submitted per core, so that the next one is there when one ends."""


@dataclass(frozen=True)
class _Done:
    """A task's last message: its outcome, and the bytes of the target, empty if nothing was fitted."""

    outcome: Outcome
    data: bytes


@dataclass
class _Task:
    """A job in progress.

    Attributes:
        job: the job.
        lock: holds the lock of its target.
        stream: Ray's stream of the task's messages.
        attempt: number of the current attempt, from 1.
    """

    job: Job
    lock: ExitStack
    stream: Any
    attempt: int = 1


def on_cluster(jobs: Sequence[Job], options: Options, address: str, display: Display) -> Iterator[Outcome]:
    """Carries out all jobs on a cluster, and yields the outcomes as they are done.

    `address` is what `ray.init` takes. A picture whose worker is lost is given to another one. Raises
    AnirError if Ray is not installed or there is no such cluster.
    """
    ray = _connected(address)
    try:
        with ExitStack() as locks:
            yield from Cluster(ray, options, display, locks).run(deque(jobs))
    finally:
        ray.shutdown()


def _connected(address: str) -> Any:
    """Returns the module `ray`, connected to a cluster; for the address `local` Ray starts one here."""
    # Otherwise Ray would report usage statistics to its maker.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray = importlib.import_module("ray")
    except ImportError as error:
        raise AnirError("--ray needs Ray; install it: pip install 'anir[cluster]'") from error
    try:
        ray.init(address, log_to_driver=False, logging_level="CRITICAL")
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise AnirError(f"--ray {address}: no such cluster ({reason})") from error
    return ray


class Cluster:
    """Submits pictures as tasks to a cluster, and handles their messages."""

    def __init__(self, ray: Any, options: Options, display: Display, locks: ExitStack) -> None:
        self._ray, self._options, self._display, self._locks = ray, options, display, locks
        self._fit = ray.remote(num_cpus=1, max_retries=0, num_returns="streaming")(_fit)

    def run(self, waiting: deque[Job]) -> Iterator[Outcome]:
        """Carries out all jobs, on all of the cluster's cores, and yields the outcomes as they are done."""
        most = _AHEAD * max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        tasks: list[_Task] = []
        while waiting or tasks:
            while waiting and len(tasks) < most:
                match self._begin(waiting.popleft()):
                    case Outcome() as outcome:
                        yield outcome
                    case _Task() as task:
                        tasks.append(task)
            ready, _ = self._ray.wait([task.stream for task in tasks], timeout=1) if tasks else ((), ())
            for task in [task for task in tasks if task.stream in ready]:
                if (ended := self._next(task)) is not None:
                    tasks.remove(task)
                    task.lock.close()
                    yield ended

    def _begin(self, job: Job) -> _Task | Outcome:
        """Submits a job; returns an outcome if it is done already or cannot be started."""
        options, lock = self._options, self._locks.enter_context(ExitStack())
        try:
            lock.enter_context(locked(job.target))
            refuse_foreign_target(job)
            if options.force or not job.target.exists() or not self._is_done(job):
                return _Task(job, lock, self._submit(job))
            outcome = Outcome(job, bytes=job.target.stat().st_size)
        except AnirError as error:
            outcome = Outcome(job, failure=str(error))
        lock.close()
        return outcome

    def _is_done(self, job: Job) -> bool:
        return is_done(job, load_image(job.picture, self._options.background), self._options.config)

    def _submit(self, job: Job) -> Any:
        try:
            data = job.picture.read_bytes()
        except OSError as error:
            raise AnirError(f"{job.picture}: cannot be read ({error.strerror})") from error
        return self._fit.remote(job.picture.name, data, job.target.suffix, self._options)

    def _next(self, task: _Task) -> Outcome | None:
        """Handles a task's next message; returns the outcome if it was the last one."""
        picture = task.job.picture
        try:
            said = self._ray.get(next(task.stream))
        except self._ray.exceptions.RayTaskError as error:
            # Another node may have what this one lacked: space, or the package.
            if isinstance(error.cause, OSError | ImportError):
                return self._again(task)
            reason = str(error.cause) or type(error.cause).__name__
            return Outcome(task.job, failure=f"{picture}: its worker failed ({reason})")
        except self._ray.exceptions.RayError:
            return self._again(task)
        match said:
            case Progress() as at:
                self._display.advance(str(picture), at)
            case str() as note:
                warnings.warn(f"{picture.parent / note}", AnirWarning, stacklevel=1)
            case _Done():
                return _kept(task.job, said)
        return None

    def _again(self, task: _Task) -> Outcome | None:
        """Submits a picture again whose worker was lost; returns an outcome if it has been lost too often."""
        picture = task.job.picture
        if task.attempt == _ATTEMPTS:
            return Outcome(task.job, failure=f"{picture}: {_ATTEMPTS} workers were lost, one after the other")
        warnings.warn(f"{picture}: its worker was lost; another one begins", AnirWarning, stacklevel=1)
        task.attempt += 1
        try:
            task.stream = self._submit(task.job)
        except AnirError as error:
            return Outcome(task.job, failure=str(error))
        return None


def _kept(job: Job, done: _Done) -> Outcome:
    """Writes the target that a task returned, and returns the outcome with the job's own paths."""
    outcome = replace(done.outcome, job=job)
    if outcome.failure:
        return replace(outcome, failure=str(job.picture.parent / outcome.failure))
    try:
        with replacing(job.target) as temporary:
            temporary.write_bytes(done.data)
        remove_state_of_done(job)
    except AnirError as error:
        return Outcome(job, failure=str(error))
    return outcome


def _fit(name: str, data: bytes, suffix: str, options: Options) -> Iterator[Progress | str | _Done]:
    """The task: fits a picture, given its file's name and bytes, and yields progress, warnings and result."""
    said: SimpleQueue[Progress | str | Future[_Done]] = SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        job = Job(Path(folder) / name, Path(folder) / f"target{suffix}")
        job.picture.write_bytes(data)

        def work() -> _Done:
            with warnings.catch_warnings():
                warnings.simplefilter("always", AnirWarning)
                warnings.showwarning = lambda note, *_: said.put(str(note).removeprefix(f"{folder}{os.sep}"))
                outcome = attempt(job, options, said.put)
            own = replace(outcome, failure=outcome.failure.removeprefix(f"{folder}{os.sep}"))
            return _Done(own, job.target.read_bytes() if outcome.fitted else b"")

        with ThreadPoolExecutor(1) as executor:
            # The end is a message, too: else an exception would leave the task waiting for ever.
            executor.submit(work).add_done_callback(said.put)
            while not isinstance(latest := said.get(), Future):
                yield latest
        yield latest.result()
