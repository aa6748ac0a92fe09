"""Compares how fast two versions of the runtime open and draw the same networks, in turns.

Usage: python -m bench.decode_turns OLD OLD_FILES NEW NEW_FILES [-o bench/results/decode_turns.json]

OLD and NEW are checkouts. The two folders hold ONNX files of the same names, which the exporters of the two
versions wrote from the same weights. Each version draws its own files, on one thread, in its own process.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from anir_runtime.errors import AnirError
from anir_runtime.files import replacing
from anir_toolchain.terminal import run
from rich.progress import track

from bench import RESULTS
from bench.machine import machine

app = typer.Typer(add_completion=False)
SIZES = ((384, 256), (768, 512))
TURNS = 5
_RUNTIME = """
import sys, time
from anir_runtime.decoder import Decoder
for line in sys.stdin:
    path, width, height = line.rstrip("\\n").rsplit(" ", 2)
    started = time.perf_counter()
    decoder = Decoder(path, 1)
    opened = time.perf_counter()
    decoder.decode((int(width), int(height)))
    first = time.perf_counter()
    decoder.decode((int(width), int(height)))
    print(opened - started, time.perf_counter() - first, flush=True)
"""


@app.command()
def decode_turns(
    old: Annotated[Path, typer.Argument(help="A checkout of the older version.")],
    old_files: Annotated[Path, typer.Argument(help="Its ONNX files.")],
    new: Annotated[Path, typer.Argument(help="A checkout of the newer version.")],
    new_files: Annotated[Path, typer.Argument(help="Its ONNX files, of the same names.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The result.")] = RESULTS
    / "decode_turns.json",
) -> None:
    """Measures opening and drawing with both versions."""
    names = sorted({p.name for p in old_files.glob("*.onnx")} & {p.name for p in new_files.glob("*.onnx")})
    if not names:
        raise AnirError(f"{old_files} and {new_files} have no ONNX files of the same names")
    versions = [(_start(old), old_files), (_start(new), new_files)]
    cases = [(name, size) for name in names for size in SIZES]
    rows = [_row(versions, name, size) for name, size in track(cases, "drawing")]
    result = {"machine": machine(), "old": _commit(old), "new": _commit(new), "turns": TURNS, "rows": rows}
    with replacing(output) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    least = min(rows, key=lambda row: float(row["draw_ratio"]))
    print(
        f"{output}: {len(rows)} rows; the slowest, {least['file']} at {least['size']}: {least['draw_ratio']}"
    )


def _start(checkout: Path) -> subprocess.Popen[str]:
    """Starts a process that draws files with the runtime of a checkout: see `_ask`."""
    environment = {**os.environ, "PYTHONPATH": str(checkout / "runtime_py")}
    command = [sys.executable, "-c", _RUNTIME]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=checkout
    )


def _row(
    versions: list[tuple[subprocess.Popen[str], Path]], name: str, size: tuple[int, int]
) -> dict[str, Any]:
    """Returns median milliseconds of a file at a size, and how many times as fast the new version is."""
    turns = [[_ask(*version, name, size) for version in versions] for _ in range(TURNS)]
    row: dict[str, Any] = {"file": name.removesuffix(".onnx"), "size": f"{size[0]}x{size[1]}"}
    for i, what in enumerate(("open", "draw")):
        old, new = ([turn[version][i] for turn in turns] for version in (0, 1))
        row |= {f"{what}_old_ms": _ms(old), f"{what}_new_ms": _ms(new)}
        row[f"{what}_ratio"] = round(statistics.median(a / b for a, b in zip(old, new, strict=True)), 2)
    return row


def _ask(process: subprocess.Popen[str], folder: Path, name: str, size: tuple[int, int]) -> list[float]:
    """Returns the seconds of opening a file and of drawing it a second time."""
    assert process.stdin is not None
    assert process.stdout is not None
    print(folder.resolve() / name, *size, file=process.stdin, flush=True)
    answer = process.stdout.readline().split()
    if len(answer) != 2:
        raise AnirError(f"{folder / name} could not be drawn")
    return [float(seconds) for seconds in answer]


def _ms(seconds: list[float]) -> float:
    return round(1e3 * statistics.median(seconds), 2)


def _commit(checkout: Path) -> str:
    """Returns the abbreviated hash of the commit that is checked out."""
    command = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    raise SystemExit(run(app, "decode_turns", None))
