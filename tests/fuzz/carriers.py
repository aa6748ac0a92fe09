"""The kinds of file that anir opens, with valid examples to be damaged and a way to open each."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from anir_runtime.decoder import Decoder
from anir_runtime.manifest import MANIFEST, Manifest
from anir_toolchain.checkpoint import load_model, save_model
from anir_toolchain.families import families
from anir_toolchain.image import load_image
from anir_toolchain.onnx_writer import build
from PIL import Image

from tests.fuzz.mutate import BYTES, Mutation, archive, json_value, protobuf
from tests.fuzz.mutate_anir import anir
from tests.random_model import random_model
from tests.vectors.anir import anir_files

CORPUS = Path(__file__).with_name("corpus")
"""Folder with one folder of files for each carrier: made ones, and ones that once led to findings."""
_DRAWN = (48, 32)


@dataclass(frozen=True)
class Carrier:
    """A kind of file.

    Attributes:
        name: the kind's name.
        examples: makes valid files.
        mutations: functions that damage a file; one that is listed several times is chosen more often.
        open: opens a file as a user would, given its bytes; raises AnirError if it refuses the file.
        mebibytes: memory that opening a file may take.
        seconds: processor time that opening and drawing a file may take.
    """

    name: str
    examples: Callable[[], list[bytes]]
    mutations: Sequence[Mutation]
    open: Callable[[bytes], None]
    mebibytes: int = 256
    seconds: float = 2.0

    def seeds(self) -> list[bytes]:
        """Returns the valid examples and the files of the corpus."""
        return [*self.examples(), *(path.read_bytes() for path in found(self.name))]


def found(carrier: str) -> list[Path]:
    """Returns the paths of one carrier's files in the corpus, in order."""
    return sorted((CORPUS / carrier).glob("*"))


@cache
def _networks() -> list[bytes]:
    small = [random_model(name, bits, size=(48, 32)) for name in sorted(families()) for bits in (4, 8)]
    return [
        build(model.network(model.space.find(name))).SerializeToString()
        for model in small
        for name in ("d2w16", "d4w24")
    ]


def _draw(data: bytes) -> None:
    # The declared size may be large, so a smaller picture is drawn.
    Decoder(data).decode(_DRAWN)


def _checkpoints() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        examples = []
        for name in ("siren", "lapped"):
            save_model(random_model(name, size=(48, 32)), path)
            examples.append(path.read_bytes())
    return examples


def _from_file(name: str, load: Callable[[Path], object]) -> Callable[[bytes], None]:
    def opened(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(data)
            load(path)

    return opened


def _manifests() -> list[bytes]:
    return [path.read_bytes() for path in Path("exported").glob(f"*/{MANIFEST}")]


def _pictures() -> list[bytes]:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 4), np.uint8)
    pictures = {"PNG": "RGBA", "JPEG": "RGB", "WEBP": "RGBA", "TIFF": "RGB", "GIF": "P", "BMP": "L"}
    examples = []
    for kind, mode in pictures.items():
        target = BytesIO()
        Image.fromarray(pixels).convert(mode).save(target, kind)
        examples.append(target.getvalue())
    return examples


CARRIERS = {
    carrier.name: carrier
    for carrier in (
        Carrier("onnx", _networks, (*BYTES, *[protobuf] * 10), _draw),
        Carrier("anir", cache(anir_files), (*BYTES, *[anir] * 20), _draw),
        Carrier("model", cache(_checkpoints), (*BYTES, *[archive] * 5), _from_file("model.pt", load_model)),
        Carrier(
            "manifest",
            _manifests,
            (*BYTES, *[json_value] * 15),
            _from_file(MANIFEST, lambda path: Manifest.load(path.parent)),
        ),
        # A picture of 64 megapixels, which any header may declare, takes 192 MiB, twice while it is read.
        Carrier("picture", cache(_pictures), BYTES, _from_file("picture", load_image), 1024, 10.0),
    )
}
