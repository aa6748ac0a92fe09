from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from anir_runtime.errors import AnirError, UsageError
from anir_toolchain.config import Config
from anir_toolchain.jobs import Job, Options, attempt, find_jobs, run
from anir_toolchain.level_file import ANIR, LevelFile
from anir_toolchain.progress import Progress
from PIL import Image


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _make(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), "red").save(name, "PNG")


def _find(*inputs: str, output: str = "models", recursive: bool = False) -> dict[str, str]:
    jobs = find_jobs([Path(name) for name in inputs], Path(output), recursive)
    return {str(job.picture): str(job.target) for job in jobs}


def test_one_picture_becomes_the_output() -> None:
    _make("a.png")
    assert _find("a.png", output="b.pt") == {"a.png": "b.pt"}
    assert _find("missing.png", output="b.pt") == {"missing.png": "b.pt"}  # found missing when its turn comes
    Path("models").mkdir()
    assert _find("a.png") == {"a.png": "models/a.pt"}


def test_of_a_folder_the_pictures_are_found() -> None:
    _make("p/b.JPG", "p/a.png", "p/in/c.png", "p/.hidden.png", "p/d.heic")
    Path("p/notes.txt").write_text("no picture")
    Path("p/folder.png").mkdir()
    flat = {"p/a.png": "models/a.pt", "p/b.JPG": "models/b.pt", "p/d.heic": "models/d.pt"}
    assert _find("p") == flat
    assert _find("p", recursive=True) == {**flat, "p/in/c.png": "models/in/c.pt"}
    assert _find("p", "p/a.png", "p/in") == {**flat, "p/in/c.png": "models/c.pt"}
    Path("empty").mkdir()
    with pytest.raises(AnirError, match="empty: no pictures in this folder"):
        _find("empty")


def test_names_that_differ_by_their_endings_keep_these() -> None:
    _make("a.png", "A.jpg", "b.png", "in/a.png")
    assert _find("a.png", "A.jpg", "b.png") == {
        "a.png": "models/a.png.pt",
        "A.jpg": "models/A.jpg.pt",
        "b.png": "models/b.pt",
    }
    with pytest.raises(UsageError, match=r"two pictures would both become models/a\.png\.pt"):
        _find("a.png", "in/a.png")


def test_no_model_may_replace_a_picture() -> None:
    _make("a.pt", "b.pt", "c.pt.resume")
    with pytest.raises(UsageError, match=r"a\.pt is a picture"):
        _find("a.pt", "b.pt", output=".")
    with pytest.raises(UsageError, match=r"c\.pt\.resume is a picture"):
        _find("c.pt.resume", output="c.pt")
    with pytest.raises(UsageError, match=r"a\.pt is a file; for several pictures -o is a folder"):
        _find("b.pt", "c.pt.resume", output="a.pt")


OPTIONS = Options(Config("siren", preset="fast", steps=3, depths=(2,), widths=(4,)))


def test_an_outcome_tells_what_became_of_it() -> None:
    _make("a.png")
    job = Job(Path("a.png"), Path("a.pt"))
    seen = []
    outcome = run(job, OPTIONS, seen.append)
    assert (outcome.job, outcome.failure, outcome.fitted) == (job, "", True)
    assert outcome.bytes == Path("a.pt").stat().st_size
    assert outcome.psnr == seen[-1].psnr["d2w4"]
    again = run(job, OPTIONS, seen.append)
    assert (again.fitted, again.bytes, again.psnr) == (False, outcome.bytes, None)
    assert sorted(path.name for path in Path().iterdir()) == ["a.png", "a.pt"]


def test_another_picture_of_the_same_name_is_fitted() -> None:
    _make("a.png")
    job = Job(Path("a.png"), Path("a.pt"))
    run(job, OPTIONS, lambda _: None)
    Image.new("RGB", (8, 8), "blue").save("a.png")
    assert run(job, OPTIONS, lambda _: None).fitted


def test_what_goes_wrong_is_in_the_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    assert attempt(Job(Path("no.png"), Path("a.pt")), OPTIONS, print).failure == "no.png: no such file"
    _make("a.png")

    for error in (
        MemoryError(),
        torch.OutOfMemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ):
        monkeypatch.setattr("anir_toolchain.jobs.fit", _raising(error))
        failure = attempt(Job(Path("a.png"), Path("a.pt")), OPTIONS, print).failure
        assert failure == "a.png: not enough memory; resize it first"
    monkeypatch.setattr("anir_toolchain.jobs.fit", _raising(RuntimeError("a mistake of ours")))
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        attempt(Job(Path("a.png"), Path("a.pt")), OPTIONS, print)


def _raising(error: BaseException) -> Callable[..., None]:
    def fit(*_: object, **__: object) -> None:
        raise error

    return fit


def test_a_job_becomes_an_anir_file_by_its_targets_name() -> None:
    _make("a.png")
    job = Job(Path("a.png"), Path("new/a.anir"))
    seen: list[Progress] = []
    outcome = run(job, OPTIONS, seen.append)
    levels = LevelFile.read(job.target)
    assert [level.name for level in levels.whole] == ["d2w4"]
    assert (outcome.fitted, outcome.bytes, outcome.psnr) == (True, len(levels.data), levels.whole[0].psnr[0])
    assert [path.name for path in Path("new").iterdir()] == ["a.anir"]
    again = run(job, OPTIONS, seen.append)
    assert (again.fitted, again.bytes) == (False, outcome.bytes)
    assert run(job, replace(OPTIONS, force=True), seen.append).fitted
    # Of another configuration, another picture, or not whole.
    assert run(job, replace(OPTIONS, config=replace(OPTIONS.config, bits=8)), seen.append).fitted
    assert run(job, OPTIONS, seen.append).fitted
    Image.new("RGB", (8, 8), "blue").save("a.png")
    assert run(job, OPTIONS, seen.append).fitted
    job.target.write_bytes(job.target.read_bytes()[:-1])
    assert run(job, OPTIONS, seen.append).fitted
    assert not run(job, OPTIONS, seen.append).fitted
    Image.new("LA", (8, 8), (99, 128)).save("a.png")
    assert run(job, OPTIONS, seen.append).fitted
    assert LevelFile.read(job.target).header.colours == 4
    assert not run(job, OPTIONS, seen.append).fitted


def test_an_interrupt_while_the_anir_file_is_written_loses_no_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _make("a.png")
    job = Job(Path("a.png"), Path("a.anir"))
    with monkeypatch.context() as patch:
        patch.setattr("anir_toolchain.anir_export.AnirWriter.finish", _raising(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            run(job, OPTIONS, lambda _: None)
    assert sorted(path.name for path in Path().iterdir()) == ["a.anir.resume", "a.png"]
    monkeypatch.setattr("anir_toolchain.training.begin", _raising(AssertionError("it began anew")))
    assert run(job, OPTIONS, lambda _: None).fitted
    assert sorted(path.name for path in Path().iterdir()) == ["a.anir", "a.png"]


def test_only_an_anir_file_is_replaced_by_one() -> None:
    _make("a.png", "b.anir")
    failure = attempt(Job(Path("a.png"), Path("b.anir")), OPTIONS, print).failure
    assert failure == "b.anir: is no .anir file; it would be replaced, so name another -o, or remove it"
    Path("c.anir").mkdir()
    assert attempt(Job(Path("a.png"), Path("c.anir")), OPTIONS, print).failure.startswith(
        "c.anir: is a folder"
    )


def test_names_of_anir_files() -> None:
    _make("p/a.png", "p/b.png")

    def found(*inputs: str, output: str) -> list[str]:
        return [
            str(job.target) for job in find_jobs([Path(name) for name in inputs], Path(output), False, ANIR)
        ]

    assert found("p", output="out") == ["out/a.anir", "out/b.anir"]
    assert found("p/a.png", output="a.anir") == ["a.anir"]
    with pytest.raises(UsageError, match=r"-o a\.pt: the name of an \.anir file ends in \.anir"):
        found("p/a.png", output="a.pt")
    with pytest.raises(UsageError, match=r"-o a\.anir: for several pictures -o is a folder; --anir writes"):
        _find("p", output="a.anir")
    _make("c.anir")
    with pytest.raises(UsageError, match="the model would replace"):
        _find("c.anir", output="c.anir")
