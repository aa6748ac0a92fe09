"""Starts Python processes, for tests that send signals to them."""

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{_ROOT / 'runtime_py'}:{_ROOT / 'toolchain'}"}


def started(code: str, *arguments: str, folder: Path, stdin: int | None = None) -> subprocess.Popen[str]:
    """Starts Python code with arguments in a folder, and returns once it has printed `ready`."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=_ENVIRONMENT,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process
