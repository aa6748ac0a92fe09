"""Rate and distortion: trains on a folder of pictures, exports, decodes, and compares with image codecs.

Usage: python -m bench.kodak --images kodak/ --preset fast [--only 1,5,15] [--published rd/] [--plot rd.png]

The result is written to bench/results/ after each picture; the same command resumes where it stopped.
"""

import json
import multiprocessing
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import mean, median, stdev
from typing import Annotated, Any

import numpy as np
import torch
import typer
from anir_runtime.anir_header import FAMILIES
from anir_runtime.decoder import Decoder
from anir_runtime.errors import AnirError
from anir_runtime.files import replacing
from anir_runtime.side_by_side import available_cores
from anir_toolchain import Config, export, fit
from anir_toolchain.image import load_image
from anir_toolchain.metrics import psnr
from anir_toolchain.model import Model
from anir_toolchain.terminal import run
from numpy.typing import NDArray
from pytorch_msssim import ms_ssim

from bench import RESULTS
from bench.codecs import SWEEPS, encode
from bench.machine import machine
from bench.prefixes import measure_prefixes
from bench.rd import Point, between, bjontegaard_deltas, curve, mean_points, within

app = typer.Typer(add_completion=False)
_OWN_COLORS = ("#c2410c", "#f59e0b", "#7c2d12", "#fdba74")
_GPU_JOBS = 8
"""Pictures in parallel on a CUDA device, as a single small network would leave it mostly idle."""

Images = Annotated[Path, typer.Option(help="A folder of pictures.")]
Preset = Annotated[str, typer.Option(help="instant, fast, balanced or best.")]
FamilyName = Annotated[str, typer.Option("--family", help=f"One of {', '.join(FAMILIES)}.")]
Jobs = Annotated[int, typer.Option(min=1, help="Pictures side by side, which share the cores.")]
Only = Annotated[str, typer.Option(help="Numbers in the files' names, e.g. 1,5,15.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="The JSON result.")]


@app.command()
def kodak(
    images: Images,
    preset: Preset = "fast",
    family: FamilyName = "siren",
    bits: Annotated[int, typer.Option(help="4 or 8.")] = 4,
    steps: Annotated[int | None, typer.Option(help="Training steps, if not the preset's.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    subnet: Annotated[str, typer.Option(help="Trains one alone instead of sixteen, e.g. d2w128.")] = "",
    jobs: Jobs = 1,
    only: Only = "",
    published: Annotated[Path | None, typer.Option(help="A folder of published curves as JSON.")] = None,
    codecs: Annotated[
        Path | None, typer.Option(help="A result of the same pictures, whose other codecs are taken over.")
    ] = None,
    output: Output = None,
    plot: Annotated[Path | None, typer.Option(help="Draws the curves, too.")] = None,
    beside: Annotated[list[Path] | None, typer.Option(help="Other results, drawn beside it.")] = None,
) -> None:
    """Measures rate and distortion of a set of pictures."""
    alone = re.fullmatch(r"(?:d(\d+)w(\d+))?", subnet)
    if not alone:
        raise AnirError(f"'{subnet}' is no subnet name: write depth and width like d3w64")
    depths, widths = ((int(n),) if n else None for n in alone.groups())
    config = Config(family, bits, preset, depths, widths, device=device, steps=steps)
    config.check()
    paths = pictures_in(images, only)
    parts = ["kodak", family, f"{bits}bit", preset, subnet, steps and f"{steps}steps", "dev" if only else ""]
    name = "-".join(part for part in parts if part)
    output = output or RESULTS / f"{name}.json"
    result = resume(output, config, jobs)
    missing = [path for path in paths if path.stem not in result["pictures"]]
    if codecs:
        earlier = json.loads(codecs.read_text(encoding="utf-8"))
        known = {stem: picture["codecs"] for stem, picture in earlier["pictures"].items()}
        result["codecs_measured"] = earlier.get("codecs_measured", earlier["machine"])
    else:
        known = {}
    for stem, measured in measure_all(missing, config, jobs, partial(measure, known=known)):
        result["pictures"][stem] = measured
        result["summary"] = summarize(list(result["pictures"].values()), published)
        write(output, result)
        largest = measured["subnets"][-1]
        best = f"{largest['psnr']:.2f} dB at {largest['bpp']:.3f}"
        print(f"{stem}: {measured['encode_seconds']:.0f} s; {best}", flush=True)
    result["summary"] = summarize(list(result["pictures"].values()), published)
    write(output, result)
    print(json.dumps(result["summary"]["curve"]), f"\n{output}")
    if plot is not None:
        others = [json.loads(path.read_text(encoding="utf-8")) for path in beside or []]
        draw([*others, result], published, plot)


def pictures_in(folder: Path, only: str) -> list[Path]:
    """Returns a folder's pictures, or those with a number of `only` in their names; AnirError if none."""
    numbers = {int(n) for n in only.split(",")} if only else None
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"))
    if numbers is not None:
        paths = [p for p in paths if {int(n) for n in re.findall(r"\d+", p.stem)} & numbers]
    if not paths:
        raise AnirError(f"{folder}: no such pictures")
    return paths


def resume(output: Path, config: Config, jobs: int) -> dict[str, Any]:
    """Returns the result so far, or a new one. Raises AnirError if the file has another configuration."""
    wanted = json.loads(json.dumps(asdict(config)))
    if not output.exists():
        return {"machine": machine(), "config": wanted, "jobs": jobs, "summary": {}, "pictures": {}}
    result: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    # Results from before the configuration had `steps` used the preset's steps.
    if {"steps": None} | result["config"] != wanted:
        raise AnirError(f"{output}: the result of another configuration; name another with -o")
    return result


def write(output: Path, result: dict[str, Any]) -> None:
    """Writes a result with one line per picture, so that a diff shows which pictures changed."""
    head = {key: value for key, value in result.items() if key != "pictures"}
    pictures = ",\n".join(f'"{stem}": {json.dumps(row)}' for stem, row in sorted(result["pictures"].items()))
    text = json.dumps(head, indent=1)[:-2] + ',\n "pictures": {\n' + pictures + "\n}\n}\n"
    with replacing(output) as temporary:
        temporary.write_text(text, encoding="utf-8")


def measure_all(
    paths: list[Path], config: Config, jobs: int, measure: Callable[[Path, Config], dict[str, Any]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields each picture's name and measurement, `jobs` in parallel (on CUDA at least _GPU_JOBS)."""
    if config.torch_device().type != "cpu":
        jobs = max(jobs, _GPU_JOBS)
    if jobs == 1:
        for path in paths:
            yield path.stem, measure(path, config)
        return
    threads = max(1, available_cores() // jobs)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, torch.set_num_threads, (threads,)) as pool:
        waiting = {pool.submit(measure, path, config): path.stem for path in paths}
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def measure(path: Path, config: Config, known: Mapping[str, Any]) -> dict[str, Any]:
    """Trains on a picture, exports, decodes and measures it; codecs, too, if it has no points in `known`."""
    image = load_image(path)
    started, worked = time.perf_counter(), sum(os.times()[:2])
    model = fit(image, config, source=path.name)
    seconds, cpu_seconds = time.perf_counter() - started, sum(os.times()[:2]) - worked
    own = _prefixes(model, image) if model.family.has_latents else {"subnets": _files(model, image)}
    times = {"encode_seconds": round(seconds, 1), "encode_cpu_seconds": round(cpu_seconds, 1)}
    return {**times, **own, "codecs": known.get(path.stem) or _codec_points(image)}


def _codec_points(image: NDArray[np.uint8]) -> dict[str, list[list[float]]]:
    """Returns bits per pixel and PSNR in dB at each setting of every codec."""
    pixels = image.shape[0] * image.shape[1]
    codecs = {}
    for codec, settings in SWEEPS.items():
        encoded = [encode(image, codec, setting) for setting in settings]
        codecs[codec] = [[round(8 * e["bytes"] / pixels, 5), round(e["psnr"], 3)] for e in encoded]
    return codecs


def _files(model: Model, image: NDArray[np.uint8]) -> list[dict[str, Any]]:
    """Exports and measures the `.onnx` file of each subnet."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for entry in export(model, Path(folder)).subnets:
            decoded = Decoder(Path(folder) / entry.file).decode()
            rows.append(
                _row(entry.name, entry.bytes, decoded, image) | {"payload_bpp": round(entry.payload_bpp, 5)}
            )
    return rows


def _prefixes(model: Model, image: NDArray[np.uint8]) -> dict[str, Any]:
    """Exports an `.anir` file, and measures its levels, which take the place of files, and its prefixes."""
    measured = measure_prefixes(model, image)
    rows = [_row(name, size, decoded, image) for name, size, decoded in measured["levels"]]
    others = {key: value for key, value in measured.items() if key != "levels"}
    return {"subnets": [row | {"payload_bpp": row["bpp"]} for row in rows], **others}


def _row(name: str, size: int, decoded: NDArray[np.uint8], image: NDArray[np.uint8]) -> dict[str, Any]:
    """Returns rate and quality of a file, or prefix, of `size` bytes."""
    bpp = round(8 * size / (image.shape[0] * image.shape[1]), 5)
    quality = {"psnr": round(psnr(decoded, image), 3), "ms_ssim": round(_ms_ssim(decoded, image), 5)}
    return {"name": name, "bytes": size, "bpp": bpp} | quality


def _ms_ssim(decoded: NDArray[np.uint8], image: NDArray[np.uint8]) -> float:
    """Returns the multi-scale structural similarity (Wang et al. 2003); NaN for small pictures."""
    pair = [torch.tensor(p).permute(2, 0, 1)[None].float() for p in (decoded, image)]
    # Five scales halve the picture four times, and at the last one a window of 11 pixels has to fit.
    return float(ms_ssim(*pair)) if min(image.shape[:2]) > 160 else float("nan")


def summarize(pictures: list[dict[str, Any]], published: Path | None) -> dict[str, Any]:
    """Returns means over pictures of each subnet, curves at fixed rates, times, and Bjøntegaard deltas."""
    points = [[(s["bpp"], s["psnr"]) for s in picture["subnets"]] for picture in pictures]
    subnets = []
    for rows in zip(*(picture["subnets"] for picture in pictures), strict=True):
        row: dict[str, Any] = {"name": rows[0]["name"]}
        for key in ("bytes", "bpp", "payload_bpp", "psnr", "ms_ssim"):
            row[key] = round(mean(r[key] for r in rows), 4)
        row["psnr_std"] = round(stdev(r["psnr"] for r in rows), 3) if len(rows) > 1 else 0.0
        subnets.append(row)
    codecs: dict[str, list[list[Point]]] = {
        codec: [[(bpp, psnr) for bpp, psnr in picture["codecs"][codec]] for picture in pictures]
        for codec in SWEEPS
    }
    prefixes = [picture.get("prefixes", []) for picture in pictures]
    own_curve = mean_points(prefixes) if all(prefixes) else curve(points, within)
    own = own_curve if all(prefixes) else mean_points(points)
    others = {codec: mean_points(curves) for codec, curves in codecs.items()} | read_published(published)
    return {
        "pictures": len(pictures),
        "encode_seconds": round(median(p["encode_seconds"] for p in pictures), 1),
        "encode_cpu_seconds": round(median(p["encode_cpu_seconds"] for p in pictures), 1),
        "psnr": round(mean(quality for picture in points for _, quality in picture), 3),
        "subnets": subnets,
        **{key: _medians(pictures, key) for key in ("export_seconds", "decode_ms") if key in pictures[0]},
        "curve": _rounded(own_curve),
        "codec_curves": {codec: _rounded(curve(curves, between)) for codec, curves in codecs.items()},
        "against": {name: bjontegaard_deltas(theirs, own) for name, theirs in others.items()},
    }


def _medians(pictures: list[dict[str, Any]], key: str) -> Any:
    """Returns the median over pictures of a number, or of each number in a dictionary."""
    values = [picture[key] for picture in pictures]
    if isinstance(values[0], dict):
        return {name: round(median(value[name] for value in values), 1) for name in values[0]}
    return round(median(values), 2)


def _rounded(points: list[Point]) -> list[list[float]]:
    return [[bpp, round(psnr, 3)] for bpp, psnr in points]


def read_published(folder: Path | None) -> dict[str, list[Point]]:
    """Reads published mean curves, by name, from JSON files with `results: {bpp: [...], psnr: [...]}`."""
    curves = {}
    for path in sorted(folder.glob("*.json")) if folder else []:
        results = json.loads(path.read_text(encoding="utf-8"))["results"]
        if isinstance(results, dict):
            curves[f"{path.stem} (published)"] = list(zip(results["bpp"], results["psnr"], strict=True))
    return curves


def draw(results: list[dict[str, Any]], published: Path | None, path: Path) -> None:
    """Plots the mean curves of results, codecs and publications; the last result is plotted in front."""
    from matplotlib.figure import Figure

    figure = Figure((8, 5.5), layout="constrained")
    axes = figure.add_subplot()
    for name, points in read_published(published).items():
        shown = [p for p in points if p[0] <= 1.1]
        axes.plot(*zip(*shown, strict=True), color="#bbbbbb", linewidth=1)
        axes.annotate(name.removesuffix(" (published)"), shown[-1], color="#888888", fontsize=7)
    for codec, points in results[-1]["summary"]["codec_curves"].items():
        if points:
            axes.plot(*zip(*points, strict=True), "--", linewidth=1.3, label=codec)
    for result, color in zip(reversed(results), _OWN_COLORS, strict=False):
        config, points = result["config"], result["summary"]["curve"]
        label = f"anir, {config['family']}, {config['bits']} bits, {config['preset']}"
        axes.plot(*zip(*points, strict=True), "o-", color=color, linewidth=2.2, label=label)
    axes.set(xlabel="bits per pixel (whole file)", ylabel="PSNR, dB", xlim=(0, 1.05), ylim=(20, 38))
    axes.set_title(f"Mean of {results[-1]['summary']['pictures']} pictures; grey: published curves")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130)


if __name__ == "__main__":
    raise SystemExit(run(app, "bench.kodak", None))
