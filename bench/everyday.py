"""Measures the commands on a usual and a large picture: time, memory, and what the time is spent on."""

import json
import math
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from anir_runtime.files import replacing
from anir_toolchain.image import load_image
from anir_toolchain.terminal import run
from numpy.typing import NDArray
from PIL import Image

from bench import RESULTS
from bench.kodak import pictures_in
from bench.machine import machine

app = typer.Typer(add_completion=False)

SIZES = ((768, 512), (4000, 3000))
"""Sizes of the two pictures, (width, height) in pixels."""
_CHILD = """
import cProfile, sys
from anir_runtime import commands
stats, command = sys.argv[1:3]
del sys.argv[1:3]
profile = cProfile.Profile()
code = profile.runcall(getattr(commands, command))
profile.dump_stats(stats)
sys.exit(code)
"""
"""Code that runs a command and saves its profile."""
_PARTS = {
    ("image.py", "load_image"): "reads the picture",
    ("embedding.py", "encode_levels"): "finds each level's quantization step",
    ("training_state.py", "features_of"): "looks up the networks' inputs",
    ("training.py", "train"): "trains",
    ("finishing.py", "to_model"): "chooses networks and solves heads",
    ("instant.py", "instant_levels"): "finds each level's quantization step, and its network",
    ("ahead.py", "ahead"): "waits for levels and their networks",
    ("checkpoint.py", "save_model"): "writes the model",
    ("checkpoint.py", "load_model"): "reads the model",
    ("lapped_pitch.py", "best_pitch"): "chooses the pitch of the transform",
    ("lapped_analysis.py", "analyse"): "transforms pictures",
    ("anir_writer.py", "refine"): "codes the levels",
    ("choose.py", "choose_level"): "decodes the file",
    ("picture_file.py", "write_tiles"): "draws the picture and writes the PNG",
}
"""What the main thread of a command does in a function, by (file, function)."""


@app.command()
def everyday(
    images: Annotated[Path, typer.Argument(help="A folder of pictures.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The JSON result.")] = RESULTS
    / "everyday.json",
) -> None:
    """Measures time and memory of the commands, on a picture of 768×512 and on one of 12 megapixels."""
    paths = pictures_in(images, "")
    result: dict[str, Any] = {"machine": machine(), "load": os.getloadavg()[0], "pictures": []}
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder) / "picture.png"
            Image.fromarray(mosaic(paths, size)).save(picture)
            measured = [measure(name, own, Path(folder)) for name, own in _commands(picture)]
        result["pictures"].append({"size": size, "commands": measured})
    with replacing(output) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def mosaic(paths: Sequence[Path], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Fills a picture of size (W, H) with pictures side by side, in turn: uint8[H, W, 3]."""
    width, height = size
    across, down = math.ceil(width / SIZES[0][0]), math.ceil(height / SIZES[0][1])
    cells = (_landscape(path) for path in islice(cycle(paths), across * down))
    rows = [np.hstack(list(islice(cells, across))) for _ in range(down)]
    return np.vstack(rows)[:height, :width]


def _landscape(path: Path) -> NDArray[np.uint8]:
    """Reads a picture, turns it if it is upright, scales it to 768×512 and crops what overlaps."""
    image = load_image(path)[..., :3]
    if image.shape[0] > image.shape[1]:
        image = image.transpose(1, 0, 2)
    (width, height), scale = SIZES[0], max(SIZES[0][0] / image.shape[1], SIZES[0][1] / image.shape[0])
    own = Image.fromarray(np.ascontiguousarray(image))
    if scale != 1:
        own = own.resize([math.ceil(scale * n) for n in own.size], Image.Resampling.LANCZOS)
    left, top = (own.width - width) // 2, (own.height - height) // 2
    return np.asarray(own.crop((left, top, left + width, top + height)).convert("RGB"))


def _commands(picture: Path) -> list[tuple[str, list[str]]]:
    """Returns the commands to measure, each with its name in the result."""
    model, neural, drawn = (str(picture.with_suffix(suffix)) for suffix in (".pt", ".anir", ".out.png"))
    return [
        ("fit and export, instant", ["train", str(picture), "-o", neural]),
        ("fit, instant", ["train", str(picture), "-o", model]),
        ("export", ["export", model, "-o", neural]),
        ("draw", ["run", neural, "-o", drawn]),
        ("draw the level of 0.5 bits a pixel", ["run", neural, "-o", drawn, "--subnet", "d5w28"]),
        ("fit and export, fast", ["train", str(picture), "-o", neural, "--preset", "fast", "--force"]),
    ]


def measure(name: str, command: Sequence[str], folder: Path) -> dict[str, Any]:
    """Runs a command: wall-clock and processor seconds, peak memory in MiB, and seconds of its parts."""
    stats = folder / "stats"
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(stats), *command, "--quiet"])
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{command} failed")
    # In KiB on Linux, in bytes on macOS.
    peak = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    row = {
        "name": name,
        "seconds": round(seconds, 1),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mib": round(peak),
        "parts": _parts(stats),
    }
    print(json.dumps(row), flush=True)
    return row


def _parts(stats: Path) -> dict[str, float]:
    """Returns the seconds of each part above 0.05 s; time in a part that another part called is left out."""
    profile = pstats.Stats(str(stats)).stats  # type: ignore[attr-defined]
    seconds = {}
    for (file, _, function), (_, _, _, cumulative, callers) in profile.items():
        part = _PARTS.get((Path(file).name, function))
        within = {(Path(own[0]).name, own[2]) for own in callers} & _PARTS.keys()
        if part and not within and cumulative > 0.05:
            seconds[part] = round(cumulative, 2)
    return seconds


if __name__ == "__main__":
    raise SystemExit(run(app, "everyday", None))
