import os
import signal
import subprocess
import sys
from pathlib import Path

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
