"""`manifest.json`, which lists the exported subnets of a folder, and is read as untrusted input."""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from anir_runtime.errors import AnirError

FORMAT = 1
MANIFEST = "manifest.json"
_MAX_BYTES = 2**24
_MAX_NAME_BYTES = 255


@dataclass(frozen=True)
class Source:
    """The picture that was fitted.

    Attributes:
        width: width in pixels.
        height: height in pixels.
        file: file name; None if it is unknown.
        sha256: SHA-256 of the pixels, uint8[H, W, N], row by row; None if it is unknown.
    """

    width: int
    height: int
    file: str | None = None
    sha256: str | None = None

    def picture(self, directory: Path) -> Path:
        """Returns the picture's path if it is beside its subnets. Raises AnirError if its name is unknown."""
        if self.file is None:
            raise AnirError(f"{directory / MANIFEST}: does not name the picture")
        return directory / self.file

    def to_dict(self) -> dict[str, Any]:
        """Returns the JSON form, without unknown fields."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Entry:
    """One exported subnet: `bpp` counts its file, `payload_bpp` only its hidden weights and latents."""

    name: str
    file: str
    bytes: int
    bpp: float
    payload_bpp: float
    psnr: float
    macs_per_pixel: int
    sha256: str

    def checked_path(self, directory: Path) -> Path:
        """Returns the file's path. Raises AnirError unless the file has the size and hash that are listed."""
        path = directory / self.file
        try:
            with path.open("rb") as file:
                same = path.stat().st_size == self.bytes
                same = same and hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except OSError as error:
            raise AnirError(f"{path}: cannot be read ({error.strerror})") from error
        if not same:
            raise AnirError(f"{path}: not the file that {MANIFEST} describes; export the model again")
        return path


@dataclass(frozen=True)
class Manifest:
    """All subnets of one picture, by depth, then width."""

    family: str
    bits: int
    source: Source
    subnets: tuple[Entry, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the JSON form, with the format's version first."""
        return {"format": FORMAT, **asdict(self), "source": self.source.to_dict()}

    @classmethod
    def load(cls, directory: Path) -> "Manifest":
        """Reads a folder's manifest. Raises AnirError if there is none, or if it breaks the schema."""
        path = directory / MANIFEST
        data = _read(path)
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise AnirError(f"{path}: not an anir manifest of format {FORMAT}")
        try:
            about = _checked(data, _MANIFEST, "")
            source = Source(**_checked(data.get("source"), _SOURCE, "source.", _UNKNOWN))
            entries = data.get("subnets")
            if not isinstance(entries, list) or not entries:
                raise _FaultError("subnets must be a list of at least one")
            checked = [_checked(entry, _ENTRY, f"subnets[{i}].") for i, entry in enumerate(entries)]
            for key in ("name", "file"):
                if len({entry[key] for entry in checked}) < len(checked):
                    raise _FaultError(f"two subnets have the same {key}")
        except _FaultError as fault:
            raise AnirError(f"{path}: {fault}; export the model again") from fault
        return cls(**about, source=source, subnets=tuple(Entry(**entry) for entry in checked))


def plain_name(text: str) -> str:
    """Returns a text as a valid file name for manifests: shortened, forbidden characters replaced by `_`."""
    name = "".join("_" if c in _NOT_IN_NAMES or not c.isprintable() else c for c in text)
    name = name.encode()[:_MAX_NAME_BYTES].decode(errors="ignore")
    return name if name.strip(".") else "image"


class _FaultError(ValueError):
    """A violation of the schema, in a few words."""


def _read(path: Path) -> object:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise AnirError(f"{path}: cannot be read ({error.strerror}); anir-export writes it") from error
    if len(data) > _MAX_BYTES:
        raise AnirError(f"{path}: larger than {_MAX_BYTES >> 20} MiB, no manifest is")
    try:
        # "utf-8-sig" skips a byte order mark, which some editors write.
        result: object = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise AnirError(f"{path}: not valid JSON; export the model again") from error
    return result


def _refuse(constant: str) -> NoReturn:
    """Refuses Infinity and NaN, which are not JSON although Python reads them."""
    raise ValueError(constant)


_Rule = tuple[Callable[[Any], bool], str]
"""A check of a value, and what it asks for."""


def _whole(low: int, high: int) -> _Rule:
    return lambda v: type(v) is int and low <= v <= high, f"a whole number from {low} to {high}"


def _number(low: float, high: float) -> _Rule:
    return lambda v: type(v) in (int, float) and low <= v <= high, f"a number from {low:g} to {high:g}"


def _text(pattern: str, what: str) -> _Rule:
    return lambda v: isinstance(v, str) and re.fullmatch(pattern, v) is not None, what


_NOT_IN_NAMES = '/\\:*?"<>|'
_NAME: _Rule = (
    lambda v: isinstance(v, str) and plain_name(v) == v,
    "a plain file name without folders or control characters",
)
_HASH = _text("[0-9a-f]{64}", "64 hexadecimal digits")
_SIDE = _whole(1, 2**28)
_BPP = _number(0, 1e12)
_MANIFEST: dict[str, _Rule] = {
    "family": _text("[a-z][a-z0-9_]{0,31}", "a family's name"),
    "bits": _whole(1, 16),
}
_SOURCE: dict[str, _Rule] = {"width": _SIDE, "height": _SIDE, "file": _NAME, "sha256": _HASH}
_UNKNOWN = ("file", "sha256")
"""Optional fields of a source."""
_ENTRY: dict[str, _Rule] = {
    "name": _text("d[1-9][0-9]{0,3}w[1-9][0-9]{0,4}", "a name like d3w64"),
    "file": _NAME,
    "bytes": _whole(1, 2**31),
    "bpp": _BPP,
    "payload_bpp": _BPP,
    "psnr": _number(0, 100),
    "macs_per_pixel": _whole(0, 2**53),
    "sha256": _HASH,
}
"""Fields of a subnet: a check of each, and what it asks for. Identical pictures have a PSNR of 100 dB."""


def _checked(
    data: object, schema: Mapping[str, _Rule], where: str, optional: Collection[str] = ()
) -> dict[str, Any]:
    """Returns the fields of a schema after checks; ignores others, which a newer version may have written."""
    if not isinstance(data, dict):
        raise _FaultError(f"{where.rstrip('.')} must be an object")
    for name, (holds, what) in schema.items():
        if name not in data:
            if name in optional:
                continue
            raise _FaultError(f"{where}{name} is missing")
        if not holds(data[name]):
            raise _FaultError(f"{where}{name} is {_shown(data[name])}, must be {what}")
    return {name: data[name] for name in schema if name in data}


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
