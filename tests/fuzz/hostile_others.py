"""Small models, manifests and pictures that try to break a reader, with the expected verdicts."""

import io
import json
import os
import pickle
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from anir_toolchain.checkpoint import FORMAT, save_model
from anir_toolchain.space import Space
from PIL import Image

from tests.fuzz.onnx_changes import DRAWN, REFUSED, Files
from tests.random_model import random_model

_HASH = "0" * 64


def manifests() -> Files:
    """Returns valid and faulty variants of manifest.json, with their verdicts."""
    files: Files = {
        "sound": (_manifest(), DRAWN),
        "sound-with-a-byte-order-mark": (b"\xef\xbb\xbf" + _manifest(), DRAWN),
        "sound-with-more-fields": (_manifest(("", "newer", [1])), DRAWN),
        "empty": (b"", REFUSED),
        "null": (b"null", REFUSED),
        "truncated": (_manifest()[:-2], REFUSED),
        "nested-20000": (b"[" * 20_000, REFUSED),
        "number-of-5000-digits": (_manifest().replace(b'"bits": 4', b'"bits": ' + b"4" * 5000), REFUSED),
        "infinity": (_manifest().replace(b"30.5", b"Infinity"), REFUSED),
        "nan": (_manifest().replace(b"30.5", b"NaN"), REFUSED),
        "1e999": (_manifest().replace(b"30.5", b"1e999"), REFUSED),
        "latin-1": (_manifest().replace(b"a.onnx", b"\xe9.onnx"), REFUSED),
        "utf-16": (_manifest().decode().encode("utf-16"), REFUSED),
    }
    wrong: list[tuple[str, str, Any]] = [
        ("entry", "file", 0),
        ("entry", "file", "../a.onnx"),
        ("entry", "file", "/etc/hostname"),
        ("entry", "file", "C:a.onnx"),
        ("entry", "file", ".."),
        ("entry", "file", "a\0.onnx"),
        ("entry", "file", "\ud800.onnx"),
        ("entry", "file", "\x1b[31m.onnx"),
        ("entry", "file", "é" * 200),
        ("entry", "name", "<b>d2w4</b>"),
        ("entry", "bytes", -1),
        ("entry", "bytes", 1.5),
        ("entry", "bytes", True),
        ("entry", "psnr", "x"),
        ("entry", "psnr", 101),
        ("entry", "sha256", "0"),
        ("source", "width", 2**31),
        ("source", "height", 0),
        ("source", "file", None),
        ("", "bits", "4"),
        ("", "family", "\n"),
        ("", "format", 2),
        ("", "subnets", []),
        ("", "subnets", {}),
        ("", "subnets", [[]]),
        ("", "source", 1),
    ]
    for k, fault in enumerate(wrong):
        files[f"wrong-{fault[0] or 'top'}-{fault[1]}-{k}"] = _manifest(fault), REFUSED
    return files


def _manifest(fault: tuple[str, str, Any] | None = None) -> bytes:
    source = {"file": "a.png", "width": 40, "height": 24, "sha256": _HASH}
    entry: dict[str, Any] = {"name": "d2w4", "file": "a.onnx", "bytes": 600, "bpp": 1.5, "payload_bpp": 0.5}
    entry |= {"psnr": 30.5, "macs_per_pixel": 28, "sha256": _HASH}
    document = {"format": 1, "family": "siren", "bits": 4, "source": source, "subnets": [entry]}
    if fault:
        where, key, value = fault
        {"entry": entry, "source": source, "": document}[where][key] = value
    return json.dumps(document).encode()


def models() -> Files:
    """Returns valid and faulty variants of model.pt, with their verdicts."""
    sound, lapped = _model("siren"), _model("lapped")
    return {
        "sound-siren": (sound, DRAWN),
        "sound-lapped": (lapped, DRAWN),
        "empty": (b"", REFUSED),
        "text": (b"not a model", REFUSED),
        "truncated": (sound[: len(sound) // 2], REFUSED),
        "zip-of-nothing": (_archive({}), REFUSED),
        "zip-bomb": (_archive({"model/data.pkl": bytes(2**24)}, zipfile.ZIP_DEFLATED), REFUSED),
        "calls-a-program": (_pickled(_Calls()), REFUSED),
        "plain-pickle-that-calls-a-program": (pickle.dumps(_Calls(), 2), REFUSED),
        "a-list": (_pickled([1, 2]), REFUSED),
        "another-format": (_pickled({"anir": 99, "kind": "model"}), REFUSED),
        "nothing-but-a-format": (_pickled({"anir": FORMAT, "kind": "model"}), REFUSED),
    }


class _Calls:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("echo ran > ran",)


def _pickled(value: object) -> bytes:
    members = {
        "model/data.pkl": pickle.dumps(value, 2),
        "model/version": b"3\n",
        "model/byteorder": b"little",
    }
    return _archive(members)


def _archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Returns a zip archive; models are stored, and compressed ones are refused before anything is read."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return target.getvalue()


def _model(family: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        save_model(random_model(family, size=(24, 16), space=Space((2,), (8,))), path)
        return path.read_bytes()


def pictures() -> Files:
    """Returns valid and faulty pictures to train on, with their verdicts."""
    small = Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    sound = {}
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"):
        target = io.BytesIO()
        small.save(target, kind)
        sound[kind.lower()] = target.getvalue()
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n(ran) print\n"
    return {
        **{f"sound-{kind}": (data, DRAWN) for kind, data in sound.items()},
        **{f"truncated-{kind}": (sound[kind][: len(sound[kind]) // 2], REFUSED) for kind in ("png", "webp")},
        "empty": (b"", REFUSED),
        "eps": (eps, REFUSED),
        "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/hostname'/></svg>", REFUSED),
        "png-of-4-gigapixels": (_png(65535, 65535, bytes(100)), REFUSED),
        "png-of-no-pixels": (_png(0, 0, b""), REFUSED),
        "png-of-2-31": (_png(2**31 - 1, 1, bytes(100)), REFUSED),
        "png-with-a-text-bomb": (_png(1, 1, bytes(4), _text_bomb()), REFUSED),
    }


def _png(width: int, height: int, pixels: bytes, extra: bytes = b"") -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + header + extra + _chunk(b"IDAT", zlib.compress(pixels)) + _chunk(b"IEND", b"")
    )


def _text_bomb() -> bytes:
    return _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**22)))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
