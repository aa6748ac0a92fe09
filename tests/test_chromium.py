import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench import chromium


def test_pictures_that_chromium_shows_differently_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c", "d"):
        Image.new("RGBA", (4, 2), (200, 100, 0, 51)).save(tmp_path / f"{name}.png")
    (tmp_path / "e.png").write_text("no picture")
    (tmp_path / "f.txt").write_text("no picture, either")
    alike = {"size": [4, 2], "mean": [40.0, 20.0, 0.0, 51.0]}
    shown = [alike, {**alike, "mean": [40.0, 23.5, 0.0, 51.0]}, {**alike, "size": [2, 4]}, None, alike]

    def node(command: list[Any], input: str, **_: Any) -> subprocess.CompletedProcess[str]:
        assert [Path(path).name for path in json.loads(input)] == [
            "a.png",
            "b.png",
            "c.png",
            "d.png",
            "e.png",
        ]
        return subprocess.CompletedProcess(command, 0, json.dumps(shown))

    monkeypatch.setattr(subprocess, "run", node)
    assert chromium.compared(tmp_path) == {
        "pictures": 5,
        "compared": 2,
        "within": 1,
        "largest": 3.5,
        "others": {
            "b.png": "differs by 3.5 levels",
            "c.png": "4x2 here, 2x4 in Chromium",
            "d.png": "refused by Chromium",
            "e.png": "refused here: not a picture that can be opened; save it as JPEG or PNG first",
        },
    }
