"""The entry points of `anir-train`, `anir-export` and `anir-eval`."""

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from anir_runtime.interrupts import ended_by_interrupts

_NEEDS = ("torch", "onnx", "onnxscript", "matplotlib", "typer", "rich")


def train_main(arguments: Sequence[str] | None = None) -> int:
    """Runs `anir-train` and returns its exit code."""
    return _run("train", arguments)


def export_main(arguments: Sequence[str] | None = None) -> int:
    """Runs `anir-export` and returns its exit code."""
    return _run("export", arguments)


def eval_main(arguments: Sequence[str] | None = None) -> int:
    """Runs `anir-eval` and returns its exit code."""
    return _run("eval", arguments)


def _run(command: str, arguments: Sequence[str] | None) -> int:
    missing = [package for package in _NEEDS if find_spec(package) is None]
    if missing:
        needs = f"needs {', '.join(missing)}; install the toolchain: pip install 'anir[toolchain]'"
        print(f"anir-{command}: {needs}", file=sys.stderr)
        return 1
    # The threads of numpy's BLAS would slow down ours by busy waiting. BLAS reads the variable when it is
    # loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Imported only now, as these modules need the packages checked above.
    with ended_by_interrupts():
        from anir_toolchain.commands import APPS
        from anir_toolchain.terminal import run
    return run(APPS[command], f"anir-{command}", arguments)
