import errno
import fcntl
import os
import signal
import subprocess
import sys
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from anir_runtime.errors import AnirError
from anir_toolchain.lock import locked

_HOLD = """
import sys, time
from pathlib import Path
from anir_toolchain.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def _of_windows(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Returns the module as it is on Windows, with an msvcrt whose locks are those of this system."""

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert (mode, count) == (2, 1)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PermissionError(errno.EACCES, "Permission denied") from error

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=2, locking=locking))
    spec = find_spec("anir_toolchain.lock")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        spec.loader.exec_module(module)
    return module


def _holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.pt"
    with _holder(path) as other:
        with pytest.raises(AnirError, match=r"a\.pt: another run is writing it"), locked(path):
            pass
        with locked(tmp_path / "new" / "b.pt"):
            pass
        other.communicate("")
    with locked(path):
        assert os.listdir(path.parent) == [".a.pt.lock"]
    assert os.listdir(path.parent) == []


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    with _holder(path) as other:
        other.send_signal(signal.SIGKILL)
    assert os.listdir(tmp_path) == [".a.pt.lock"]
    with locked(path):
        pass
    assert os.listdir(tmp_path) == []


def test_a_lock_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file" / "a.pt", tmp_path / ("x" * 255)):
        with pytest.raises(AnirError, match="cannot be written"), locked(path):
            pass


def test_on_windows_there_is_one_writer_at_a_time_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, path = _of_windows(monkeypatch), tmp_path / "a.pt"
    with lock.locked(path):
        with pytest.raises(AnirError, match=r"a\.pt: another run is writing it"), lock.locked(path):
            pass
        assert os.listdir(tmp_path) == [".a.pt.lock"]
    assert os.listdir(tmp_path) == []
    with lock.locked(path):
        pass


def test_on_windows_a_lock_file_that_another_process_has_opened_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_use(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, "The process cannot access the file", str(path))

    lock = _of_windows(monkeypatch)
    monkeypatch.setattr(Path, "unlink", in_use)
    for _ in range(2):
        with lock.locked(tmp_path / "a.pt"):
            pass
    assert os.listdir(tmp_path) == [".a.pt.lock"]
