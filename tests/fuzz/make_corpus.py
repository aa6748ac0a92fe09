"""Writes the corpus: small valid and hostile files of every kind, and verdicts.json.

Usage: python -m tests.fuzz.make_corpus

Files that the fuzzer has found (`found-*`) and their verdicts are kept.
"""

import json

from tests.fuzz.carriers import CORPUS
from tests.fuzz.hostile_anir import anir_corpus
from tests.fuzz.hostile_onnx import onnx_files
from tests.fuzz.hostile_others import manifests, models, pictures
from tests.fuzz.onnx_changes import Files

_MAKERS = {
    "onnx": (".onnx", onnx_files),
    "anir": (".anir", anir_corpus),
    "manifest": (".json", manifests),
    "model": (".pt", models),
    "picture": ("", pictures),
}
VERDICTS = CORPUS / "verdicts.json"


def main() -> None:
    """Writes the corpus."""
    old = json.loads(VERDICTS.read_text(encoding="utf-8")) if VERDICTS.exists() else {}
    verdicts = {carrier: _write(carrier, suffix, make()) for carrier, (suffix, make) in _MAKERS.items()}
    for carrier, own in old.items():
        verdicts[carrier] |= {name: verdict for name, verdict in own.items() if name.startswith("found-")}
    VERDICTS.write_text(json.dumps(verdicts, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _write(carrier: str, suffix: str, files: Files) -> dict[str, str]:
    folder = CORPUS / carrier
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if not path.name.startswith("found-"):
            path.unlink()
    for name, (data, _) in files.items():
        (folder / f"{name}{suffix}").write_bytes(data)
    return {f"{name}{suffix}": verdict for name, (_, verdict) in files.items()}


if __name__ == "__main__":
    main()
