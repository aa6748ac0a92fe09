"""Kills commands at random moments, and checks that their output is either complete or missing.

Usage: python -m tests.kills -n 50 [--seed 1] [-o RESULT.json]

Only kills of processes that are still running count. After each kill the output must be missing, or equal to
that of an undisturbed run. When the same command is started again in the same folder, it must write this
output and leave no other files.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from anir_toolchain.checkpoint import load_model
from PIL import Image

from tests.named_file import named_file
from tests.processes import started
from tests.random_network import random_network

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
_PATIENCE = 300

COMMANDS = {
    "fit": ["train", "a.png", "-o", "a.pt", "--preset", "fast", "--space", "d2,3w8"],
    "export": ["export", "a.pt", "--all-subnets", "-o", "out"],
    "export-anir": ["export", "a.pt", "-o", "a.anir"],
    "run": ["run", "big.onnx", "-o", "big.png", "--size", "1500x1000"],
}
INPUTS = {"fit": ["a.png"], "export": ["a.pt"], "export-anir": ["a.pt"], "run": ["big.onnx"]}
"""Names of the files that each command reads."""
_ALL_KILLED = 5
"""Kills in one folder, after which the command is run to its end; further kills use a new folder."""


@dataclass
class Tally:
    """Outcomes of one command.

    Attributes:
        killed: number of kills that hit a running process.
        left: number of these kills after which the complete output existed; after the others there was none.
        ended: number of times that it then ran to its end and wrote the same as an undisturbed run.
    """

    killed: int = 0
    left: int = 0
    ended: int = 0


def start(command: list[str], folder: Path, before: str = "", last: str = _ONCE) -> subprocess.Popen[str]:
    """Starts a command, and returns once its modules are imported."""
    name, *arguments = command
    return started(_COMMAND.format(before=before, last=last.format(name=name)), *arguments, folder=folder)


def end(process: subprocess.Popen[str]) -> None:
    """Waits for the end of a command and asserts that it succeeded."""
    _, error = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0, error


def output_of(command: list[str]) -> str:
    """Returns the name of the file or folder that a command writes."""
    return command[command.index("-o") + 1]


def names(folder: Path) -> set[str]:
    """Returns the names of a folder's entries."""
    return {path.name for path in folder.iterdir()}


def make_inputs(folder: Path) -> dict[str, float]:
    """Writes a picture and a neural image, runs all commands once, and returns the seconds of each."""
    image = Image.new("RGB", (48, 32))
    image.putdata([(x * 5 % 256, y * 7 % 256, 90) for y in range(32) for x in range(48)])
    image.save(folder / "a.png")
    (folder / "big.onnx").write_bytes(named_file(random_network("siren", 4, 48, (300, 200))))
    seconds = {}
    for name, command in COMMANDS.items():
        process = start(command, folder)
        began = time.monotonic()
        end(process)
        seconds[name] = time.monotonic() - began
    return seconds


def copy_inputs(name: str, done: Path, folder: Path) -> None:
    """Copies the inputs of a command from `done`, the folder in which all commands were run."""
    for own in INPUTS[name]:
        (folder / own).write_bytes((done / own).read_bytes())


def remove(output: Path) -> None:
    """Removes a file or a folder."""
    if output.is_dir():
        shutil.rmtree(output)
    else:
        output.unlink()


def assert_same(got: Path, want: Path, was_killed: bool = False) -> None:
    """Asserts that outputs are equal, except for the temporary files (`.part`) of a killed command."""
    if got.is_dir():
        assert {name for name in names(got) if not (was_killed and name.endswith(".part"))} == names(want)
        assert all((got / name).read_bytes() == (want / name).read_bytes() for name in names(want))
    elif got.suffix == ".pt":
        one, other = load_model(got), load_model(want)
        assert all(
            (one.trunks[width].weight == other.trunks[width].weight).all() for width in one.space.widths
        )
    else:
        assert got.read_bytes() == want.read_bytes()


def kill(name: str, times: int, seconds: float, done: Path, rng: random.Random) -> Tally:
    """Kills a command, which takes `seconds`, at random moments until `times` kills hit it running."""
    command, tally = COMMANDS[name], Tally()
    output = output_of(command)
    while tally.killed < times:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            copy_inputs(name, done, folder)
            for _ in range(min(_ALL_KILLED, times - tally.killed)):
                process = start(command, folder)
                time.sleep(rng.uniform(0, seconds))
                was_at_work = process.poll() is None
                process.kill()
                process.communicate()
                tally.killed += was_at_work
                if (folder / output).exists():
                    assert_same(folder / output, done / output, was_killed=True)
                    tally.left += was_at_work
                    # Otherwise the next run would find the job done.
                    remove(folder / output)
            end(start(command, folder))
            tally.ended += 1
            assert_same(folder / output, done / output)
            assert names(folder) == {*INPUTS[name], output}
    return tally


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    options = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    options.add_argument("-n", type=int, default=50, help="kills in all, or a few more")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("-o", "--output", type=Path, help="result as JSON")
    return options


def main() -> int:
    """Kills all commands in turn and returns the exit code."""
    chosen = parser().parse_args()
    rng = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory() as done:
        seconds = make_inputs(Path(done))
        each = -(-chosen.n // len(COMMANDS))
        tallies = {name: kill(name, each, seconds[name], Path(done), rng) for name in COMMANDS}
    result = {
        "seed": chosen.seed,
        "killed": sum(tally.killed for tally in tallies.values()),
        "commands": {name: asdict(tally) for name, tally in tallies.items()},
    }
    print(json.dumps(result, indent=1))
    if chosen.output:
        chosen.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
