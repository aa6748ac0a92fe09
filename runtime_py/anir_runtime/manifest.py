"""`manifest.json`: what a folder of exported subnets holds."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from anir_runtime.errors import AnirError

FORMAT = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Source:
    """The picture that was fitted; `sha256` is of its uint8[H, W, 3] pixels, row by row."""

    file: str
    width: int
    height: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """One exported subnet; bpp counts the file's bytes, payload_bpp its packed hidden weights alone."""

    name: str
    file: str
    bytes: int
    bpp: float
    payload_bpp: float
    psnr: float
    macs_per_pixel: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """All subnets of one picture, by depth, then width."""

    family: str
    bits: int
    source: Source
    subnets: tuple[Entry, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, with the format's version first."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def load(cls, directory: Path) -> "Manifest":
        """Reads a folder's manifest. Raises AnirError if there is none or it is not one of ours."""
        path = directory / MANIFEST
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise AnirError(f"{path}: cannot be read ({error.strerror}); anir-export writes it") from error
        except ValueError as error:
            raise AnirError(f"{path}: not valid JSON; export the model again") from error
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise AnirError(f"{path}: not an anir manifest of format {FORMAT}")
        try:
            source = Source(**data["source"])
            subnets = tuple(Entry(**entry) for entry in data["subnets"])
            manifest = cls(family=data["family"], bits=data["bits"], source=source, subnets=subnets)
        except (KeyError, TypeError) as error:
            raise AnirError(f"{path}: a damaged manifest; export the model again") from error
        if not subnets or any(Path(entry.file).name != entry.file for entry in subnets):
            raise AnirError(f"{path}: must list at least one subnet, each a file in its own folder")
        return manifest

    def pareto(self) -> set[str]:
        """Names of the subnets that no other one beats in both bytes and PSNR."""
        front: set[str] = set()
        best = float("-inf")
        for entry in sorted(self.subnets, key=lambda e: (e.bytes, -e.psnr)):
            if entry.psnr > best:
                front.add(entry.name)
                best = entry.psnr
        return front
