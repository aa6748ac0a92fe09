"""Measures all subnets, or an `.anir` file's levels: bytes, PSNR and time, as a table, JSON or a plot."""

import math
import time
import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from anir_runtime.anir_header import Header
from anir_runtime.decoder import Decoder
from anir_runtime.errors import AnirError
from anir_runtime.files import replacing
from anir_runtime.manifest import Manifest, Source
from anir_runtime.terminal import printable
from numpy.typing import NDArray
from rich import box
from rich.table import Table
from rich.text import Text

from anir_toolchain.level_file import LevelFile
from anir_toolchain.metrics import bits_per_pixel, psnr

_RUNS = 3
"""Number of timed runs of each subnet."""


@dataclass(frozen=True)
class Row:
    """The measurements of one subnet, from its file or from a prefix of an `.anir` file.

    Attributes:
        name: name of the subnet.
        bytes: bytes of its file or prefix.
        bpp: the same in bits per native pixel.
        payload_bpp: bits per native pixel of weights and latents alone; None for a prefix.
        psnr: PSNR in dB.
        open_ms: milliseconds to open the file or prefix.
        decode_ms: milliseconds to draw the picture after that.
        pareto: whether no other row is both smaller and better.
    """

    name: str
    bytes: int
    bpp: float
    payload_bpp: float | None
    psnr: float
    open_ms: float
    decode_ms: float
    pareto: bool


def evaluate(directory: Path, image: NDArray[np.uint8] | None = None) -> list[Row]:
    """Decodes every subnet of an exported folder at its native size.

    Args:
        directory: a folder with a manifest.
        image: picture to compare with, uint8[H, W, N]; without one, PSNR is the manifest's.

    Raises:
        AnirError: if the picture's size is not the native one, or a file differs from the manifest.
    """
    manifest = Manifest.load(directory)
    _check_size(image, (manifest.source.width, manifest.source.height))
    rows = []
    for entry in manifest.subnets:
        path = entry.checked_path(directory)
        times = _measured(path)
        quality = entry.psnr if image is None else psnr(Decoder(path).decode(), image)
        rows.append(Row(entry.name, entry.bytes, entry.bpp, entry.payload_bpp, quality, *times, False))
    return _with_front(rows)


def evaluate_levels(levels: LevelFile, image: NDArray[np.uint8] | None = None) -> list[Row]:
    """Decodes the complete levels of an `.anir` file at its native size, each from the bytes up to its end.

    Args:
        levels: the file.
        image: picture to compare with, uint8[H, W, N]; without one, PSNR is the file's, in quarters of a dB.

    Raises:
        AnirError: if the picture's size is not the native one, or a level is damaged.
    """
    size = levels.header.size
    _check_size(image, size)
    rows = []
    for level, network in levels.networks():
        times = _measured(levels.prefix(level))
        quality = level.psnr[0] if image is None else psnr(Decoder(network).decode(), image)
        bpp = bits_per_pixel(level.end, math.prod(size))
        rows.append(Row(level.name, level.end, bpp, None, quality, *times, False))
    return _with_front(rows)


def _check_size(image: NDArray[np.uint8] | None, size: tuple[int, int]) -> None:
    if image is not None and image.shape[:2] != size[::-1]:
        raise AnirError(
            f"the picture is {image.shape[1]}x{image.shape[0]}, "
            f"the subnets were fitted to {size[0]}x{size[1]}"
        )


def _measured(source: Path | bytes) -> tuple[float, float]:
    """Returns the milliseconds to open a file and to draw it: medians of _RUNS runs after an untimed one."""
    opened, drawn = list[float](), list[float]()
    for _ in range(_RUNS + 1):
        started = time.perf_counter()
        decoder = Decoder(source)
        between = time.perf_counter()
        decoder.decode()
        opened.append((between - started) * 1e3)
        drawn.append((time.perf_counter() - between) * 1e3)
    return median(opened[1:]), median(drawn[1:])


def _with_front(rows: list[Row]) -> list[Row]:
    """Returns the rows with `pareto` set where no other row is both smaller and better."""
    best, front = float("-inf"), set[str]()
    for row in sorted(rows, key=lambda row: (row.bytes, -row.psnr)):
        if row.psnr > best:
            front.add(row.name)
            best = row.psnr
    return [replace(row, pareto=row.name in front) for row in rows]


def as_table(rows: list[Row], title: str, mark: str = "●") -> Table:
    """Returns the rows as a rich table, with `mark` at the rows of the Pareto front."""
    caption = f"{mark} no other subnet is both smaller and better"
    table = Table(title=Text(printable(title)), box=box.SIMPLE_HEAD, caption=caption)
    for heading in ("", "name"):
        table.add_column(heading)
    payload = rows[0].payload_bpp is not None
    for heading in ("bytes", "bpp", *["payload bpp"] * payload, "PSNR dB", "open ms", "decode ms"):
        table.add_column(heading, justify="right")
    for r in rows:
        numbers = (
            f"{r.bytes:,}",
            f"{r.bpp:.3f}",
            *(f"{bpp:.3f}" for bpp in [r.payload_bpp] if bpp is not None),
            f"{r.psnr:.2f}",
            f"{r.open_ms:.0f}",
            f"{r.decode_ms:.0f}",
        )
        table.add_row(mark if r.pareto else "", r.name, *numbers, style="bold" if r.pareto else None)
    return table


def as_dict(rows: list[Row], about: Manifest | Header) -> dict[str, Any]:
    """Returns the rows and a description of their picture, ready for JSON."""
    source = about.source if isinstance(about, Manifest) else Source(*about.size)
    of = {"family": about.family, "bits": about.bits, "source": source.to_dict()}
    subnets = [{name: value for name, value in asdict(row).items() if value is not None} for row in rows]
    return {**of, "subnets": subnets}


def plot(rows: list[Row], path: Path, title: str) -> None:
    """Plots PSNR over bits per pixel, a line per depth, and the Pareto front; the suffix sets the format."""
    # matplotlib takes a second to load.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    prefixes = rows[0].payload_bpp is None
    figure = Figure(figsize=(7.2, 4.5), layout="constrained", dpi=160)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    front = sorted((r.bpp, r.psnr) for r in rows if r.pareto)
    axes.plot(
        *zip(*front, strict=True),
        color="#d9d9d9",
        linewidth=9,
        solid_capstyle="round",
        label="Pareto front",
        zorder=1,
    )
    depths = sorted({r.name.split("w")[0] for r in rows}, key=lambda d: int(d[1:]))
    for depth, colour in zip(depths, _colours(len(depths)), strict=True):
        points = [(r.bpp, r.psnr) for r in rows if r.name.startswith(f"{depth}w")]
        axes.plot(
            *zip(*points, strict=True),
            # Bytes of a prefix include all levels before it, so a line per depth would mean nothing.
            "o" if prefixes else "o-",
            color=colour,
            markersize=5,
            linewidth=1.4,
            label=f"depth {depth[1:]}",
        )
    for r in rows:
        axes.annotate(
            r.name.split("w")[1],
            (r.bpp, r.psnr),
            (0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            color="#555555",
        )
    axes.set(
        xlabel=f"bits per pixel ({'file up to a level' if prefixes else 'whole file'}; labels are widths)",
        ylabel="PSNR (dB)",
        xlim=(0, None),
    )
    # A file's name may have any characters: it is no formula, and need not be in the font.
    axes.set_title(printable(title), parse_math=False)
    axes.grid(color="#eeeeee")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.savefig(temporary, format=path.suffix.lstrip(".").lower() or "png")


def _colours(count: int) -> list[Any]:
    from matplotlib import colormaps

    return [colormaps["viridis"](0.05 + 0.8 * i / max(1, count - 1)) for i in range(count)]
