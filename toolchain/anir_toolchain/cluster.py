"""Pictures on a Ray cluster: a task each, whose bytes come and go, so that nodes need no common disk.

Pictures are read and models are written on this machine alone.
"""

import importlib
import os
import tempfile
import threading
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
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
from anir_toolchain.jobs import Job, Options, Outcome, is_done, protect_others
from anir_toolchain.lock import locked
from anir_toolchain.progress import Progress

_ATTEMPTS = 3
"""How many workers a picture is given, one after the other, until one lives to its end."""
_AHEAD = 2
"""Tasks for each core, so that the next is there when one ends."""


@dataclass(frozen=True)
class _Done:
    """What a worker made of a picture, and the bytes of its target, if it was fitted."""

    outcome: Outcome
    data: bytes


@dataclass
class _Task:
    """A job under way: what keeps its target from others, and the stream of what its worker says."""

    job: Job
    lock: ExitStack
    stream: Any
    attempt: int = 1


def on_cluster(jobs: Sequence[Job], options: Options, address: str, display: Display) -> Iterator[Outcome]:
    """Does all jobs on the cluster of that address, as `ray.init` takes it, and yields outcomes as they end.

    A picture whose worker is lost is given to another one. Raises AnirError if Ray is not installed, or
    there is no such cluster.
    """
    ray = _connected(address)
    try:
        with ExitStack() as locks:
            yield from Cluster(ray, options, display, locks).run(deque(jobs))
    finally:
        ray.shutdown()


def _connected(address: str) -> Any:
    """Ray, connected to a cluster, or to one that it starts here if the address is `local`."""
    # Otherwise it tells its maker of each use.
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
    """Gives pictures to workers, and takes what they say."""

    def __init__(self, ray: Any, options: Options, display: Display, locks: ExitStack) -> None:
        self._ray, self._options, self._display, self._locks = ray, options, display, locks
        self._fit = ray.remote(num_cpus=1, max_retries=0, num_returns="streaming")(_fit)

    def run(self, waiting: deque[Job]) -> Iterator[Outcome]:
        """Does all jobs, as many at a time as there are cores."""
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
        """Gives a job to a worker, unless it is done already or cannot be begun."""
        options, lock = self._options, self._locks.enter_context(ExitStack())
        try:
            lock.enter_context(locked(job.target))
            protect_others(job)
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
        """Takes the next thing that a worker says; the outcome if that was the last."""
        picture = task.job.picture
        try:
            said = self._ray.get(next(task.stream))
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
        """Gives a picture whose worker was lost to another one; the outcome if too many were."""
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
    """Writes what a worker made to the target."""
    outcome = replace(done.outcome, job=job)
    if outcome.failure:
        return replace(outcome, failure=str(job.picture.parent / outcome.failure))
    try:
        with replacing(job.target) as temporary:
            temporary.write_bytes(done.data)
    except AnirError as error:
        return Outcome(job, failure=str(error))
    job.state.unlink(missing_ok=True)
    return outcome


def _fit(name: str, data: bytes, suffix: str, options: Options) -> Iterator[Progress | str | _Done]:
    """The task: fits a picture of that name and content, and says how far it is, and what became of it."""
    said: SimpleQueue[Progress | str | _Done] = SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        job = Job(Path(folder) / name, Path(folder) / f"target{suffix}")
        job.picture.write_bytes(data)

        def work() -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("always", AnirWarning)
                warnings.showwarning = lambda note, *_: said.put(str(note).removeprefix(f"{folder}{os.sep}"))
                outcome = attempt(job, options, said.put)
            own = replace(outcome, failure=outcome.failure.removeprefix(f"{folder}{os.sep}"))
            said.put(_Done(own, job.target.read_bytes() if outcome.fitted else b""))

        threading.Thread(target=work, daemon=True).start()
        while True:
            latest = said.get()
            yield latest
            if isinstance(latest, _Done):
                return
