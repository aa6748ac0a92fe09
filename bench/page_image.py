"""Draws the preview picture of links to the page: three prefixes of one `.anir` file side by side.

Usage: python -m bench.page_image exported/astronaut/astronaut.anir -o web_demo/public/og.jpg
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from anir_runtime.anir_file import AnirFile
from anir_runtime.decoder import Decoder
from anir_runtime.files import replacing
from anir_toolchain.terminal import run
from PIL import Image, ImageDraw, ImageFont

_SIZE = (1200, 630)
"""Width and height in pixels that sites expect of a preview picture (og:image)."""
_LEVELS = (1, 7, 15)
"""Indices of the levels that are shown."""
_PAPER, _INK = (19, 19, 24), (237, 236, 243)
app = typer.Typer(add_completion=False)


@app.command()
def draw(
    file: Annotated[Path, typer.Argument(help="The .anir file, of sixteen levels.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The JPEG to write.")],
) -> None:
    """Draws three levels of the file, each labelled with the bytes up to its end."""
    stream = AnirFile(file.read_bytes())
    assert stream.header is not None
    width, height = _SIZE
    side = width // len(_LEVELS)
    sheet = Image.new("RGB", _SIZE, _PAPER)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(34)
    for column, level in enumerate(_LEVELS):
        picture = np.asarray(Decoder(stream.network(level)).decode((height - 90, height - 90)))
        middle = (picture.shape[1] - side) // 2
        sheet.paste(Image.fromarray(picture[:, middle : middle + side - 6]), (column * side + 3, 0))
        label = (
            f"{'first ' if level < _LEVELS[-1] else 'all '}{stream.header.levels[level].end / 1000:.1f} kB"
        )
        pen.text((column * side + side / 2, height - 45), label, _INK, font, anchor="mm")
    with replacing(output) as temporary:
        sheet.save(temporary, "JPEG", quality=85)


if __name__ == "__main__":
    raise SystemExit(run(app, "bench.page_image", None))
