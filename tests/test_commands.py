"""Tests that Ctrl-C and SIGTERM end every command soon, with one line at most and no half-written file."""

import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from anir_runtime.manifest import Manifest
from anir_toolchain.checkpoint import load_model, save_model
from anir_toolchain.model import Model
from onnx import TensorProto, helper
from PIL import Image

from tests.fuzz.external_data import model_of
from tests.named_file import named_file
from tests.processes import started
from tests.random_network import random_network
from tests.vectors.anir import anir_files

PATIENCE = 60
"""Seconds after which a command counts as not ending; all take far less."""
_START = """
import signal, sys
signal.signal(signal.SIGINT, signal.{handler})
from anir_runtime.commands import {command}
print("ready", flush=True)
sys.exit({command}())
"""
"""Code that runs a command; it sets the handler, as interrupts may be ignored where the tests run."""

Command = tuple[str, list[str]]
WHOLE: dict[str, Callable[[Path], object]] = {
    "new": Manifest.load,
    "new.pt": load_model,
    "new.png": lambda path: Image.open(path).load(),
}
"""Functions that read the output of a name, and fail if it is not complete."""


def _start(
    command: Command,
    folder: Path,
    handler: str = "default_int_handler",
    before: str = "",
    stdin: int | None = None,
) -> subprocess.Popen[str]:
    """Starts a command, and returns once its module is imported."""
    function, arguments = command
    code = before + _START.format(command=function, handler=handler)
    return started(code, *arguments, folder=folder, stdin=stdin)


def _wait_for(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.02)


def _stop(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """Sends a signal, and returns the exit code and the text on stderr."""
    process.send_signal(number)
    try:
        _, error = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, error


@pytest.fixture
def work(tmp_path: Path, model: Model) -> Path:
    """Returns a folder with a picture, a model, and a neural image that takes minutes to draw."""
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    save_model(model, tmp_path / "model.pt")
    slow = random_network("gabor", 16, 256, (16384, 16384))
    (tmp_path / "slow.onnx").write_bytes(named_file(slow))
    return tmp_path


COMMANDS: dict[str, Command] = {
    "train": ("train", ["a.png", "-o", "new.pt", "--preset", "best"]),
    "export": ("export", ["model.pt", "--all-subnets", "-o", "new"]),
    "eval": ("evaluate", ["model.pt"]),
    "run": ("run", ["slow.onnx", "-o", "new.png"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("seconds", [0.05, 0.4, 3])
def test_a_signal_at_any_time_ends_a_command(
    name: str, number: signal.Signals, seconds: float, work: Path
) -> None:
    process = _start(COMMANDS[name], work)
    time.sleep(seconds)
    code, error = _stop(process, number)
    assert "Traceback" not in error
    if number == signal.SIGINT:
        # The command may have ended before (0); during imports, the signal ends Python itself.
        assert code in (130, -signal.SIGINT, 0), error
    else:
        assert code in (-signal.SIGTERM, 0), error
    # Where the signal came after a file had been written, the file must be complete.
    for path in work.iterdir():
        if path.name in WHOLE:
            WHOLE[path.name](path)


def test_ctrl_c_ends_a_long_drawing_with_one_line(work: Path) -> None:
    process = _start(COMMANDS["run"], work)
    _wait_for(lambda: any(path.suffix == ".part" for path in work.iterdir()), process)
    assert _stop(process, signal.SIGINT) == (130, "anir-run: interrupted\n")
    assert sorted(path.name for path in work.iterdir()) == ["a.png", "model.pt", "slow.onnx"]


def test_ctrl_c_ends_a_trusted_graph_that_runs_forever(work: Path) -> None:
    model = model_of("loop-constant")
    (once,) = (node for node in model.graph.node if node.output[0] == "once")
    once.attribute[0].t.int64_data[0] = 2**40
    # The count depends on an input, as ONNX Runtime would compute constants while it opens the file.
    once.output[0] = "many"
    counted = [
        helper.make_node("Size", ["x"], ["columns"]),
        helper.make_node("Mul", ["columns", "many"], ["once"]),
    ]
    at = list(model.graph.node).index(once) + 1
    for node in reversed(counted):
        model.graph.node.insert(at, node)
    (work / "loop.onnx").write_bytes(model.SerializeToString())
    process = _start(("run", ["loop.onnx", "--trust-graph"]), work)
    time.sleep(3)
    code, error = _stop(process, signal.SIGINT)
    assert code in (130, -signal.SIGINT)
    assert error in ("anir-run: interrupted\n", "")


def test_ctrl_c_ends_a_trusted_graph_that_takes_forever_to_open(work: Path) -> None:
    """ONNX Runtime computes products of constants while it opens a file."""
    model = model_of("constant")
    nodes = model.graph.node
    at = next(k for k, node in enumerate(nodes) if node.output[0] == "sum")
    size = helper.make_tensor("size", TensorProto.INT64, [2], [3000, 3000])
    products = [helper.make_node("MatMul", [f"m{k}", f"m{k}"], [f"m{k + 1}"]) for k in range(500)]
    for node in (
        helper.make_node("Add", ["x", "most"], ["x_and_more"]),
        helper.make_node("ReduceMax", ["m500"], ["most"], keepdims=0),
        *reversed(products),
        helper.make_node("ConstantOfShape", ["size"], ["m0"]),
        helper.make_node("Constant", [], ["size"], value=size),
    ):
        nodes.insert(at, node)
    column = next(node for node in nodes if node.output[0] == "column")
    column.input[0] = "x_and_more"
    nodes.remove(column)
    nodes.insert(at + 504, column)
    (work / "product.onnx").write_bytes(model.SerializeToString())
    process = _start(("run", ["product.onnx", "--trust-graph"]), work)
    time.sleep(4)
    assert _stop(process, signal.SIGINT) == (-signal.SIGINT, "")


_ENDLESS = """
from wasmtime import Engine, Instance, Module, Store
import anir_runtime.coder
engine = Engine()
store = Store(engine)
module = Module(engine, '(module (func (export "run") (loop br 0)))')
endless = Instance(store, module, []).exports(store)["run"]
def start(*_):
    open("inside", "w").close()
    endless(store)
anir_runtime.coder.Coder.__init__ = start
"""


@pytest.mark.parametrize(
    ("command", "last"),
    [
        (("run", ["a.anir"]), (-signal.SIGINT, "")),
        (("evaluate", ["a.anir"]), (130, "anir-eval: interrupted\n")),
        (("export", ["a.anir", "--all-subnets", "-o", "new"]), (130, "anir-export: interrupted\n")),
        (("export", ["model.pt", "-o", "new.anir"]), (130, "anir-export: interrupted\n")),
        (("train", ["a.png", "-o", "new.pt"]), (130, "anir-train: interrupted\n")),
    ],
    ids=["run", "eval", "export", "export-anir", "train"],
)
def test_ctrl_c_ends_webassembly_that_runs_forever(
    command: Command, last: tuple[int, str], work: Path
) -> None:
    (work / "a.anir").write_bytes(anir_files()[0])
    process = _start(command, work, before=_ENDLESS)
    _wait_for((work / "inside").exists, process)
    time.sleep(0.1)
    assert process.poll() is None, process.communicate()
    assert _stop(process, signal.SIGINT) == last
    assert not {"new", "new.pt", "new.anir"} & {path.name for path in work.iterdir()}


@pytest.mark.parametrize("beginning", [b"", anir_files()[0], b"\x89ani"], ids=["zeros", "anir", "magic"])
def test_endless_input_is_refused(beginning: bytes, tmp_path: Path) -> None:
    process = _start(("run", ["-", "-o", "new.png"]), tmp_path, stdin=subprocess.PIPE)
    assert process.stdin
    with suppress(BrokenPipeError):
        process.stdin.buffer.write(beginning)  # type: ignore[attr-defined]
        while True:
            process.stdin.buffer.write(bytes(1 << 20))  # type: ignore[attr-defined]
    error = process.stderr.read() if process.stderr else ""
    assert process.wait(PATIENCE) == 1
    assert error == "anir-run: the image: larger than 64 MiB, no neural image is\n"
    assert not list(tmp_path.iterdir())
    with suppress(BrokenPipeError):
        process.stdin.close()


def test_ctrl_c_ends_a_wait_for_input(tmp_path: Path) -> None:
    process = _start(("run", ["-", "-o", "new.png"]), tmp_path, stdin=subprocess.PIPE)
    time.sleep(2)
    assert _stop(process, signal.SIGINT) == (-signal.SIGINT, "")


def test_a_command_started_with_interrupts_ignored_ignores_them(work: Path) -> None:
    """A shell's background jobs ignore interrupts."""
    process = _start(("run", ["slow.onnx", "--size", "8x8"]), work, "SIG_IGN")
    code, error = _stop(process, signal.SIGINT)
    assert (code, error) == (0, "")
