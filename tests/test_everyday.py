import cProfile
import json
from pathlib import Path
from typing import Any

import numpy as np
from anir_toolchain.image import load_image
from PIL import Image

from bench.everyday import _parts, mosaic
from bench.picture_tables import everyday


def test_a_mosaic_is_filled_with_repeated_pictures(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.png" for name in ("wide", "tall")]
    Image.new("RGB", (768, 512), "red").save(paths[0])
    Image.new("RGB", (600, 900), "lime").save(paths[1])
    image = mosaic(paths, (1000, 600))
    assert image.shape == (600, 1000, 3)
    red, green = np.array([255, 0, 0]), np.array([0, 255, 0])
    assert (image[:512, :768] == red).all()
    assert (image[:512, 768:] == green).all()
    assert (image[512:, :768] == red).all()


def test_only_parts_that_took_time_are_listed(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (2500, 2500, 3), np.uint8)).save(
        tmp_path / "a.png"
    )
    profile = cProfile.Profile()
    profile.runcall(load_image, tmp_path / "a.png")
    profile.dump_stats(tmp_path / "stats")
    parts = _parts(tmp_path / "stats")
    assert list(parts) == ["reads the picture"]


def test_the_table_has_a_row_for_each_command() -> None:
    command: dict[str, Any] = {"name": "draw", "seconds": 3.4, "processor_seconds": 2.2, "peak_mib": 1234}
    result = {
        "machine": dict.fromkeys(("date", "processor", "cores", "torch", "onnxruntime"), "x"),
        "load": 0.5,
        "pictures": [
            {"size": size, "commands": [{**command, "parts": {"decodes": 1.25}}]}
            for size in ([768, 512], [4000, 3000])
        ],
    }
    table = everyday(json.loads(json.dumps(result)))
    assert "| draw | 3 | 2 | 1,234 | 3 | 2 | 1,234 |" in table
    assert "- draw: decodes 1.2" in table
