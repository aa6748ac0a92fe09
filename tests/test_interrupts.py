"""Tests Ctrl-C in a process whose main thread runs compiled code or is saving a file."""

import signal
import time
from pathlib import Path

import pytest

from tests.processes import started

_PROCESS = """
import signal, sys, time
from contextlib import nullcontext
from pathlib import Path
from wasmtime import Engine, Instance, Module, Store
from anir_runtime.files import replacing
from anir_runtime.interrupts import ended_soon_by_interrupts, saving
signal.signal(signal.SIGINT, signal.default_int_handler)
store = Store(Engine())
module = Module(store.engine, '''(module (func (export "run") (local i64)
  (loop local.get 0 i64.const 1 i64.add local.tee 0 i64.const {rounds} i64.lt_u br_if 0)))''')
run = Instance(store, module, []).exports(store)["run"]
with ended_soon_by_interrupts("a-command"), replacing(Path("a.txt")) as temporary, {around}():
    temporary.write_text("half")
    print("ready", flush=True)
    {inside}
"""
ENDLESS, RUN = 2**62, "run(store)"


def _interrupted(folder: Path, rounds: int, around: str, inside: str) -> tuple[int, str]:
    """Starts a process, interrupts it, and returns the exit code and the last line on stderr."""
    process = started(_PROCESS.format(rounds=rounds, around=around, inside=inside), folder=folder)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    return process.returncode, error.splitlines()[-1]


@pytest.mark.parametrize(
    ("rounds", "around", "inside", "last"),
    [
        (ENDLESS, "nullcontext", RUN, (130, "a-command: interrupted")),
        (ENDLESS, "nullcontext", "time.sleep(60)", (-signal.SIGINT, "KeyboardInterrupt")),
        # The code takes a second or more; the interrupt takes effect after saving has ended.
        (2**32, "saving", RUN, (-signal.SIGINT, "KeyboardInterrupt")),
    ],
    ids=["compiled", "python", "saving"],
)
def test_ctrl_c_ends_a_process_unless_it_is_saving(
    rounds: int, around: str, inside: str, last: tuple[int, str], tmp_path: Path
) -> None:
    assert _interrupted(tmp_path, rounds, around, inside) == last
    assert not list(tmp_path.iterdir())
