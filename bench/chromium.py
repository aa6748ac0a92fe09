"""Compares the mean colours of pictures as the toolchain reads them and as headless Chromium shows them."""

import json
import subprocess
import warnings
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from anir_runtime.errors import AnirError, AnirWarning
from anir_runtime.files import replacing
from anir_toolchain.image import read_picture
from anir_toolchain.terminal import run

from bench import RESULTS
from bench.machine import machine
from bench.module_map import ROOT

app = typer.Typer(add_completion=False)
_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".avif")
"""File suffixes of formats that Chromium shows and Pillow reads."""
LIMIT = 2.0
"""Largest difference of mean colours that counts as the same, in 8-bit levels."""
_SCRIPT = ROOT / "web_demo" / "bench" / "mean_colours.mjs"


@app.command()
def chromium(
    folders: Annotated[list[Path], typer.Argument(help="Folders of pictures, one for each set.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The JSON result.")] = RESULTS
    / "chromium.json",
) -> None:
    """Compares the pictures of folders and their subfolders, as read here, with what Chromium shows."""
    sets = {folder.name: compared(folder) for folder in folders}
    about = {**machine(), "chromium": _chromium()}
    result = {"machine": about, "limit": LIMIT, "sets": sets}
    with replacing(output) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for name, own in sets.items():
        print(f"{name}: {own['compared']} compared, {own['within']} within {LIMIT:g} levels")


def compared(folder: Path) -> dict[str, Any]:
    """Compares all pictures of a folder and its subfolders.

    Returns:
        `pictures`: how many there are; `compared`: those that both show at the same size; `within`: those
        whose means differ by at most LIMIT; `largest`: largest difference of means; `others`: for each
        picture that differs, by its path, the levels, the sizes, or who refuses it and why.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    asked = json.dumps([str(path) for path in paths])
    done = subprocess.run(["node", _SCRIPT], input=asked, capture_output=True, text=True, check=True)
    differences: list[float] = []
    others: dict[str, str] = {}
    for path, shown in zip(paths, json.loads(done.stdout), strict=True):
        name = str(path.relative_to(folder))
        try:
            size, mean = _read(path)
        except AnirError as error:
            if shown is not None:
                others[name] = f"refused here: {str(error).removeprefix(str(path) + ': ')}"
            continue
        if shown is None:
            others[name] = "refused by Chromium"
        elif size != tuple(shown["size"]):
            others[name] = f"{size[0]}x{size[1]} here, {shown['size'][0]}x{shown['size'][1]} in Chromium"
        else:
            differences.append(float(np.abs(mean - shown["mean"]).max()))
            if differences[-1] > LIMIT:
                others[name] = f"differs by {differences[-1]:.1f} levels"
    return {
        "pictures": len(paths),
        "compared": len(differences),
        "within": sum(difference <= LIMIT for difference in differences),
        "largest": round(max(differences, default=0.0), 2),
        "others": others,
    }


def _read(path: Path) -> tuple[tuple[int, int], np.ndarray[Any, np.dtype[np.float64]]]:
    """Returns a picture's (width, height) and its mean red, green, blue (on black) and alpha, 0 to 255."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AnirWarning)
        pixels = read_picture(path).pixels.astype(np.float64)
    height, width, colours = pixels.shape
    alpha = pixels[..., 3:] if colours == 4 else np.full((height, width, 1), 255.0)
    rgb = np.broadcast_to(pixels[..., : min(colours, 3)], (height, width, 3)) * alpha / 255
    return (width, height), np.concatenate([rgb, alpha], 2).mean((0, 1))


def _chromium() -> str:
    """Returns the version of the Chromium that the page's tests use."""
    script = "import('./tests/browser/preflight.mjs').then((m) => console.log(m.findChromium()))"
    found = subprocess.check_output(["node", "-e", script], cwd=ROOT / "web_demo", text=True).strip()
    return subprocess.check_output([found, "--version"], text=True).split()[1]


if __name__ == "__main__":
    raise SystemExit(run(app, "chromium", None))
