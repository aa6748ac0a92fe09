import os
import signal
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from anir_runtime.errors import AnirWarning
from anir_toolchain import cluster
from anir_toolchain.cli import train_main
from anir_toolchain.config import Config
from anir_toolchain.display import Display
from anir_toolchain.jobs import Job, Options, Outcome, find_jobs
from anir_toolchain.workers import run_all
from PIL import Image

from tests.conftest import Failing

CONFIG = Config("siren", preset="fast", steps=5, depths=(2,), widths=(4,), device="cpu")


def test_without_ray_one_line_says_what_to_install(
    picture: Path, fails: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    line = "--ray needs Ray; install it: pip install 'anir[cluster]'"
    fails(train_main([str(picture), "-o", str(picture.with_suffix(".pt")), "--ray", "local"]), line)
    assert not picture.with_suffix(".pt").exists()


def test_jobs_and_ray_exclude_each_other(picture: Path, fails: Failing) -> None:
    fails(train_main([str(picture), "-o", "a.pt", "--ray", "local", "--jobs", "2"]), "say either --jobs", 2)


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    found = pytest.importorskip("ray", reason="needs Ray: pip install 'anir[cluster]'")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    found.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield found
    found.shutdown()


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime")]
    frames[0].save(tmp_path / "a.png")
    frames[1].save(tmp_path / "b.gif", save_all=True, append_images=frames[:1])
    (tmp_path / "bad.png").write_text("no picture")
    return find_jobs([tmp_path], tmp_path / "models", recursive=False)


def run(ray: Any, jobs: list[Job], options: Any) -> dict[str, Outcome]:
    with ExitStack() as locks:
        outcomes = list(cluster.Cluster(ray, options, Display(), locks).run(deque(jobs)))
    return {outcome.job.picture.name: outcome for outcome in outcomes}


@pytest.mark.slow
def test_a_cluster_gives_the_same_models_as_this_machine(ray: Any, jobs: list[Job]) -> None:
    with pytest.warns(AnirWarning, match=f"^{jobs[0].picture.parent}/b.gif: the first of 2 frames"):
        outcomes = run(ray, jobs, Options(CONFIG))
    assert (
        outcomes["bad.png"].failure
        == f"{jobs[2].picture}: not a picture that can be opened; save it as JPEG or PNG first"
    )
    assert (outcomes["a.png"].fitted, outcomes["b.gif"].fitted) == (True, True)
    models = {job.target: job.target.read_bytes() for job in jobs if job.target.exists()}
    assert outcomes["a.png"].bytes == len(models[jobs[0].target])
    assert not list(jobs[0].target.parent.glob(".*"))
    again = run(ray, jobs[:1], Options(CONFIG))["a.png"]
    assert (again.fitted, again.bytes, again.failure) == (False, outcomes["a.png"].bytes, "")
    with pytest.warns(AnirWarning, match="first of 2"):
        list(run_all(jobs, Options(CONFIG, force=True), 1, Display()))
    assert {target: target.read_bytes() for target in models} == models


@pytest.mark.slow
def test_a_lost_worker_costs_at_most_its_picture(ray: Any, jobs: list[Job], tmp_path: Path) -> None:
    class Deadly:
        """Options that kill the worker which reads them, `times` times."""

        config, force = CONFIG, False

        def __init__(self, times: int) -> None:
            self.deaths = [str(tmp_path / f"death {k}") for k in range(times)]

        @property
        def background(self) -> None:
            for death in self.deaths:
                if not os.path.exists(death):
                    with open(death, "x"):
                        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.warns(AnirWarning, match=r"a\.png: its worker was lost; another one begins"):
        assert run(ray, jobs[:1], Deadly(2))["a.png"].fitted
    jobs[0].target.unlink()
    with pytest.warns(AnirWarning, match="another one begins"):
        outcome = run(ray, jobs[:1], Deadly(5))["a.png"]
    assert outcome.failure == f"{jobs[0].picture}: 3 workers were lost, one after the other"
    assert not jobs[0].target.exists()
    assert run(ray, jobs[:1], Options(CONFIG))["a.png"].fitted


@pytest.mark.slow
def test_a_task_that_fails_ends_with_its_reason(ray: Any, jobs: list[Job]) -> None:
    class Failing:
        """Options that no fit can use."""

        config, force = CONFIG, False

        @property
        def background(self) -> None:
            raise RuntimeError("no such colour")

    outcome = run(ray, jobs[:1], Failing())["a.png"]
    assert outcome.failure == f"{jobs[0].picture}: its worker failed (no such colour)"
    assert not jobs[0].target.exists()


@pytest.mark.slow
def test_an_address_without_a_cluster_is_an_error(picture: Path, fails: Failing) -> None:
    pytest.importorskip("ray", reason="needs Ray: pip install 'anir[cluster]'")
    target = picture.with_suffix(".pt")
    fails(
        train_main([str(picture), "-o", str(target), "--ray", "nonsense:1"]),
        "--ray nonsense:1: no such cluster",
    )
