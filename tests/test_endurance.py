"""Commands killed at random, disks that are full, two processes on one output, hundreds of opens."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from anir_runtime.decoder import Decoder
from anir_toolchain.checkpoint import load_model
from PIL import Image

from tests.named_file import named_file
from tests.random_network import random_network
from tests.vectors.anir import anir_files

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT / 'runtime_py'}:{ROOT / 'toolchain'}"}
_COMMAND = """
import sys
{before}
from anir_toolchain import presets
presets.PRESETS["fast"] = presets.Preset(60, 256, 2e-2, 0.5, 0.9)
from anir_toolchain.cli import train_main, export_main
from anir_runtime.cli import main as run_main
{last}
"""
_ONCE = """
print("ready", flush=True)
sys.exit({name}_main(sys.argv[1:]))
"""
_FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))
"""
"""A file that grows beyond so many bytes cannot be written, as on a full disk."""

KILLS = int(os.environ.get("ANIR_KILLS", "3"))
"""Of each command."""
TRAIN = ["train", "a.png", "-o", "a.pt", "--preset", "fast", "--space", "d2,3w8"]
EXPORT = ["export", "a.pt", "--all-subnets", "-o", "out"]
STREAM = ["export", "a.pt", "-o", "a.anir"]
RUN = ["run", "big.onnx", "-o", "big.png", "--size", "1500x1000"]


def _start(command: list[str], folder: Path, before: str = "", last: str = _ONCE) -> subprocess.Popen[str]:
    name, *arguments = command
    code = _COMMAND.format(before=before, last=last.format(name=name))
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all three commands were run once."""
    folder = tmp_path_factory.mktemp("done")
    pixels = [(x * 5 % 256, y * 7 % 256, 90) for y in range(32) for x in range(48)]
    image = Image.new("RGB", (48, 32))
    image.putdata(pixels)
    image.save(folder / "a.png")
    (folder / "big.onnx").write_bytes(named_file(random_network("siren", 4, 48, (300, 200))))
    for command in (TRAIN, EXPORT, STREAM, RUN):
        process = _start(command, folder)
        _, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
    return folder


@pytest.mark.parametrize(
    ("command", "inputs"),
    [(TRAIN, ["a.png"]), (EXPORT, ["a.pt"]), (STREAM, ["a.pt"]), (RUN, ["big.onnx"])],
    ids=["train", "export", "stream", "run"],
)
def test_what_is_killed_is_resumed_or_clean(
    command: list[str], inputs: list[str], done: Path, tmp_path: Path
) -> None:
    """The output is not there or whole, and the same command then makes what it makes alone."""
    for name in inputs:
        (tmp_path / name).write_bytes((done / name).read_bytes())
    output = command[command.index("-o") + 1]
    for _ in range(KILLS):
        process = _start(command, tmp_path)
        time.sleep(random.uniform(0, 1.5))
        process.kill()
        process.communicate()
        if (tmp_path / output).exists():
            _assert_same(tmp_path / output, done / output)
    process = _start(command, tmp_path)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    _assert_same(tmp_path / output, done / output)
    assert _names(tmp_path) == {*inputs, output}


def _assert_same(got: Path, want: Path) -> None:
    if got.is_dir():
        assert _names(got) == _names(want)
        assert all((got / name).read_bytes() == (want / name).read_bytes() for name in _names(want))
    elif got.suffix == ".pt":
        one, other = load_model(got), load_model(want)
        assert all(
            (one.trunks[width].weight == other.trunks[width].weight).all() for width in one.space.widths
        )
    else:
        assert got.read_bytes() == want.read_bytes()


@pytest.mark.parametrize("size", [100, 1500])
@pytest.mark.parametrize(
    ("command", "inputs"),
    [(TRAIN, ["a.png"]), (EXPORT, ["a.pt"]), (RUN, ["big.onnx"])],
    ids=["train", "export", "run"],
)
def test_a_full_disk_leaves_nothing_and_says_so(
    command: list[str], inputs: list[str], size: int, done: Path, tmp_path: Path
) -> None:
    for name in inputs:
        (tmp_path / name).write_bytes((done / name).read_bytes())
    process = _start(command, tmp_path, _FULL.format(size=size))
    _, error = process.communicate(timeout=120)
    lines = [line for line in error.splitlines() if " step " not in line]
    assert process.returncode == 1, error
    # A training first warns that it goes on without its state.
    assert lines
    assert all("cannot be written (File too large)" in line for line in lines)
    assert command[command.index("-o") + 1] not in _names(tmp_path)
    assert not [name for name in _names(tmp_path) if name.endswith(".part")]


_EVERY = """
import itertools, os, resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
print("ready", flush=True)
for size in itertools.chain(range(0, 40, 13), (2**k for k in range(6, 30))):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    code = {name}_main(sys.argv[1:])
    if code == 0:
        sys.exit(0)
    assert code == 1 and os.listdir() == before, (size, code, os.listdir())
"""
"""Runs a command again and again, each time on a disk with more room, until it is done."""


@pytest.mark.parametrize(
    ("command", "inputs"),
    [(EXPORT, ["a.pt"]), (STREAM, ["a.pt"]), (RUN, ["big.onnx"])],
    ids=["export", "stream", "run"],
)
def test_a_disk_that_is_full_at_any_write(
    command: list[str], inputs: list[str], done: Path, tmp_path: Path
) -> None:
    for name in inputs:
        (tmp_path / name).write_bytes((done / name).read_bytes())
    process = _start(command, tmp_path, "import os\nbefore = os.listdir()", _EVERY)
    _, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    refused = error.splitlines()
    assert len(refused) > 5
    assert all("cannot be written (File too large)" in line for line in refused), error
    output = command[command.index("-o") + 1]
    _assert_same(tmp_path / output, done / output)


def test_two_processes_on_one_output(done: Path, tmp_path: Path) -> None:
    for name in ("big.onnx", "a.png"):
        (tmp_path / name).write_bytes((done / name).read_bytes())
    two = [_start(RUN, tmp_path) for _ in range(2)]
    assert [process.communicate(timeout=120)[1] for process in two] == ["", ""]
    _assert_same(tmp_path / "big.png", done / "big.png")
    two = [_start(TRAIN, tmp_path) for _ in range(2)]
    errors = [process.communicate(timeout=120)[1] for process in two]
    # The second one says that the first is at work, or finds its work done.
    assert all(process.returncode == 0 or "another" in own for process, own in zip(two, errors, strict=True))
    assert 0 in [process.returncode for process in two]
    _assert_same(tmp_path / "a.pt", done / "a.pt")
    assert _names(tmp_path) == {"big.onnx", "big.png", "a.png", "a.pt"}


def _resident() -> float:
    """Memory of this process, in MiB."""
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to see the memory in use")
def test_opening_and_drawing_again_and_again_takes_no_more_memory() -> None:
    families = "siren", "fourier", "gabor", "lapped"
    files = [*(named_file(random_network(family, 3, 16)) for family in families), *anir_files()]

    def draw(times: int) -> None:
        for k in range(times):
            Decoder(files[k % len(files)]).decode((64, 48))

    draw(90)
    before = _resident()
    draw(2000)
    assert _resident() - before < 20
