import errno
import os
from pathlib import Path

import pytest
from anir_runtime.errors import AnirError, AnirWarning, UsageError
from anir_toolchain.jobs import find_jobs
from anir_toolchain.level_file import ANIR
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


def test_one_picture_is_written_to_the_output() -> None:
    _make("a.png")
    assert _find("a.png", output="b.pt") == {"a.png": "b.pt"}
    assert _find("missing.png", output="b.pt") == {"missing.png": "b.pt"}  # reported later, on opening
    Path("models").mkdir()
    assert _find("a.png") == {"a.png": "models/a.pt"}


def test_pictures_in_folders_are_found() -> None:
    _make("p/b.JPG", "p/a.png", "p/e.mpo", "p/f.HIF", "p/in/c.png", "p/.hidden.png", "p/d.heic")
    Path("p/notes.txt").write_text("no picture")
    Path("p/folder.png").mkdir()
    Path("p/link.png").symlink_to("nowhere")
    flat = {"p/a.png": "models/a.pt", "p/b.JPG": "models/b.pt", "p/d.heic": "models/d.pt"}
    flat |= {"p/e.mpo": "models/e.pt", "p/f.HIF": "models/f.pt"}
    flat["p/link.png"] = "models/link.pt"  # to be reported, as its file is missing
    assert _find("p") == flat
    assert _find("p", recursive=True) == {**flat, "p/in/c.png": "models/in/c.pt"}
    assert _find("p", "p/a.png", "p/in") == {**flat, "p/in/c.png": "models/c.pt"}
    Path("empty").mkdir()
    with pytest.raises(AnirError, match="empty: no pictures in this folder"):
        _find("empty")


def test_a_folder_that_cannot_be_read_is_left_out_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    _make("p/a.png", "p/closed/b.png", "p/open/c.png")
    scandir = os.scandir

    def refusing(folder: Path) -> object:
        if Path(folder).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.warns(AnirWarning, match=r"p/closed: cannot be read \(Permission denied\), so its pictures"):
        assert _find("p", recursive=True) == {"p/a.png": "models/a.pt", "p/open/c.png": "models/open/c.pt"}


def test_names_that_differ_only_by_suffix_keep_it() -> None:
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


def test_targets_of_anir_files_are_named_and_checked() -> None:
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
