"""The command `anir-run`, which draws neural images."""

import math
import sys
import time
from argparse import SUPPRESS, Action, ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from anir_runtime.anir_header import MAGIC
from anir_runtime.choose import Limits, choose, choose_level
from anir_runtime.content import read_source
from anir_runtime.decoder import Crop, Decoder
from anir_runtime.errors import AnirError, UsageError
from anir_runtime.interrupts import ended_by_interrupts
from anir_runtime.picture_file import STDOUT, check_format_size, picture_format, write_tiles
from anir_runtime.terminal import guarded, say, tell, version

NAME = "anir-run"
_DESCRIPTION = "Draws a neural image at any size: the best of its subnets within the limits that are given."


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} ({NAME} --help lists the options)")


class _Version(Action):
    def __call__(self, parser: ArgumentParser, *_: object) -> NoReturn:
        say(version())
        parser.exit()


def parser() -> ArgumentParser:
    """Returns the parser of the command line: argparse, as typer took half of the process's time."""
    options = _Parser(NAME, description=_DESCRIPTION, allow_abbrev=False)
    add = options.add_argument
    add("source", type=Path, help="a neural image, .anir or .onnx, a folder of .onnx, or - for stdin")
    add(
        "-o",
        "--output",
        type=Path,
        help="PNG, JPEG or WebP by suffix, by default a PNG in the current folder; - writes PNG to stdout",
    )
    add("--size", metavar="WIDTHxHEIGHT", help="size to draw, by default the native size, or the crop's")
    add(
        "--crop",
        metavar="X,Y,W,H",
        help="part to draw, in native pixels, or as fractions with decimal points",
    )
    add("--trust-graph", action="store_true", help="run the file's own graph, which may do anything")
    add("--max-bytes", type=int, metavar="N", help="the best subnet of at most N bytes")
    add("--min-psnr", type=float, metavar="DB", help="the smallest subnet of at least DB decibels")
    add(
        "--max-ms",
        type=float,
        metavar="MS",
        help="the best subnet drawn within MS milliseconds on this machine",
    )
    add("--subnet", metavar="NAME", help="the subnet of this name, like d3w16")
    add("--quiet", action="store_true", help="print nothing but errors")
    add("--version", action=_Version, nargs=0, default=SUPPRESS, help="print the version")
    return options


def draw(options: Namespace) -> None:
    """Draws a neural image at any size."""
    source: Path = options.source
    wanted = None if options.size is None else parse_size(options.size)
    if options.output is not None:
        picture_format(options.output)  # refuses unknown suffixes before any work is done
    limits = Limits(options.max_bytes, options.min_psnr, options.max_ms, options.subnet)
    with ended_by_interrupts():
        decoder, path, why = _open(source, limits, wanted, options.trust_graph)
    if why and not options.quiet:
        tell(why)
    target: Path = options.output or Path(f"{'picture' if path == STDOUT else path.stem}.png")
    if target.exists() and path.exists() and target.samefile(path):
        raise UsageError(f"-o {target} is the neural image itself; name another file")
    part = None if options.crop is None else parse_crop(options.crop, decoder.width, decoder.height)
    width, height = decoder.output_size(wanted, part)
    check_format_size(target, width, height)
    started = time.perf_counter()
    write_tiles(decoder.tiles(wanted, part), (width, height), target)
    if target != STDOUT and not options.quiet:
        say(f"{target}: {width}x{height}, drawn in {(time.perf_counter() - started) * 1e3:.0f} ms")


def _open(
    source: Path, limits: Limits, size: tuple[int, int] | None, trust_graph: bool
) -> tuple[Decoder, Path, str]:
    """Returns the source's decoder, the file, and, if a subnet had to be chosen, the reason in one line."""
    if source.is_dir():
        path, why = choose(source, limits, size, trust_graph)
        return Decoder(path, trust_graph=trust_graph), path, why
    content = read_source(sys.stdin.buffer if source == STDOUT else source)
    if content.data.startswith(MAGIC):
        # Imported only here: it loads the WebAssembly runtime, without which ONNX files open faster.
        from anir_runtime.anir_file import AnirFile

        try:
            network, why = choose_level(AnirFile(content.data), limits, size)
        except AnirError as error:
            raise AnirError(f"{content.name}: {error}") from error
        return Decoder(network), source, why
    if limits != Limits():
        raise UsageError(
            "--max-bytes, --min-psnr, --max-ms and --subnet choose from a folder or an .anir file; "
            "name one of these"
        )
    return Decoder(content, trust_graph=trust_graph), source, ""


def parse_size(text: str) -> tuple[int, int]:
    """Parses a size such as `768x512`. Raises UsageError for anything else."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(p.isascii() and p.isdigit() and len(p) <= 9 for p in parts):
        raise UsageError(f"'{text}' is no size: write width and height like 768x512")
    width, height = int(parts[0]), int(parts[1])
    if width < 1 or height < 1:
        raise UsageError(f"'{text}' is no size: width and height must be at least 1")
    return width, height


def parse_crop(text: str, width: int, height: int) -> Crop:
    """Parses `X,Y,W,H`, in native pixels, or in fractions of the picture if a number has a decimal point.

    A crop that extends beyond the picture by rounding only is clipped. Raises UsageError for anything else.
    """
    try:
        x, y, w, h = (float(part) for part in text.split(","))
        if not all(map(math.isfinite, (x, y, w, h))):
            raise ValueError(text)
    except ValueError as error:
        raise UsageError(
            f"'{text}' is no crop: write X,Y,W,H in pixels or fractions, like 0.25,0.25,0.5,0.5"
        ) from error
    if "." in text:
        x, y, w, h = x * width, y * height, w * width, h * height
    return Crop(x, y, _within(x, w, width), _within(y, h, height))


def _within(start: float, length: float, whole: int) -> float:
    """Returns the length, shortened if only rounding makes it end beyond `whole`."""
    if not whole < start + length <= whole * (1 + 1e-9):
        return length
    length = whole - start
    while start + length > whole:
        length = math.nextafter(length, 0)
    return length


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `anir-run` and returns its exit code."""
    return guarded(NAME, lambda: draw(parser().parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
