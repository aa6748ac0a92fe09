"""Measures what four bits and a shared training cost each subnet, in PSNR.

Each subnet is compared with the same training in real numbers, and with a network of its size trained alone.

Usage: python -m bench.supernet --images kodak/ --family lapped --preset fast --only 1,5,15,20,23

The result is written to bench/results/ after each picture; the same command resumes where it stopped.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import torch
import typer
from anir_runtime.errors import AnirError
from anir_toolchain import Config, export, fit, presets
from anir_toolchain.batch import Batch
from anir_toolchain.features import LatentFeatures
from anir_toolchain.image import load_image
from anir_toolchain.metrics import psnr
from anir_toolchain.picture import Picture
from anir_toolchain.space import Subnet
from anir_toolchain.terminal import run
from anir_toolchain.threads import worker_threads
from anir_toolchain.training import begin, train
from anir_toolchain.training_state import Task
from anir_toolchain.trunk import Trunk
from anir_toolchain.trunk_heads import moments_of
from numpy.typing import NDArray

from bench import RESULTS
from bench.kodak import (
    FamilyName,
    Images,
    Jobs,
    Only,
    Output,
    Preset,
    measure_all,
    pictures_in,
    resume,
    write,
)

app = typer.Typer(add_completion=False)
_REAL = 16
"""Bits with which a head is as good as in real numbers."""


@app.command()
def supernet(
    images: Images,
    preset: Preset = "fast",
    family: FamilyName = "siren",
    jobs: Jobs = 1,
    only: Only = "",
    output: Output = None,
) -> None:
    """Measures all subnets: together at 4 bits, together in real numbers, and each alone at 4 bits."""
    # With explicit steps, networks are trained even where a preset would not, as they may not pay.
    config = Config(family, preset=preset, steps=Config(family, preset=preset).schedule().steps)
    config.check()
    output = output or RESULTS / f"supernet-{family}-{preset}.json"
    result = resume(output, config, jobs)
    missing = [path for path in pictures_in(images, only) if path.stem not in result["pictures"]]
    for stem, rows in measure_all(missing, config, jobs, measure):
        result["pictures"][stem] = rows
        result["summary"] = summarize(list(result["pictures"].values()))
        write(output, result)
        print(f"{stem}: {summarize([rows])['median']}", flush=True)
    if not result["pictures"]:
        raise AnirError(f"{images}: nothing was measured")
    print(f"{result['summary']['median']} (medians of the subnets)\n{output}")


def measure(path: Path, config: Config) -> dict[str, Any]:
    """Measures one picture: by subnet, PSNR in dB trained together, in real numbers, and alone."""
    image = load_image(path)
    real = _in_real_numbers(image, config)
    rows = {}
    for name, quality in _exported(image, config).items():
        subnet = Subnet.parse(name)
        own = replace(config, depths=(subnet.depth,), widths=(subnet.width,))
        alone = _exported(image, own)[name]
        rows[name] = {"together": quality, "real": real[name], "alone": alone}
    return rows


def _exported(image: NDArray[np.uint8], config: Config) -> dict[str, float]:
    """Trains and exports: PSNR in dB of each subnet's file, by name."""
    with tempfile.TemporaryDirectory() as folder:
        subnets = export(fit(image, config), Path(folder)).subnets
    return {entry.name: round(entry.psnr, 3) for entry in subnets}


class _NeverQuantized(Config):
    """A configuration whose networks stay in real numbers to the end of the training."""

    def schedule(self) -> presets.Preset:
        """Returns the schedule, with phases of quantization that lie beyond the last step."""
        return replace(super().schedule(), soften=2.0, settle=3.0)


def _in_real_numbers(image: NDArray[np.uint8], config: Config) -> dict[str, float]:
    """Trains in real numbers to the end, without quantization: PSNR in dB of each subnet, by name."""
    with worker_threads(1) as pool:
        task = Task(image, _NeverQuantized(**vars(config)), pool)
        training = begin(task)
        train(Batch([task], [training]))
        features = training.features
    return {
        Subnet(depth, width).name: round(psnr(levels, image), 3)
        for width, trunk in training.trunks.items()
        for depth, levels in _drawn(task.picture, trunk, width, features).items()
    }


@torch.no_grad()
def _drawn(
    picture: Picture, trunk: Trunk, width: int, features: LatentFeatures
) -> dict[int, NDArray[np.uint8]]:
    """Draws a width's subnets in real numbers, with the best heads: uint8[H, W, N] by depth."""
    parts = torch.split(torch.arange(len(picture), device=picture.device), 4096)

    def channels(part: torch.Tensor) -> list[torch.Tensor]:
        x, y, _ = picture.points(part)
        return trunk.last_layers(trunk.parameters, x, y, features.of_width(width, part))

    moments = moments_of(trunk, trunk.parameters, picture, features, len(picture))
    heads = [[torch.from_numpy(own).float() for own in moment.solve(_REAL)] for moment in moments]
    levels = [torch.empty(len(picture), picture.colours, dtype=torch.uint8) for _ in trunk.depths]
    for part in parts:
        for own, (codes, scale, bias), whole in zip(channels(part), heads, levels, strict=True):
            rgb = own.cpu() @ (codes * scale[:, None]).T + bias
            whole[part.cpu()] = (rgb.clamp(0, 1) * 255).round().to(torch.uint8)
    shape = picture.image.shape
    return {depth: whole.reshape(shape).numpy() for depth, whole in zip(trunk.depths, levels, strict=True)}


def summarize(pictures: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the mean dB that four bits and sharing cost each subnet, and median and largest cost of all."""
    names = list(pictures[0])
    subnets = {
        name: {
            "bits": round(mean(rows[name]["real"] - rows[name]["together"] for rows in pictures), 3),
            "sharing": round(mean(rows[name]["alone"] - rows[name]["together"] for rows in pictures), 3),
        }
        for name in names
    }
    both = {kind: [row[kind] for row in subnets.values()] for kind in ("bits", "sharing")}
    return {
        "pictures": len(pictures),
        "median": {kind: round(median(values), 3) for kind, values in both.items()},
        "most": {kind: max(values) for kind, values in both.items()},
        "subnets": subnets,
    }


if __name__ == "__main__":
    raise SystemExit(run(app, "bench.supernet", None))
