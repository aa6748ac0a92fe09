"""Measures how fast subnets are drawn, compared with other ways to evaluate the same weights.

Usage: python -m bench.decode [--quick] [--huge] [-o bench/results/decode.json]

Weights are random: only speed and memory are measured. The baselines are
- obvious: the graph that an exporter would write, N×2 coordinates in, DequantizeLinear(int4) → MatMul and a
  sine per pixel, in one ONNX Runtime session with default options;
- torch: eager, in blocks of 65,536 pixels;
- coin: torch as in COIN's code, eager, all pixels of the picture at once.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnxruntime as ort
import torch
import typer
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.decoder import Crop, Decoder
from anir_runtime.files import replacing
from anir_runtime.side_by_side import available_cores
from anir_toolchain.families import families
from anir_toolchain.lapped_synthesis import features_at
from anir_toolchain.model import Model
from anir_toolchain.onnx_export import macs_per_pixel
from anir_toolchain.onnx_writer import build
from anir_toolchain.space import Space, Subnet
from anir_toolchain.terminal import run
from numpy.typing import NDArray
from rich.progress import track

from bench import RESULTS
from bench.machine import machine
from bench.obvious import obvious
from tests.random_model import random_model

app = typer.Typer(add_completion=False)
SIZES = ((384, 256), (768, 512), (3840, 2160))
SIZE = SIZES[1]
REPETITIONS = 5
_BLOCK = 65536
"""Pixels that torch draws at a time."""


@app.command()
def decode(
    output: Annotated[Path, typer.Option("-o", "--output", help="The result.")] = RESULTS / "decode.json",
    quick: Annotated[bool, typer.Option(help="Only what the published table shows.")] = False,
    huge: Annotated[bool, typer.Option(help="Also 16384×16384 pixels to a PNG.")] = False,
) -> None:
    """Measures time and memory of decoding."""
    torch.set_num_threads(available_cores())
    spaces = {name: families()[name].default_space(*SIZE, 3) for name in sorted(families())}
    cases = [
        (name, subnet)
        for name, space in spaces.items()
        for subnet in (compared(space) if quick else space.subnets)
    ]
    peaks: list[float] = []
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, subnet in track(cases, "decoding"):
            model = random_model(name, size=SIZE, space=spaces[name])
            path = Path(folder) / f"{name}-{subnet.name}.onnx"
            path.write_bytes(build(model.network(subnet)).SerializeToString())
            peaks.append(product_speed())
            rows += [measure(model, subnet, path, size) for size in ([SIZE] if quick else SIZES)]
        smallest = Path(folder) / f"siren-{spaces['siren'].subnets[0].name}.onnx"
        crops = crop_times(Path(folder) / f"siren-{spaces['siren'].largest.name}.onnx")
        result = {
            "machine": machine(),
            "repetitions": REPETITIONS,
            "peak_gmacs": round(statistics.median(peaks), 1),
            "cold_start_ms": round(cold_start(smallest)),
            "crops": crops,
            "huge": [to_png(smallest, side) for side in (4096, 8192, 16384)] if huge else [],
            "subnets": [row | {"peak_share": share(row, statistics.median(peaks))} for row in rows],
        }
    with replacing(output) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"{output}: {len(rows)} rows")


def compared(space: Space) -> tuple[Subnet, ...]:
    """Returns the subnets that torch draws, too: the smallest, the widest shallow one and the largest."""
    return space.subnets[0], Subnet(space.depths[0], space.widths[-1]), space.largest


def measure(model: Model, subnet: Subnet, path: Path, size: tuple[int, int]) -> dict[str, Any]:
    """Measures one subnet at one size: milliseconds of each way, and peak memory.

    Above 768×512 pixels only the runtime is measured.
    """
    pixels = size[0] * size[1]
    row: dict[str, Any] = {
        "family": model.family_name,
        "name": subnet.name,
        "size": f"{size[0]}x{size[1]}",
        "macs_per_pixel": macs_per_pixel(model.network(subnet)),
    }
    alone = in_its_own_process(path, size)
    if pixels > SIZE[0] * SIZE[1]:
        ms = {"ms": alone["ms"]}
    else:
        x, y = axis_coordinates(size[0]), axis_coordinates(size[1])
        decoder = Decoder(path)
        ways: dict[str, Callable[[], object]] = {
            "open_ms": lambda: Decoder(path),
            "ms": lambda: decoder.decode(size),
            "obvious_ms": obvious_way(model, subnet, x, y),
        }
        if subnet in compared(model.space):
            ways["torch_ms"] = torch_way(model, subnet, x, y, _BLOCK)
            ways["coin_ms"] = torch_way(model, subnet, x, y, pixels)
        ms = interleaved(ways)
    row |= {name: round(value, 2) for name, value in ms.items()}
    return row | {"mpixel_s": round(pixels / ms["ms"] / 1e3, 2), "memory_mib": alone["memory_mib"]}


def interleaved(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Calls the functions in turns, and returns the median milliseconds of each."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPETITIONS):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            times[name].append((time.perf_counter() - started) * 1e3)
    return {name: statistics.median(measured) for name, measured in times.items()}


def share(row: dict[str, Any], peak_gmacs: float) -> float:
    """Returns multiply-accumulates per second, as if all pixels were evaluated, relative to `peak_gmacs`."""
    return float(round(row["macs_per_pixel"] * row["mpixel_s"] / 1e3 / peak_gmacs, 3))


def product_speed(side: int = 1024) -> float:
    """Returns the 10⁹ multiply-accumulates per second of a large matrix product on all cores, at best."""
    a = torch.rand(side, side)
    times = []
    for _ in range(8):
        started = time.perf_counter()
        torch.mm(a, a)
        times.append(time.perf_counter() - started)
    return side**3 / min(times) / 1e9


def obvious_way(
    model: Model, subnet: Subnet, x: NDArray[np.float32], y: NDArray[np.float32]
) -> Callable[[], object]:
    """Returns a function that draws with the obvious graph in a default session."""
    session = ort.InferenceSession(
        obvious(model, subnet).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return lambda: session.run(["image"], {"xy": points})


def torch_way(
    model: Model, subnet: Subnet, x: NDArray[np.float32], y: NDArray[np.float32], block: int
) -> Callable[[], object]:
    """Returns a function that draws with torch, `block` pixels at a time."""
    trunk, links = model.trunks[subnet.width], subnet.depth - 1
    weights = trunk.weight[:links] * trunk.step.values[:links, None]
    filters = trunk.filters.values[: model.family.banks(subnet.depth)]
    biases = trunk.bias.values[:links]
    at = model.space.depths.index(subnet.depth)
    head, head_bias = trunk.head.values[at].T, trunk.head_bias[at]
    columns, rows = (torch.from_numpy(axis.ravel()) for axis in np.meshgrid(x, y))
    latents = model.latents(subnet)
    all_features = None
    if latents:
        all_features = torch.from_numpy(features_at(latents, x, y, model.size, subnet.width)).flatten(0, 1)

    def draw() -> torch.Tensor:
        image = torch.empty((len(columns), model.colours), dtype=torch.uint8)
        with torch.inference_mode():
            for i in range(0, len(columns), block):
                part = slice(i, i + block)
                features = None if all_features is None else all_features[part]
                at = columns[part], rows[part]
                h = model.family.forward(filters, weights, biases, *at, features, model.planes)[-1]
                image[part] = (torch.addmm(head_bias, h, head).clamp(0, 1) * 255).round().to(torch.uint8)
        return image

    return draw


_MEASURED = """
import sys, time
from pathlib import Path
{imports}
started = time.perf_counter()
{work}
ms = (time.perf_counter() - started) * 1e3
peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(ms, int(peak) / 1024, file=sys.stderr)
"""


def measured_process(imports: str, work: str) -> dict[str, float]:
    """Runs `work` in a Python process of its own: milliseconds after `imports`, and peak memory in MiB."""
    code = _MEASURED.format(imports=imports, work=work)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ms, memory = map(float, done.stderr.split())
    return {"ms": round(ms, 1), "memory_mib": round(memory, 1)}


def in_its_own_process(path: Path, size: tuple[int, int]) -> dict[str, float]:
    """Measures opening and decoding a file once, in a process of its own."""
    return measured_process("from anir_runtime import decode", f"decode({str(path)!r}, {size})")


def to_png(path: Path, side: int) -> dict[str, float]:
    """Measures `anir-run` writing a square PNG of `side` pixels."""
    with tempfile.TemporaryDirectory() as folder:
        png = Path(folder) / "a.png"
        arguments = [str(path), "--size", f"{side}x{side}", "-o", str(png)]
        alone = measured_process("from anir_runtime.cli import main", f"assert main({arguments!r}) == 0")
        return {"side": side, **alone, "png_bytes": png.stat().st_size}


def crop_times(path: Path) -> list[dict[str, float]]:
    """Draws parts of the native picture: their shares of its pixels and of its time."""
    decoder = Decoder(path)
    width, height = decoder.width, decoder.height
    parts = {n: Crop(width / 4, height / 4, width / n, height / n) for n in (2, 4, 8)}
    ways: dict[str, Callable[[], object]] = {"whole": decoder.decode}
    ways |= {str(n): lambda crop=crop: decoder.decode(crop=crop) for n, crop in parts.items()}  # type: ignore[misc]
    ms = interleaved(ways)
    return [
        {"pixel_share": round(1 / n**2, 4), "time_share": round(ms[str(n)] / ms["whole"], 4)} for n in parts
    ]


def cold_start(path: Path) -> float:
    """Returns the milliseconds of `anir-run FILE` as a whole process, at native size."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "anir_runtime.cli", str(path), "-o", f"{folder}/a.png"]
        return interleaved({"cold": lambda: subprocess.run(command, capture_output=True, check=True)})["cold"]


if __name__ == "__main__":
    raise SystemExit(run(app, "decode", None))
