"""The table of all subnets: sizes, quality and decode time; as text, JSON or a plot."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from anir_runtime.decoder import Decoder
from anir_runtime.errors import AnirError
from anir_runtime.files import replacing
from anir_runtime.manifest import Manifest
from anir_runtime.terminal import printable
from numpy.typing import NDArray
from rich import box
from rich.table import Table
from rich.text import Text

from anir_toolchain.metrics import psnr


@dataclass(frozen=True)
class Row:
    """One subnet: its file, its quality against a picture, and how long it takes to decode here."""

    name: str
    bytes: int
    bpp: float
    payload_bpp: float
    psnr: float
    decode_ms: float
    pareto: bool


def evaluate(directory: Path, image: NDArray[np.uint8] | None = None, runs: int = 3) -> list[Row]:
    """Decodes every subnet of an exported folder at its native size.

    Args:
        directory: a folder with a manifest.
        image: uint8[H, W, 3] to compare with; without one, PSNR is the manifest's.
        runs: decodes of each subnet after a first one; `decode_ms` is their median.

    Raises:
        AnirError: if the picture's size is not the native one, or a file is not that of the manifest.
    """
    manifest = Manifest.load(directory)
    source = manifest.source
    if image is not None and image.shape[:2] != (source.height, source.width):
        raise AnirError(
            f"the picture is {image.shape[1]}x{image.shape[0]}, "
            f"the subnets were fitted to {source.width}x{source.height}"
        )
    front = manifest.pareto()
    rows = []
    for entry in manifest.subnets:
        decoder = Decoder(entry.checked_path(directory))
        decoded = decoder.decode()
        quality = entry.psnr if image is None else psnr(decoded, image)
        ms = _decode_ms(decoder, runs)
        rows.append(
            Row(entry.name, entry.bytes, entry.bpp, entry.payload_bpp, quality, ms, entry.name in front)
        )
    return rows


def _decode_ms(decoder: Decoder, runs: int) -> float:
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        decoder.decode()
        times.append((time.perf_counter() - started) * 1e3)
    return median(times)


def as_table(rows: list[Row], title: str, mark: str = "●") -> Table:
    """The rows as a rich table; a mark is at subnets that no other one beats in both bytes and PSNR."""
    caption = f"{mark} no other subnet is both smaller and better"
    table = Table(title=Text(printable(title)), box=box.SIMPLE_HEAD, caption=caption)
    for heading in ("", "name"):
        table.add_column(heading)
    for heading in ("bytes", "bpp", "payload bpp", "PSNR dB", "decode ms"):
        table.add_column(heading, justify="right")
    for r in rows:
        numbers = (
            f"{r.bytes:,}",
            f"{r.bpp:.3f}",
            f"{r.payload_bpp:.3f}",
            f"{r.psnr:.2f}",
            f"{r.decode_ms:.0f}",
        )
        table.add_row(mark if r.pareto else "", r.name, *numbers, style="bold" if r.pareto else None)
    return table


def as_dict(rows: list[Row], manifest: Manifest) -> dict[str, Any]:
    """The rows with the picture they are of, ready for JSON."""
    about = {"family": manifest.family, "bits": manifest.bits, "source": manifest.source.to_dict()}
    return {**about, "subnets": [asdict(row) for row in rows]}


def plot(rows: list[Row], path: Path, title: str) -> None:
    """Draws PSNR over bits per pixel, a line per depth and the Pareto front behind; format by suffix."""
    # matplotlib takes a second to load, which only a plot should pay for.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

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
            "o-",
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
        xlabel="bits per pixel (whole file; labels are widths)",
        ylabel="PSNR (dB)",
        title=title,
        xlim=(0, None),
    )
    axes.grid(color="#eeeeee")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lstrip(".").lower() or "png")


def _colours(count: int) -> list[Any]:
    from matplotlib import colormaps

    return [colormaps["viridis"](0.05 + 0.8 * i / max(1, count - 1)) for i in range(count)]
