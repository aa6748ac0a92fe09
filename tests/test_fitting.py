import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from anir_runtime.errors import AnirWarning
from anir_toolchain import presets
from anir_toolchain.batch import Batch
from anir_toolchain.config import Config
from anir_toolchain.display import Display
from anir_toolchain.fitting import attempt, in_batches
from anir_toolchain.jobs import Job, Options, Outcome
from anir_toolchain.level_file import LevelFile
from anir_toolchain.progress import Progress
from anir_toolchain.training import advance, begin
from PIL import Image

from bench.drawings import page


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _make(*names: str) -> None:
    for name in names:
        Image.new("RGB", (8, 8), "red").save(name, "PNG")


OPTIONS = Options(Config("siren", preset="fast", steps=3, depths=(2,), widths=(4,)))


def test_an_outcome_states_size_quality_and_whether_it_was_fitted() -> None:
    _make("a.png")
    job = Job(Path("a.png"), Path("a.pt"))
    seen = []
    outcome = attempt(job, OPTIONS, seen.append)
    assert (outcome.job, outcome.failure, outcome.fitted) == (job, "", True)
    assert outcome.bytes == Path("a.pt").stat().st_size
    assert outcome.psnr == seen[-1].psnr["d2w4"]
    again = attempt(job, OPTIONS, seen.append)
    assert (again.fitted, again.bytes, again.psnr) == (False, outcome.bytes, None)
    assert sorted(path.name for path in Path().iterdir()) == ["a.png", "a.pt"]


def test_another_picture_of_the_same_name_is_fitted() -> None:
    _make("a.png")
    job = Job(Path("a.png"), Path("a.pt"))
    attempt(job, OPTIONS, lambda _: None)
    Image.new("RGB", (8, 8), "blue").save("a.png")
    assert attempt(job, OPTIONS, lambda _: None).fitted


def test_text_fitted_without_training_comes_with_advice() -> None:
    Image.fromarray(page(384, 256)).save("page.png")
    with pytest.warns(AnirWarning, match=r"page\.png: text or a drawing; --preset fast"):
        assert attempt(Job(Path("page.png"), Path("page.anir")), Options(Config()), lambda _: None).fitted


def test_foreseeable_failures_are_in_the_outcome_and_others_are_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert attempt(Job(Path("no.png"), Path("a.pt")), OPTIONS, print).failure == "no.png: no such file"
    _make("a.png")

    for error in (
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ):
        monkeypatch.setattr("anir_toolchain.training.fit_batch", _raising(error))
        failure = attempt(Job(Path("a.png"), Path("a.pt")), OPTIONS, print).failure
        assert failure == "a.png: not enough memory; resize it first"
    monkeypatch.setattr("anir_toolchain.training.fit_batch", _raising(RuntimeError("a mistake of ours")))
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        attempt(Job(Path("a.png"), Path("a.pt")), OPTIONS, print)


def _raising(error: BaseException) -> Callable[..., None]:
    def fit(*_: object, **__: object) -> None:
        raise error

    return fit


def test_a_target_named_anir_becomes_an_anir_file() -> None:
    _make("a.png")
    job = Job(Path("a.png"), Path("new/a.anir"))
    seen: list[Progress] = []
    outcome = attempt(job, OPTIONS, seen.append)
    levels = LevelFile.read(job.target)
    assert [level.name for level in levels.complete] == ["d2w4"]
    assert (outcome.fitted, outcome.bytes, outcome.psnr) == (
        True,
        len(levels.data),
        levels.complete[0].psnr[0],
    )
    assert [path.name for path in Path("new").iterdir()] == ["a.anir"]
    again = attempt(job, OPTIONS, seen.append)
    assert (again.fitted, again.bytes) == (False, outcome.bytes)
    assert attempt(job, replace(OPTIONS, force=True), seen.append).fitted
    # Another configuration, another picture or an incomplete file is a reason to train again.
    assert attempt(job, replace(OPTIONS, config=replace(OPTIONS.config, bits=8)), seen.append).fitted
    assert attempt(job, OPTIONS, seen.append).fitted
    Image.new("RGB", (8, 8), "blue").save("a.png")
    assert attempt(job, OPTIONS, seen.append).fitted
    job.target.write_bytes(job.target.read_bytes()[:-1])
    assert attempt(job, OPTIONS, seen.append).fitted
    assert not attempt(job, OPTIONS, seen.append).fitted
    Image.new("LA", (8, 8), (99, 128)).save("a.png")
    assert attempt(job, OPTIONS, seen.append).fitted
    assert LevelFile.read(job.target).header.colours == 4
    assert not attempt(job, OPTIONS, seen.append).fitted


def test_a_picture_that_was_edited_after_its_file_was_made_is_fitted_again() -> None:
    _make("a.png")
    job = Job(Path("a.png"), Path("a.anir"))
    assert attempt(job, OPTIONS, lambda _: None).fitted
    assert not attempt(job, OPTIONS, lambda _: None).fitted
    earlier = job.picture.stat().st_mtime_ns - 10**9
    os.utime(job.target, ns=(earlier, earlier))
    assert attempt(job, OPTIONS, lambda _: None).fitted
    assert not attempt(job, OPTIONS, lambda _: None).fitted
    tomorrow = time.time_ns() + 86_400 * 10**9
    os.utime(job.picture, ns=(tomorrow, tomorrow))
    assert not attempt(job, OPTIONS, lambda _: None).fitted


def test_an_interrupt_while_the_anir_file_is_written_loses_no_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _make("a.png")
    job = Job(Path("a.png"), Path("a.anir"))
    with monkeypatch.context() as patch:
        patch.setattr("anir_toolchain.anir_export.AnirWriter.finish", _raising(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            attempt(job, OPTIONS, lambda _: None)
    assert sorted(path.name for path in Path().iterdir()) == ["a.anir.resume", "a.png"]
    monkeypatch.setattr("anir_toolchain.training.begin", _raising(AssertionError("it began anew")))
    assert attempt(job, OPTIONS, lambda _: None).fitted
    assert sorted(path.name for path in Path().iterdir()) == ["a.anir", "a.png"]


def test_only_an_anir_file_is_replaced_by_an_anir_file() -> None:
    _make("a.png", "b.anir")
    failure = attempt(Job(Path("a.png"), Path("b.anir")), OPTIONS, print).failure
    assert failure == "b.anir: is no .anir file; it would be replaced, so name another -o, or remove it"
    Path("c.anir").mkdir()
    assert attempt(Job(Path("a.png"), Path("c.anir")), OPTIONS, print).failure.startswith(
        "c.anir: is a folder"
    )


def test_a_target_that_cannot_be_read_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _make("a.png", "b.png")

    def refusing(self: Path, *rest: Any, **more: Any) -> object:
        if self.name == "a.pt":
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, *rest, **more)

    real = Path.open
    monkeypatch.setattr(Path, "open", refusing)
    jobs = [Job(Path(f"{name}.png"), Path(f"{name}.pt")) for name in "ab"]
    first, second = in_batches(jobs, OPTIONS, Display())
    assert first.failure == "a.pt: cannot be read (Permission denied)"
    assert second.fitted


def test_a_state_that_cannot_be_removed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _make("a.png")
    job = Job(Path("a.png"), Path("a.pt"))
    job.state.mkdir()
    assert attempt(job, replace(OPTIONS, force=True), print).failure.startswith(
        "a.pt.resume: cannot be removed ("
    )


class Told(Display):
    """Records the names for which progress is reported, and whether each has left."""

    def __init__(self) -> None:
        self.names: dict[str, bool] = {}

    def advance(self, picture: str, at: Progress) -> None:
        self.names[picture] = False

    def leave(self, picture: str) -> None:
        self.names[picture] = True


BATCH = Options(Config("siren", preset="short", depths=(2, 3), widths=(8, 16), device="cpu"), batch=3)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Returns jobs of a wide, a high, a longer and a bad picture, and of two more of the first one's size."""
    monkeypatch.setitem(presets.PRESETS, "short", presets.Preset(30, 256, 2e-2, 0.5, 0.9))
    for name, colour, size in (
        ("a", "red", (12, 8)),
        ("b", "lime", (8, 12)),
        ("c", "blue", (20, 7)),
        ("e", "cyan", (12, 8)),
        ("f", "gold", (12, 8)),
    ):
        Image.linear_gradient("L").resize(size).convert("RGB").save(f"{name}.png")
        Image.blend(Image.open(f"{name}.png"), Image.new("RGB", size, colour), 0.5).save(f"{name}.png")
    Path("d.png").write_text("no picture")
    return [Job(Path(f"{name}.png"), Path(f"{name}.pt")) for name in "abcdef"]


def _models(jobs: list[Job]) -> dict[str, bytes]:
    return {job.target.name: job.target.read_bytes() for job in jobs if job.target.exists()}


def _become(outcomes: list[Outcome]) -> list[tuple[str, bool]]:
    return [(outcome.job.picture.stem, outcome.fitted) for outcome in outcomes]


def test_pictures_in_batches_give_the_same_models_as_alone(jobs: list[Job]) -> None:
    told = Told()
    outcomes = list(in_batches(jobs, BATCH, told))
    # A batch is trained as soon as it has three pictures; smaller batches are trained last.
    assert _become(outcomes) == [
        ("d", False),
        ("a", True),
        ("b", True),
        ("e", True),
        ("c", True),
        ("f", True),
    ]
    assert outcomes[0].failure == "d.png: not a picture that can be opened; save it as JPEG or PNG first"
    assert told.names == {"a.png and 2 more": True, "c.png": True, "f.png": True}
    together = _models(jobs)
    alone = [attempt(job, replace(BATCH, force=True), lambda _: None) for job in jobs]
    assert _models(jobs) == together
    assert {own.job.picture: own.psnr for own in alone} == {own.job.picture: own.psnr for own in outcomes}
    assert not list(Path().glob("*.resume"))
    assert not list(Path().glob(".*"))


def test_batches_skip_finished_models_unless_forced(jobs: list[Job]) -> None:
    first = attempt(jobs[0], BATCH, lambda _: None)
    again = list(in_batches([jobs[0], jobs[1]], BATCH, Display()))
    assert _become(again) == [("a", False), ("b", True)]
    assert again[0] == replace(first, fitted=False, psnr=None, seconds=0.0)
    forced = in_batches([jobs[0], jobs[1]], replace(BATCH, force=True), Display())
    assert _become(list(forced)) == [("a", True), ("b", True)]


def test_pictures_of_an_interrupted_batch_resume_alone_or_in_another_batch(
    jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = [job for job in jobs if job.picture.stem in "abe"]
    list(in_batches(sound, BATCH, Display()))
    straight = _models(sound)
    for job in sound:
        job.target.unlink()

    def interrupting(batch: Batch) -> None:
        advance(batch)
        if batch.step == 20:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("anir_toolchain.training.advance", interrupting)
        with pytest.raises(KeyboardInterrupt):
            list(in_batches(sound, BATCH, Display()))
    assert all(job.state.exists() for job in sound)
    assert not list(Path().glob(".*"))
    monkeypatch.setattr("anir_toolchain.training.begin", _raising(AssertionError("it began anew")))
    # First one picture resumes alone; then the others resume in a batch with one that starts anew.
    assert attempt(sound[1], BATCH, lambda _: None).fitted
    assert _models([sound[1]])["b.pt"] == straight["b.pt"]
    monkeypatch.setattr("anir_toolchain.training.begin", begin)
    sound[1].target.unlink()
    assert len(list(in_batches(sound, BATCH, Display()))) == 3
    assert _models(sound) == straight


def test_a_batch_too_large_for_the_memory_is_a_failure_of_its_pictures(
    jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "anir_toolchain.training.fit_batch",
        _raising(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")),
    )
    outcomes = list(in_batches([jobs[0], jobs[1]], BATCH, Display()))
    failure = "not enough memory for 2 pictures at once; take a --batch of fewer"
    assert [outcome.failure for outcome in outcomes] == [failure, failure]
    assert not list(Path().glob(".*"))


def test_waiting_pictures_are_trained_before_they_fill_the_memory(
    jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two waiting pictures exceed this limit.
    monkeypatch.setattr("anir_toolchain.fitting._WAITING_BYTES", 2**23 + 2**22)
    told = Told()
    outcomes = list(in_batches([jobs[0], jobs[2], jobs[1]], replace(BATCH, batch=9), told))
    assert _become(outcomes) == [("a", True), ("c", True), ("b", True)]


def test_a_target_of_a_batch_that_cannot_be_written_fails_alone(
    jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("b.pt").mkdir()
    outcomes = list(in_batches([jobs[0], jobs[1], jobs[4]], BATCH, Display()))
    assert [(own.job.picture.stem, own.failure) for own in outcomes] == [
        ("b", "b.pt: is a folder; name a file"),
        ("a", ""),
        ("e", ""),
    ]
