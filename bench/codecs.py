"""Compares exported subnets with JPEG, WebP and AVIF files of at most the same size.

Usage: python -m bench.codecs exported/coffee [exported/chelsea …] -o bench/results/codecs.json
"""

import json
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from anir_runtime.files import replacing
from anir_runtime.manifest import Manifest
from anir_runtime.picture_file import as_pillow
from anir_toolchain.image import WHITE, load_image
from anir_toolchain.metrics import psnr
from anir_toolchain.terminal import run
from numpy.typing import NDArray
from PIL import Image
from pillow_jxl import JpegXLImagePlugin as _JpegXL  # noqa: F401  (Pillow writes JXL with it)

from bench.machine import machine

# Options of Pillow's encoders.
CODECS: dict[str, dict[str, Any]] = {
    "JPEG": {"optimize": True, "progressive": True},
    "WEBP": {"method": 6},
    "AVIF": {"speed": 6},
    "AVIF 4:4:4": {"speed": 2, "subsampling": "4:4:4"},
    "JXL": {"effort": 7},
    "JPEG2000": {"quality_mode": "rates", "irreversible": True, "mct": 1},
}
# Pillow's format of a codec whose name is not that of the format: the same format with other settings.
FORMATS = {"AVIF 4:4:4": "AVIF"}
# Settings for about 0.05 to 1.5 bits per pixel: qualities, and for JPEG 2000 compression ratios (of 24 bits).
SWEEPS: dict[str, tuple[int, ...]] = {
    "JPEG": (1, 2, 4, 6, 8, 11, 15, 20, 25, 32, 40, 50, 60, 70, 78, 85),
    "JPEG2000": (480, 320, 240, 180, 140, 110, 90, 70, 50, 40, 32, 24, 18),
    "WEBP": (0, 1, 3, 6, 10, 15, 20, 30, 40, 50, 60, 70, 78, 84, 90),
    "AVIF": (1, 6, 12, 18, 24, 30, 36, 42, 48, 54, 60, 66, 72, 78, 84, 90),
    "AVIF 4:4:4": (1, 6, 12, 18, 24, 30, 36, 42, 48, 54, 60, 66, 72, 78, 84, 90),
    "JXL": (0, 3, 6, 10, 15, 20, 25, 30, 40, 50, 60, 70, 78, 85, 90, 94),
}
COMPARED = ("JPEG", "WEBP", "AVIF")
app = typer.Typer(add_completion=False)


@app.command()
def compare(
    folders: Annotated[list[Path], typer.Argument(help="Exported folders with their source picture beside.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The JSON result.")],
) -> None:
    """Finds for every subnet the best file of each codec that is no larger."""
    pictures = {}
    for folder in folders:
        manifest = Manifest.load(folder)
        image = load_image(manifest.source.picture(folder), WHITE)
        rows = []
        for entry in manifest.subnets:
            row: dict[str, Any] = {
                "name": entry.name,
                "bytes": entry.bytes,
                "bpp": entry.bpp,
                "psnr": entry.psnr,
            }
            rows.append(row | {codec.lower(): best_within(image, codec, entry.bytes) for codec in COMPARED})
            print(folder.name, rows[-1])
        pictures[folder.name] = rows
    with replacing(output) as temporary:
        temporary.write_text(json.dumps({"machine": machine(), "pictures": pictures}, indent=1) + "\n")


def best_within(image: NDArray[np.uint8], codec: str, budget: int) -> dict[str, float]:
    """Finds the highest quality whose file has at most `budget` bytes, else the codec's smallest file.

    Returns:
        `quality`, `bytes` and `psnr` in dB of that file.
    """
    low, high = 0, 100
    best = encode(image, codec, 0)
    while low <= high:
        quality = (low + high) // 2
        candidate = encode(image, codec, quality)
        if candidate["bytes"] <= budget:
            best, low = candidate, quality + 1
        else:
            high = quality - 1
    return best


def encode(image: NDArray[np.uint8], codec: str, quality: int) -> dict[str, float]:
    """Encodes and decodes with Pillow: quality, bytes and PSNR. For JPEG 2000 `quality` is a ratio."""
    data = file_of(image, codec, quality)
    decoded = np.asarray(Image.open(BytesIO(data)).convert("RGB"))
    return {"quality": quality, "bytes": len(data), "psnr": psnr(decoded, image)}


def file_of(image: NDArray[np.uint8], codec: str, quality: int) -> bytes:
    """Encodes with Pillow. For JPEG 2000 `quality` is a compression ratio; for JPEG XL 100 is lossless."""
    setting: dict[str, Any] = {"quality": quality}
    if codec == "JPEG2000":
        setting = {"quality_layers": [quality]}
    elif codec == "JXL" and quality == 100:
        setting = {"lossless": True}
    buffer = BytesIO()
    as_pillow(image).save(buffer, FORMATS.get(codec, codec), **setting, **CODECS[codec])
    return buffer.getvalue()


if __name__ == "__main__":
    raise SystemExit(run(app, "bench.codecs", None))
