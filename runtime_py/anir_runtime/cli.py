"""`anir-run`: draw a subnet."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from anir_runtime.choose import choose
from anir_runtime.decoder import Crop, Decoder
from anir_runtime.errors import UsageError
from anir_runtime.picture_file import STDOUT, check_format_size, write_tiles
from anir_runtime.terminal import run

app = typer.Typer(add_completion=False)


@app.command()
def draw(
    source: Annotated[
        Path, typer.Argument(help="An exported subnet, or a folder of them with its manifest.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="PNG, JPEG or WebP by suffix; - writes PNG to stdout."),
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="WIDTHxHEIGHT; by default the native size, or the crop's.")
    ] = None,
    crop: Annotated[
        str | None, typer.Option(help="X,Y,W,H in native pixels, or with decimal points in fractions.")
    ] = None,
    max_bytes: Annotated[
        int | None, typer.Option(help="From a folder: the best subnet of at most so many bytes.")
    ] = None,
    min_psnr: Annotated[
        float | None, typer.Option(help="From a folder: the smallest subnet of at least so many dB.")
    ] = None,
    max_ms: Annotated[
        float | None, typer.Option(help="From a folder: the best that decodes within so many ms here.")
    ] = None,
) -> None:
    """Draws a neural image at any size."""
    wanted = None if size is None else parse_size(size)
    limited = (max_bytes, min_psnr, max_ms) != (None, None, None)
    if source.is_dir():
        path, why = choose(source, max_bytes, min_psnr, max_ms, wanted)
        print(why, file=sys.stderr)
    elif limited:
        raise UsageError(
            "--max-bytes, --min-psnr and --max-ms choose from a folder; name one instead of a file"
        )
    else:
        path = source
    target = output or Path(f"{path.stem}.png")
    decoder = Decoder(path)
    part = None if crop is None else parse_crop(crop, decoder.width, decoder.height)
    width, height = decoder.output_size(wanted, part)
    check_format_size(target, width, height)
    started = time.perf_counter()
    write_tiles(decoder.tiles(wanted, part), (width, height), target)
    if target != STDOUT:
        print(f"{target}: {width}x{height}, drawn in {(time.perf_counter() - started) * 1e3:.0f} ms")


def parse_size(text: str) -> tuple[int, int]:
    """`768x512` as (768, 512). Raises UsageError for anything else."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(p.isascii() and p.isdigit() and len(p) <= 9 for p in parts):
        raise UsageError(f"'{text}' is no size: write width and height like 768x512")
    width, height = int(parts[0]), int(parts[1])
    if width < 1 or height < 1:
        raise UsageError(f"'{text}' is no size: width and height must be at least 1")
    return width, height


def parse_crop(text: str, width: int, height: int) -> Crop:
    """`X,Y,W,H` in native pixels, or in fractions of the picture if any of them has a decimal point.

    Raises UsageError for anything else.
    """
    try:
        x, y, w, h = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"'{text}' is no crop: write X,Y,W,H in pixels or fractions, like 0.25,0.25,0.5,0.5"
        ) from error
    if "." in text:
        x, y, w, h = x * width, y * height, w * width, h * height
    return Crop(x, y, w, h)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `anir-run` and returns its exit code."""
    return run(app, "anir-run", arguments)


if __name__ == "__main__":
    sys.exit(main())
