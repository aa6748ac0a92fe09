import os
import signal
import threading
import time
from pathlib import Path

import pytest
from anir_runtime.errors import AnirWarning
from anir_toolchain.config import Config
from anir_toolchain.display import Display
from anir_toolchain.jobs import Job, Options, find_jobs
from anir_toolchain.progress import Progress
from anir_toolchain.workers import run_all
from PIL import Image

pytestmark = pytest.mark.slow  # each test starts processes that load torch
OPTIONS = Options(Config("siren", preset="fast", steps=5, depths=(2,), widths=(4,)))
LONG_ENOUGH = Options(Config("siren", preset="fast", steps=1000, depths=(2,), widths=(4,)))
LONG = Options(Config("siren", preset="fast", steps=10**7, depths=(2,), widths=(4,)))


class Seen(Display):
    """Records which pictures are reported, and calls a function, if given, on each report of progress."""

    def __init__(self, act: object = None) -> None:
        self.running, self.finished, self._act = set[str](), list[tuple[str, str]](), act

    def advance(self, picture: str, at: Progress) -> None:
        self.running.add(Path(picture).name)
        if callable(self._act):
            self._act()

    def finish(self, picture: str, failure: str) -> None:
        self.finished.append((Path(picture).name, failure.removeprefix(str(Path(picture).parent) + "/")))


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "a.png")
    frames[1].save(tmp_path / "b.png")
    frames[2].save(tmp_path / "c.gif", save_all=True, append_images=frames[:1])
    (tmp_path / "bad.png").write_text("no picture")
    return find_jobs([tmp_path], tmp_path / "models", recursive=False)


def test_parallel_workers_give_the_same_models_and_warnings(jobs: list[Job], tmp_path: Path) -> None:
    seen = Seen()
    with pytest.warns(AnirWarning, match=r"c\.gif: the first of 2 frames"):
        outcomes = list(run_all(jobs, OPTIONS, 2, seen))
    bad = ("bad.png", "bad.png: not a picture that can be opened; save it as JPEG or PNG first")
    assert sorted(seen.finished) == sorted([("a.png", ""), ("b.png", ""), ("c.gif", ""), bad])
    assert seen.running == {"a.png", "b.png", "c.gif"}
    assert sum(outcome.fitted for outcome in outcomes) == 3
    models = {job.target: job.target.read_bytes() for job in jobs if job.target.exists()}
    for target in models:
        target.unlink()
    with pytest.warns(AnirWarning, match="first of 2"):
        list(run_all(jobs, OPTIONS, 1, Seen()))
    assert {target: target.read_bytes() for target in models} == models


def _workers() -> list[int]:
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = [int(pid) for file in children for pid in file.read_text().split()]
    return [pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_a_killed_worker_costs_only_its_picture(jobs: list[Job]) -> None:
    killed = []

    def kill_one() -> None:
        if not killed:
            killed.append(_workers()[0])
            os.kill(killed[0], signal.SIGKILL)

    seen = Seen(kill_one)
    with pytest.warns(AnirWarning, match="first of 2"):
        list(run_all([job for job in jobs if job.picture.stem != "bad"], LONG_ENOUGH, 2, seen))
    failures = [failure for _, failure in seen.finished if failure]
    assert len(seen.finished) == 3
    assert len(failures) == 1
    assert "its process was killed" in failures[0]


def test_an_interrupt_lets_workers_save_their_states(jobs: list[Job]) -> None:
    running = set[int]()

    def interrupt_once_two_run() -> None:
        running.add(len(seen.running))
        if 2 in running:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)  # the handler runs in this thread

    seen = Seen(interrupt_once_two_run)
    two = [job for job in jobs if job.picture.stem in ("a", "b")]
    with pytest.raises(KeyboardInterrupt):
        list(run_all(two, LONG, 2, seen))
    assert all(job.state.exists() for job in two)
    assert not any(job.target.exists() for job in two)
    assert _workers() == []
    assert not list(two[0].target.parent.glob(".*"))


def test_an_interrupt_ends_workers_that_are_still_starting(jobs: list[Job]) -> None:
    """Workers that are still loading torch would ignore an interrupt and go on."""

    def interrupt_once_two_start() -> None:
        while len(_workers()) < 2:
            time.sleep(0.01)
        time.sleep(0.3)  # this process ignores interrupts while it starts workers
        os.kill(os.getpid(), signal.SIGINT)

    two = [job for job in jobs if job.picture.stem in ("a", "b")]
    threading.Thread(target=interrupt_once_two_start).start()
    with pytest.raises(KeyboardInterrupt):
        list(run_all(two, LONG, 2, Display()))
    assert _workers() == []
    assert not any(job.state.exists() or job.target.exists() for job in two)
