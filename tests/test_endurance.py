"""Tests random kills, full disks, two processes with the same output, and opening thousands of files."""

import random
from pathlib import Path

import pytest
from anir_runtime.anir_header import FAMILIES
from anir_runtime.decoder import Decoder

from tests.kills import COMMANDS, assert_same, copy_inputs, end, kill, make_inputs, names, output_of, start
from tests.named_file import named_file
from tests.random_network import random_network
from tests.vectors.anir import anir_files

pytestmark = pytest.mark.slow

KILLS = 3
"""Kills of each command; `python -m tests.kills` runs more of them."""
_FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))
"""
"""Code that makes writes fail once a file would exceed `size` bytes, as on a full disk."""


Ran = tuple[Path, dict[str, float]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Returns a folder in which all commands were run once, and the seconds that each took."""
    folder = tmp_path_factory.mktemp("done")
    return folder, make_inputs(folder)


@pytest.fixture
def done(ran: Ran) -> Path:
    """Returns a folder in which all commands were run once."""
    return ran[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_command_resumes_or_leaves_nothing_behind(name: str, ran: Ran) -> None:
    """After a kill the output is missing or complete, and the same command then completes it."""
    done, seconds = ran
    tally = kill(name, KILLS, seconds[name], done, random.Random())
    assert tally.killed >= KILLS
    assert tally.ended


@pytest.mark.parametrize("size", [0, 100])
@pytest.mark.parametrize("name", COMMANDS)
def test_on_a_full_disk_a_command_fails_with_a_message_and_leaves_nothing(
    name: str, size: int, done: Path, tmp_path: Path
) -> None:
    copy_inputs(name, done, tmp_path)
    process = start(COMMANDS[name], tmp_path, _FULL.format(size=size))
    _, error = process.communicate(timeout=120)
    lines = [line for line in error.splitlines() if " step " not in line]
    assert process.returncode == 1, error
    # There may be several lines: training first warns that it continues without saving its state.
    assert lines
    # torch needs a temporary folder in which a few bytes can be written.
    whys = "cannot be written (File too large)", "No usable temporary directory"
    assert all(any(why in line for why in whys) for line in lines), error
    assert not any("standard output" in line for line in lines)
    assert output_of(COMMANDS[name]) not in names(tmp_path)
    assert not [own for own in names(tmp_path) if own.endswith(".part")]


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
"""Code that repeats a command with a higher limit on the size of files each time, until it succeeds."""


@pytest.mark.parametrize("name", ["export", "export-anir", "run"])
def test_a_disk_full_at_any_write_leaves_the_folder_unchanged(name: str, done: Path, tmp_path: Path) -> None:
    copy_inputs(name, done, tmp_path)
    process = start(COMMANDS[name], tmp_path, "import os\nbefore = os.listdir()", _EVERY)
    _, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    refused = error.splitlines()
    assert len(refused) > 5
    assert all("cannot be written (File too large)" in line for line in refused), error
    output = output_of(COMMANDS[name])
    assert_same(tmp_path / output, done / output)


def test_two_processes_with_the_same_output_do_not_damage_it(done: Path, tmp_path: Path) -> None:
    copy_inputs("run", done, tmp_path)
    copy_inputs("fit", done, tmp_path)
    for process in [start(COMMANDS["run"], tmp_path) for _ in range(2)]:
        end(process)
    assert_same(tmp_path / "big.png", done / "big.png")
    two = [start(COMMANDS["fit"], tmp_path) for _ in range(2)]
    errors = [process.communicate(timeout=120)[1] for process in two]
    # One of the processes either reports that another one is running or finds the job done.
    assert all(process.returncode == 0 or "another" in own for process, own in zip(two, errors, strict=True))
    assert 0 in [process.returncode for process in two]
    assert_same(tmp_path / "a.pt", done / "a.pt")
    assert names(tmp_path) == {"big.onnx", "big.png", "a.png", "a.pt"}


def _resident() -> float:
    """Returns the resident memory of this process, in MiB."""
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to see the memory in use")
def test_opening_and_drawing_repeatedly_leaks_no_memory() -> None:
    files = [*(named_file(random_network(family, 3, 16)) for family in FAMILIES), *anir_files()]

    def draw(times: int) -> None:
        for k in range(times):
            Decoder(files[k % len(files)]).decode((64, 48))

    draw(90)
    before = _resident()
    draw(2000)
    assert _resident() - before < 20
