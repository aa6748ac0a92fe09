"""Writes neural images, and the pixels that Python draws from them and that the browser must draw, too.

Usage: python -m tests.e2e.make_fixtures DIRECTORY [EXPORTED]

Makes one subnet of each family, a grey and a transparent picture, a complete exported folder, an `.anir`
file, and a zoomed view of each sample in EXPORTED.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from anir_runtime.anir_file import AnirFile
from anir_runtime.decoder import Crop, Decoder
from anir_runtime.manifest import Manifest
from anir_runtime.picture_file import write_picture
from anir_toolchain import Config, fit
from anir_toolchain.anir_export import export_anir
from anir_toolchain.families import families
from anir_toolchain.onnx_export import export
from numpy.typing import NDArray
from PIL import Image

from tests.random_model import random_model

EXPORTED = Path(__file__).parents[2] / "exported"
STAGE = (300, 200)
STREAM = (480, 320)
VIEW = {"x": 0.4, "y": 0.55, "zoom": 5.0}


def make_fixtures(directory: Path, exported: Path = EXPORTED) -> None:
    """Writes all fixtures into `directory`; fixtures.json lists them."""
    shutil.rmtree(directory, ignore_errors=True)
    fixtures = {
        "models": [
            *(make_model(directory, name, name) for name in sorted(families())),
            make_model(directory, "grey", "lapped", colours=1),
        ],
        "clear": make_model(directory, "clear", "fourier", colours=4),
        "folder": make_folder(directory),
        "stream": make_stream(directory, exported),
        "views": [make_view(directory, path.parent) for path in sorted(exported.glob("*/manifest.json"))],
    }
    (directory / "fixtures.json").write_text(json.dumps(fixtures, indent=1))


def make_model(directory: Path, name: str, family: str, colours: int = 3) -> dict[str, Any]:
    """Writes one `.onnx` file, and its pixels at its native size and at twice that size."""
    model = random_model(family, size=(150, 100), colours=colours)
    export(model, directory / name, [model.space.find("d4w32")])
    path = directory / f"{name}.onnx"
    shutil.move(directory / name / "d4w32.onnx", path)
    decoder = Decoder(path)
    width, height = decoder.width, decoder.height
    (directory / f"{name}.rgb").write_bytes(_rgb(decoder.decode()))
    (directory / f"{name}_twice.rgb").write_bytes(_rgb(decoder.decode((2 * width, 2 * height))))
    return {
        "file": path.name,
        "family": name,
        "width": width,
        "height": height,
        "pixels": f"{name}.rgb",
        "twice": f"{name}_twice.rgb",
    }


def _rgb(pixels: NDArray[np.uint8]) -> bytes:
    return (pixels.repeat(3, 2) if pixels.shape[2] == 1 else pixels[..., :3]).tobytes()


def make_folder(directory: Path) -> str:
    """Writes a folder that a visitor of the page may open: sixteen subnets, manifest and source picture."""
    model = random_model(size=(150, 100))
    export(model, directory / "exported")
    write_picture(model.image.numpy(), directory / "exported" / model.source)
    return "exported"


def make_stream(directory: Path, exported: Path) -> str:
    """Writes an `.anir` file of a photograph in sixteen levels."""
    with Image.open(exported / "astronaut" / "astronaut.png") as picture:
        image = np.asarray(picture.convert("RGB").resize(STREAM))
    export_anir(fit(image, Config("lapped", preset="instant")), directory / "stream.anir")
    return "stream.anir"


def make_view(directory: Path, sample: Path) -> dict[str, Any]:
    """Writes the part of a sample that the page shows at VIEW on a stage of size STAGE.

    It is drawn from the first level of the sample's `.anir` file, or else from the smallest subnet.
    """
    streams = sorted(sample.glob("*.anir"))
    if streams:
        network = AnirFile(streams[0].read_bytes()).network(0)
        name, decoder = network.name, Decoder(network)
    else:
        entry = min(Manifest.load(sample).subnets, key=lambda e: e.bytes)
        name, decoder = entry.name, Decoder(sample / entry.file)
    width, height = decoder.width, decoder.height
    scale = VIEW["zoom"] * min(STAGE[0] / width, STAGE[1] / height)
    size = (STAGE[0] / scale, STAGE[1] / scale)
    crop = Crop(VIEW["x"] * width - size[0] / 2, VIEW["y"] * height - size[1] / 2, *size)
    pixels = f"{sample.name}_view.rgb"
    (directory / pixels).write_bytes(decoder.decode(STAGE, crop).tobytes())
    stage = {"width": STAGE[0], "height": STAGE[1]}
    return {"picture": sample.name, "subnet": name, "view": VIEW, "stage": stage, "pixels": pixels}


if __name__ == "__main__":
    make_fixtures(*map(Path, sys.argv[1:3]))
