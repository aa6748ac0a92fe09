"""The entry points of anir's commands, which Ctrl-C can end at any time."""

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module

from anir_runtime.errors import InterruptError
from anir_runtime.interrupts import ended_by_interrupts, ended_soon_by_interrupts


def run() -> int:
    """Runs `anir-run` and returns its exit code."""
    return _run("anir-run", "anir_runtime.cli", "main")


def train() -> int:
    """Runs `anir-train` and returns its exit code."""
    return _run("anir-train", "anir_toolchain.cli", "train_main")


def export() -> int:
    """Runs `anir-export` and returns its exit code."""
    return _run("anir-export", "anir_toolchain.cli", "export_main")


def evaluate() -> int:
    """Runs `anir-eval` and returns its exit code."""
    return _run("anir-eval", "anir_toolchain.cli", "eval_main")


def _run(name: str, module: str, function: str) -> int:
    with ended_by_interrupts():
        main: Callable[[], int] = getattr(import_module(module), function)
    with ended_soon_by_interrupts(name):
        code = main()
    if code == InterruptError.exit_code:
        with suppress(OSError):
            sys.stdout.flush()
        # Everything is cleaned up: exit without waiting for threads that still draw.
        os._exit(code)
    # Otherwise Python's garbage collector visits all objects at exit: over half a second with torch imported.
    gc.freeze()
    return code
