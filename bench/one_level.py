"""Measures what sixteen levels in one file cost: prefixes of `.anir` files against files of one level.

Usage: python -m bench.one_level --images kodak/ [--only 1,5,15] [-o bench/results/one_level.json]

Files of one level are written as by `anir-export --subnet` ("alone"), and also with the picture's own
coefficients instead of those chosen for the network by analysis by synthesis ("alike"). They have the level's
quantization step, so that all points lie close to each other.
"""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import typer
from anir_runtime.decoder import Decoder
from anir_runtime.files import replacing
from anir_toolchain import Config, fit
from anir_toolchain.anir_export import export_anir
from anir_toolchain.image import load_image
from anir_toolchain.levels import level_order
from anir_toolchain.metrics import psnr
from anir_toolchain.space import Subnet
from anir_toolchain.terminal import run

from bench import RESULTS
from bench.kodak import Images, Only, Output, Preset, pictures_in
from bench.machine import machine
from bench.rd import RATES, Point

app = typer.Typer(add_completion=False)


@app.command()
def one_level(images: Images, preset: Preset = "instant", only: Only = "", output: Output = None) -> None:
    """Measures rate and distortion of all kinds of file."""
    output = output or RESULTS / "one_level.json"
    pictures = {}
    for path in pictures_in(images, only):
        pictures[path.stem] = _measure(path, preset)
        print(f"{path.stem}: done", flush=True)
    own = list(pictures.values())
    result = {"machine": machine(), "preset": preset, "summary": _summary(own), "pictures": pictures}
    with replacing(output) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"{json.dumps(result['summary'])}\n{output}")


def _measure(path: Path, preset: str) -> dict[str, list[Point]]:
    """Returns bits per pixel and PSNR in dB at each level's end: of one file, and of two files per level."""
    image = load_image(path)
    model = fit(image, Config("lapped", 4, preset), source=path.name)

    def points(subnets: Sequence[Subnet], by_synthesis: bool = True) -> list[Point]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "a.anir"
            levels, data = export_anir(model, file, subnets, by_synthesis).levels, file.read_bytes()
        qualities = [float(psnr(Decoder(data[: level.end]).decode(), image)) for level in levels]
        return [
            (8 * level.end / image[..., 0].size, own) for level, own in zip(levels, qualities, strict=True)
        ]

    order = level_order(model.space)
    return {
        "levels": points(order),
        "alike": [point for subnet in order for point in points([subnet], by_synthesis=False)],
        "alone": [point for subnet in order for point in points([subnet])],
    }


def _summary(pictures: Sequence[dict[str, list[Point]]]) -> dict[str, Any]:
    """Returns means over pictures: PSNR at RATES, and per cent of extra bits of each level at its PSNR."""
    curves = {
        kind: [round(mean(_quality_at(own[kind], rate) for own in pictures), 3) for rate in RATES]
        for kind in ("levels", "alike", "alone")
    }
    return {
        "pictures": len(pictures),
        "rates": RATES,
        **curves,
        "excess_percent": {kind: _excess(pictures, kind) for kind in ("alike", "alone")},
    }


def _excess(pictures: Sequence[dict[str, list[Point]]], kind: str) -> list[float]:
    """Returns by how many per cent each level's prefix is longer than a file of one level with its PSNR."""
    excess = [
        [100 * (rate / _rate_at(own[kind], quality) - 1) for rate, quality in own["levels"]]
        for own in pictures
    ]
    return [round(mean(level), 2) for level in zip(*excess, strict=True)]


def _quality_at(points: Sequence[Point], rate: float) -> float:
    """Returns the PSNR at a rate, piecewise linear in the rate's logarithm and extrapolated at the ends."""
    rates, qualities = np.log([own for own, _ in points]), [own for _, own in points]
    return _line(float(np.log(rate)), rates.tolist(), qualities)


def _rate_at(points: Sequence[Point], quality: float) -> float:
    """Returns the rate at a PSNR: the inverse of `_quality_at`."""
    rates, qualities = np.log([own for own, _ in points]), [own for _, own in points]
    return float(np.exp(_line(quality, qualities, rates.tolist())))


def _line(at: float, x: Sequence[float], y: Sequence[float]) -> float:
    """Interpolates linearly between ascending points; the first and the last piece extrapolate."""
    k = int(np.clip(np.searchsorted(x, at), 1, len(x) - 1))
    return y[k - 1] + (y[k] - y[k - 1]) * (at - x[k - 1]) / (x[k] - x[k - 1])


if __name__ == "__main__":
    raise SystemExit(run(app, "bench.one_level", None))
