import json
from pathlib import Path

import pytest
from anir_runtime.errors import AnirError
from anir_runtime.manifest import Manifest


def test_a_manifest_round_trips(neural_images: Path, tmp_path: Path) -> None:
    manifest = Manifest.load(neural_images)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest.to_dict()))
    assert Manifest.load(tmp_path) == manifest


def test_damaged_manifests_are_refused(neural_images: Path, tmp_path: Path) -> None:
    good = json.loads((neural_images / "manifest.json").read_text())
    entry = good["subnets"][0]
    cases: list[tuple[object, str]] = [
        ("{", "not valid JSON"),
        ([], "not an anir manifest"),
        ({**good, "format": 2}, "not an anir manifest of format 1"),
        ({k: v for k, v in good.items() if k != "source"}, "damaged"),
        ({**good, "subnets": [{"name": "d2w8"}]}, "damaged"),
        ({**good, "subnets": []}, "at least one subnet"),
        ({**good, "subnets": [{**entry, "file": "../../etc/passwd"}]}, "in its own folder"),
    ]
    with pytest.raises(AnirError, match="cannot be read"):
        Manifest.load(tmp_path)
    for data, words in cases:
        (tmp_path / "manifest.json").write_text(data if isinstance(data, str) else json.dumps(data))
        with pytest.raises(AnirError, match=words):
            Manifest.load(tmp_path)
