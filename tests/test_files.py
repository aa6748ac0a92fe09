import errno
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from anir_runtime import files
from anir_runtime.errors import AnirError
from anir_runtime.files import replacing, replacing_folder

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture(autouse=True)
def _swept_anew() -> None:
    files._sweep.cache_clear()


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_once_all_of_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with replacing(path) as temporary:
        temporary.write_text("first")
        assert not path.exists()
    with replacing(path) as temporary:
        temporary.write_text("second")
        assert path.read_text() == "first"
    assert (path.read_text(), _names(path.parent)) == ("second", ["a.txt"])


def _fail(place: AbstractContextManager[Path], error: BaseException, name: str | None = None) -> None:
    """Writes half a file, then raises the error."""
    with place as temporary:
        (temporary / name if name else temporary).write_text("half")
        raise error


def test_on_failure_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(AnirError, match=r"a\.txt: cannot be written \(No space left on device\)"):
        _fail(replacing(path), FULL)
    with pytest.raises(KeyboardInterrupt):
        _fail(replacing(path), KeyboardInterrupt())
    assert (path.read_text(), _names(tmp_path)) == ("old", ["a.txt"])


def test_links_are_followed_and_long_names_allowed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    with replacing(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    with replacing(tmp_path / ("x" * 255)) as temporary:
        temporary.write_text("long")
    with pytest.raises(AnirError, match="File name too long"), replacing(tmp_path / ("x" * 256)):
        pass


def test_folders_and_devices_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AnirError, match="is a folder; name a file"), replacing(tmp_path):
        pass
    with pytest.raises(AnirError, match="is not a file that can be replaced"), replacing(Path("/dev/null")):
        pass
    (tmp_path / "file").write_text("x")
    with pytest.raises(AnirError, match="cannot be written"), replacing(tmp_path / "file" / "a"):
        pass


def test_temporary_files_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from anir_runtime.files import replacing, replacing_folder\n"
        "here = Path(sys.argv[1])\n"
        "with replacing(here / 'a') as file, replacing_folder(here, 'z') as folder:\n"
        "    file.write_text('half'); (folder / 'b').write_text('half'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    left = _names(tmp_path)
    assert len(left) == 2
    mine = tmp_path / left[0].replace(left[0].split("-")[-2], str(os.getpid()))
    mine.write_text("of a living process")
    foreign = tmp_path / ".anir-elsewhere-1-0.part"
    foreign.write_text("of another machine")
    with replacing(tmp_path / "a") as temporary:
        temporary.write_text("whole")
    assert _names(tmp_path) == sorted([mine.name, foreign.name, "a"])


def test_a_new_folder_appears_complete(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with replacing_folder(folder, "m.json") as temporary:
        for name in ("a", "m.json"):
            (temporary / name).write_text(name)
        assert not folder.exists()
    assert _names(folder) == ["a", "m.json"]
    assert _names(folder.parent) == ["folder"]


def test_other_files_of_an_existing_folder_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "a").write_text("old")
    moved = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, to: (moved.append(self.name), replace(self, to)))
    with replacing_folder(tmp_path, "a") as temporary:
        for name in ("a", "b", "c"):
            (temporary / name).write_text("new")
        assert (tmp_path / "a").read_text() == "old"
    assert sorted(moved[:2]) == ["b", "c"]
    assert moved[2:] == ["a"]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "mine": "mine",
        "a": "new",
        "b": "new",
        "c": "new",
    }


@pytest.mark.parametrize("there", [True, False])
def test_on_failure_a_folder_is_unchanged(there: bool, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    if there:
        folder.mkdir()
        (folder / "a").write_text("old")
    with pytest.raises(AnirError, match="folder: cannot be written"):
        _fail(replacing_folder(folder, "a"), FULL, "a")
    assert folder.exists() == there
    assert _names(tmp_path) == ["folder"] * there
    assert not there or (folder / "a").read_text() == "old"


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(AnirError, match="is a file; name a folder"), replacing_folder(tmp_path / "file", "a"):
        pass
