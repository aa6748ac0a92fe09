"""Measures how training serves pictures unlike photographs: a page of text and a diagram.

Usage: python -m bench.drawings [-o bench/results/drawings.json]
"""

import math
import string
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import typer
from anir_runtime.decoder import Decoder
from anir_toolchain import Config, fit
from anir_toolchain.anir_export import export_anir
from anir_toolchain.metrics import psnr
from anir_toolchain.terminal import run
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bench import RESULTS
from bench.codecs import SWEEPS, encode
from bench.kodak import Output, write
from bench.machine import machine
from bench.rd import RATES, between

app = typer.Typer(add_completion=False)

_SIZE = 768, 512
_CODECS = ("JPEG", "AVIF 4:4:4")
_COLOURS = ("white", "lavender", "honeydew", "mistyrose", "steelblue", "darkorange", "seagreen")


@app.command()
def drawings(output: Output = None) -> None:
    """Measures both pictures with `instant`, which trains nothing, with `fast`, and with other codecs."""
    output = output or RESULTS / "drawings.json"
    pictures = {"a page of text": page(*_SIZE), "a diagram": diagram(*_SIZE)}
    result = {
        "machine": machine(),
        "rates": RATES,
        "pictures": {name: _measured(image) for name, image in pictures.items()},
    }
    write(output, result)
    print(output)


def _measured(image: NDArray[np.uint8]) -> dict[str, Any]:
    """Returns for each preset and codec the PSNR in dB at RATES, null where there is none, and seconds."""
    result: dict[str, Any] = {}
    pixels = math.prod(image.shape[:2])
    for preset in ("instant", "fast"):
        started = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            header = export_anir(fit(image, Config("lapped", preset=preset)), Path(folder) / "a.anir")
            data = (Path(folder) / "a.anir").read_bytes()
        seconds = round(time.process_time() - started, 1)
        cuts = [data[: int(rate * pixels / 8)] for rate in RATES]
        shown = [Decoder(cut).decode() if len(cut) >= header.levels[0].end else None for cut in cuts]
        quality = [own if own is None else round(psnr(own, image), 3) for own in shown]
        result[preset] = {"psnr": quality, "cpu_seconds": seconds}
        print(f"{preset}: {quality}", flush=True)
    for codec in _CODECS:
        files = [encode(image, codec, quality) for quality in SWEEPS[codec]]
        points = [(8 * own["bytes"] / pixels, own["psnr"]) for own in files]
        at_rates = [between(points, rate) for rate in RATES]
        result[codec] = {"psnr": [own if own is None else round(own, 3) for own in at_rates]}
    return result


def page(width: int, height: int) -> NDArray[np.uint8]:
    """Returns a page of text in four colours and sizes, uint8[height, width, 3]."""
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    random, top = Random(1), 4
    while top < height:
        size, colour = random.choice([(12, "black"), (14, "navy"), (16, "dimgray"), (22, "darkred")])
        text = "".join(random.choices(string.ascii_letters + "    ", k=width // 5))
        draw.text((9, top), text, font=ImageFont.load_default(size), fill=colour)
        top += size + size // 3
    return np.asarray(picture)


def diagram(width: int, height: int) -> NDArray[np.uint8]:
    """Returns boxes, circles, lines and labels on white, smoothed at their edges, uint8[height, width, 3]."""
    picture = Image.new("RGB", (2 * width, 2 * height), "white")
    draw = ImageDraw.Draw(picture)
    random = Random(2)

    def place() -> tuple[int, int]:
        return random.randrange(2 * width), random.randrange(2 * height)

    for _ in range(60):
        draw.line([place(), place()], fill=random.choice(_COLOURS[4:]), width=random.choice((2, 3, 5)))
    for _ in range(width * height // 12000):
        x, y = place()
        across, down = random.randrange(80, 260), random.randrange(50, 120)
        shape = random.choice((draw.rectangle, draw.ellipse))
        shape((x, y, x + across, y + down), fill=random.choice(_COLOURS), outline="black", width=3)
        label = "".join(random.choices(string.ascii_lowercase, k=6))
        draw.text((x + 20, y + down // 2 - 14), label, font=ImageFont.load_default(28), fill="black")
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))


if __name__ == "__main__":
    raise SystemExit(run(app, "bench.drawings", None))
