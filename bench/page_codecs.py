"""Encodes pictures with other codecs, for the page to compare with: at subnets' sizes, and for `srcset`.

Writes `codecs/` into each exported folder: the files, and codecs.json, which says which file belongs to which
subnet. If a codec cannot make a file as small as a subnet, its smallest file is used. The subnets are the
levels of the folder's `.anir` file, or else its `.onnx` files. With an `.anir` file there is screens.json,
which has the bytes of copies of the picture at fractions of its size.

Usage: python -m bench.page_codecs exported/*/
"""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from anir_runtime.anir_file import AnirFile
from anir_runtime.decoder import Decoder
from anir_runtime.files import replacing
from anir_runtime.manifest import Manifest
from anir_toolchain.image import WHITE, load_image
from anir_toolchain.metrics import psnr
from anir_toolchain.terminal import run
from numpy.typing import NDArray
from PIL import Image

from bench.codecs import best_within, encode, file_of

_SUFFIXES = {"JPEG": "jpg", "WEBP": "webp", "JXL": "jxl", "AVIF": "avif"}
FRACTIONS = (4, 2, 1)
"""Native width over the width of the copies for screens: copies of a quarter, half and all of the size."""
app = typer.Typer(add_completion=False)


@app.command()
def encode_all(
    folders: Annotated[list[Path], typer.Argument(help="Exported folders with their source picture beside.")],
) -> None:
    """Encodes the source picture as well as the bytes of each subnet allow."""
    for folder in folders:
        encode_folder(folder)


def encode_folder(folder: Path) -> None:
    """Replaces `codecs/` of one exported folder. Subnets with the same quality of a codec share its file."""
    manifest = Manifest.load(folder)
    image = load_image(manifest.source.picture(folder), WHITE)
    target = folder / "codecs"
    shutil.rmtree(target, ignore_errors=True)
    streams = sorted(folder.glob("*.anir"))
    if streams:
        stream = AnirFile(streams[0].read_bytes())
        assert stream.header is not None
        sizes = {level.name: level.end for level in stream.header.levels}
        _write_json(target / "screens.json", screen_copies(stream, image))
    else:
        sizes = {entry.name: entry.bytes for entry in manifest.subnets}
    subnets = {name: _encode_within(image, size, target) for name, size in sizes.items()}
    _write_json(target / "codecs.json", subnets)
    files = sum(path.suffix != ".json" for path in target.iterdir())
    print(f"{target}: {files} files for {len(subnets)} subnets")


def _encode_within(image: NDArray[np.uint8], size: int, target: Path) -> dict[str, object]:
    """Writes each codec's best file of at most `size` bytes; returns names, bytes and PSNR of the files."""
    row: dict[str, object] = {"subnet_bytes": size}
    for codec, suffix in _SUFFIXES.items():
        best = best_within(image, codec, size)
        file = f"q{best['quality']}.{suffix}"
        with replacing(target / file) as temporary:
            temporary.write_bytes(file_of(image, codec, int(best["quality"])))
        row[codec.lower()] = {"file": file, "bytes": best["bytes"], "psnr": round(best["psnr"], 3)}
    return row


def screen_copies(stream: AnirFile, image: NDArray[np.uint8]) -> list[dict[str, Any]]:
    """Returns, for each fraction and level, the bytes of each codec's smallest copy of at least equal PSNR.

    Level and source are averaged to the copy's size. A codec that cannot reach the PSNR is left out.
    """
    assert stream.header is not None
    levels = {level.name: Decoder(stream.network(k)).decode() for k, level in enumerate(stream.header.levels)}
    copies = []
    for fraction in FRACTIONS:
        source = _shrink(image, fraction)
        encoders = {codec: _encoder(source, codec) for codec in _SUFFIXES}
        rows: dict[str, dict[str, float]] = {}
        for name, picture in levels.items():
            reached = psnr(_shrink(picture, fraction), source)
            found = {codec: smallest(encode_at, reached) for codec, encode_at in encoders.items()}
            row = {codec.lower(): size for codec, size in found.items() if size is not None}
            rows[name] = {"psnr": round(reached, 2), **row}
        copies.append({"width": source.shape[1], "height": source.shape[0], "levels": rows})
    return copies


def _encoder(source: NDArray[np.uint8], codec: str) -> Callable[[int], dict[str, float]]:
    """Returns a function that encodes `source` at a quality, and caches the results."""
    return cache(lambda quality: encode(source, codec, quality))


def smallest(encode_at: Callable[[int], dict[str, float]], reached: float) -> int | None:
    """Returns the bytes at the lowest quality of at least `reached` dB; None if even the highest has less."""
    low, high = 0, 100
    if encode_at(high)["psnr"] < reached:
        return None
    while low < high:
        quality = (low + high) // 2
        if encode_at(quality)["psnr"] >= reached:
            high = quality
        else:
            low = quality + 1
    return int(encode_at(low)["bytes"])


def _shrink(image: NDArray[np.uint8], fraction: int) -> NDArray[np.uint8]:
    """Returns the picture at 1 / `fraction` of its width and height, as averages of its pixels."""
    height, width, _ = image.shape
    size = (max(1, round(width / fraction)), max(1, round(height / fraction)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))


def _write_json(path: Path, content: object) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    raise SystemExit(run(app, "bench.page_codecs", None))
