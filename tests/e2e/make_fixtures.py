"""One subnet of each family with the pixels that Python decodes, for the browser to agree with.

Usage: python -m tests.e2e.make_fixtures DIRECTORY
"""

import json
import shutil
import sys
from pathlib import Path

from anir_runtime.decoder import Decoder
from anir_toolchain.export import export
from anir_toolchain.families import families

from tests.random_model import random_model


def make_fixtures(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    fixtures = []
    for name in sorted(families()):
        model = random_model(name, size=(150, 100))
        export(model, directory / name, [model.space.find("d4w32")])
        path = directory / f"{name}.onnx"
        shutil.copy(directory / name / "d4w32.onnx", path)
        decoder = Decoder(path)
        (directory / f"{name}.rgb").write_bytes(decoder.decode().tobytes())
        fixtures.append(
            {
                "file": path.name,
                "family": name,
                "width": decoder.width,
                "height": decoder.height,
                "pixels": f"{name}.rgb",
            }
        )
    (directory / "fixtures.json").write_text(json.dumps(fixtures, indent=1))


if __name__ == "__main__":
    make_fixtures(Path(sys.argv[1]))
