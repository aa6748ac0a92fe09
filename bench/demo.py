"""`make demo`: trains on a photograph, exports, decodes, and compares the result with the original.

Writes into the output folder: model.pt, one .anir file that streams, onnx/ (sixteen subnets and a manifest),
decoded/ (a PNG of each level of the file), side_by_side.png, rd.png, table.txt and table.json.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from anir_runtime.anir_header import FAMILIES
from anir_runtime.decoder import Decoder
from anir_runtime.files import replacing
from anir_runtime.picture_file import as_pillow, write_picture
from anir_toolchain import Config, export, fit, save_model
from anir_toolchain.anir_export import export_anir
from anir_toolchain.display import show
from anir_toolchain.evaluate import Row, as_dict, as_table, evaluate_levels, plot
from anir_toolchain.image import load_image
from anir_toolchain.level_file import ANIR, LevelFile
from anir_toolchain.terminal import run
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from skimage import data

from bench.machine import machine

app = typer.Typer(add_completion=False)
COFFEE = Path(data.__file__).with_name("coffee.png")
_MARGIN, _CAPTION = 12, 44


@app.command()
def demo(
    picture: Annotated[Path, typer.Argument(help="A picture of your own.", show_default="coffee")] = COFFEE,
    preset: Annotated[str, typer.Option(help="instant, fast, balanced or best.")] = "",
    family: Annotated[str, typer.Option(help=f"One of {', '.join(FAMILIES)}.")] = "lapped",
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the results go.")] = Path("out"),
) -> None:
    """Trains on a picture, exports and decodes it, and tabulates the result."""
    started = time.perf_counter()
    image, name, config = load_image(picture), picture.name, Config(family, preset=preset)
    with show(1) as display:
        model = fit(image, config, source=name, on_progress=lambda at: display.advance("", at))
    fitted = time.perf_counter()
    output.mkdir(parents=True, exist_ok=True)
    save_model(model, output / "model.pt")
    file = output / f"{picture.stem}{ANIR}"
    export_anir(model, file)
    export(model, output / "onnx")
    levels = LevelFile.read(file)
    for level, network in levels.networks():
        write_picture(Decoder(network).decode(), output / "decoded" / f"{level.name}.png")
    rows = evaluate_levels(levels, image)
    write_picture(side_by_side(image, rows, output / "decoded"), output / "side_by_side.png")
    size, kind = f"{image.shape[1]}x{image.shape[0]}", f"{config.family}, {config.bits} bits"
    title = f"{name}, {size}: {kind}, preset {config.preset}"
    plot(rows, output / "rd.png", title)
    console = Console()
    with console.capture() as capture:
        console.print(as_table(rows, title))
    result = {
        "machine": machine(),
        "picture": name,
        "preset": config.preset,
        "fit_seconds": round(fitted - started, 1),
        **as_dict(rows, levels.header),
    }
    for table, text in (("table.txt", capture.get()), ("table.json", json.dumps(result, indent=1) + "\n")):
        with replacing(output / table) as temporary:
            temporary.write_text(text, encoding="utf-8")
    print(capture.get())
    total = time.perf_counter() - started
    print(f"fitted in {fitted - started:.0f} s, everything in {total:.0f} s; see {file} and {output}/")


def side_by_side(image: NDArray[np.uint8], rows: Sequence[Row], decoded: Path) -> NDArray[np.uint8]:
    """Draws the original and the smallest, a middle and the largest level on the Pareto front, two by two."""
    front = sorted((row for row in rows if row.pareto), key=lambda row: row.bytes)
    chosen = [front[0], front[len(front) // 2], front[-1]]
    height, width = image.shape[:2]
    original = f"original, {width}x{height}"
    panels = [(original, as_pillow(image))]
    panels += [(caption(row), Image.open(decoded / f"{row.name}.png")) for row in chosen]
    cell_width, cell_height = width + _MARGIN, height + _CAPTION
    sheet = Image.new("RGB", (2 * cell_width + _MARGIN, 2 * cell_height + _MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(max(11, min(20, width // 24)))
    for i, (text, panel) in enumerate(panels):
        x, y = _MARGIN + i % 2 * cell_width, i // 2 * cell_height
        draw.text((x, y + _CAPTION / 2), text, "#222222", font, anchor="lm")
        # Pasted with its own alpha as the mask, so that the sheet's white shows through.
        own = panel.convert("RGBA")
        sheet.paste(own, (x, y + _CAPTION), own)
    return np.asarray(sheet)


def caption(row: Row) -> str:
    """Returns a level's bytes, rate and PSNR in words."""
    return f"the first {row.bytes:,} bytes: {row.bpp:.2f} bpp, {row.psnr:.1f} dB"


if __name__ == "__main__":
    raise SystemExit(run(app, "demo", None))
