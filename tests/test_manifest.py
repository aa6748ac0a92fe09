import codecs
import json
from pathlib import Path
from typing import Any

import pytest
from anir_runtime.errors import AnirError
from anir_runtime.manifest import Manifest, Source, plain_name


@pytest.fixture
def good(exported: Path) -> dict[str, Any]:
    return json.loads((exported / "manifest.json").read_text())


def _load(data: object, folder: Path) -> Manifest:
    text = data if isinstance(data, bytes | str) else json.dumps(data)
    (folder / "manifest.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    return Manifest.load(folder)


def test_a_manifest_round_trips(exported: Path, tmp_path: Path) -> None:
    manifest = Manifest.load(exported)
    assert _load(manifest.to_dict(), tmp_path) == manifest


def test_unknown_fields_of_the_source_are_left_out(good: dict[str, Any], tmp_path: Path) -> None:
    del good["source"]["file"], good["source"]["sha256"]
    manifest = _load(good, tmp_path)
    assert manifest.source == Source(96, 64)
    assert manifest.to_dict()["source"] == {"width": 96, "height": 64}
    assert _load(manifest.to_dict(), tmp_path) == manifest
    with pytest.raises(AnirError, match="does not name the picture"):
        manifest.source.picture(tmp_path)


def test_a_byte_order_mark_and_further_fields_are_ignored(good: dict[str, Any], tmp_path: Path) -> None:
    expected = _load(good, tmp_path)
    assert _load(codecs.BOM_UTF8 + json.dumps(good).encode(), tmp_path) == expected
    good["subnets"][0]["offset"] = good["source"]["camera"] = good["later"] = "x"
    assert _load(good, tmp_path) == expected


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"format": 1, "bits": Infinity}', "not valid JSON"),
        ('{"format": ' + "9" * 5000 + "}", "not valid JSON"),
        (b" " * (2**24 + 1), "larger than 16 MiB"),
        ([], "not an anir manifest"),
        ({"format": 2}, "not an anir manifest of format 1"),
    ],
)
def test_files_that_are_no_manifest_are_refused(data: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(AnirError, match=words):
        _load(data, tmp_path)


def test_a_missing_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AnirError, match="cannot be read"):
        Manifest.load(tmp_path)


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        (("source",), None, "source must be an object"),
        (("source", "file"), None, "source.file is None, must be a plain file name"),
        (("source", "file"), 0, "source.file is 0, must be a plain file name"),
        (("source", "file"), "a\x1b[31m.png", r"source.file is 'a\\x1b\[31m.png', must be"),
        (("source", "file"), "\ud800", "source.file"),
        (("source", "width"), 0, "source.width is 0, must be a whole number from 1"),
        (("source", "width"), 10**400, "source.width is 1000000000000000000000000000000000000000…"),
        (("source", "height"), 1.5, "source.height is 1.5"),
        (("source", "height"), True, "source.height is True"),
        (("source", "sha256"), "X" * 64, "64 hexadecimal digits"),
        (("family",), "Siren\n", "family is"),
        (("bits",), "4", "bits is '4'"),
        (("subnets",), [], "list of at least one"),
        (("subnets",), {}, "list of at least one"),
        (("subnets", 0), "d2w8", r"subnets\[0\] must be an object"),
        (("subnets", 3, "name"), "d2", r"subnets\[3\].name is 'd2'"),
        (("subnets", 3, "psnr"), "x", r"subnets\[3\].psnr is 'x', must be a number from 0 to 100"),
        (("subnets", 3, "psnr"), 1e9, "psnr is 1000000000.0"),
        (("subnets", 3, "psnr"), [[]], "psnr is a list"),
        (("subnets", 3, "bytes"), -1, "bytes is -1"),
        (("subnets", 3, "bpp"), None, "bpp is None"),
        (("subnets", 3, "macs_per_pixel"), 2**54, "macs_per_pixel"),
        *[
            (("subnets", 0, "file"), name, "must be a plain file name")
            for name in ("", ".", "..", "../a", "/etc/passwd", "a/b", "a\\b", "c:a", "a\0", "a\n", "x" * 256)
        ],
        (("subnets", 1, "file"), "d2w16.onnx", "two subnets have the same file"),
        (("subnets", 1, "name"), "d2w16", "two subnets have the same name"),
    ],
)
def test_invalid_values_are_refused_in_one_line(
    where: tuple[str | int, ...], value: object, words: str, good: dict[str, Any], tmp_path: Path
) -> None:
    place: Any = good
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = value
    with pytest.raises(AnirError, match=words) as caught:
        _load(good, tmp_path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("field", ["family", "bits", "source", "subnets"])
def test_a_missing_field_is_named(field: str, good: dict[str, Any], tmp_path: Path) -> None:
    del good[field]
    with pytest.raises(AnirError, match=field):
        _load(good, tmp_path)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("IMG 1.jpg", "IMG 1.jpg"),
        ("Grüße.png", "Grüße.png"),
        ("a/b\\c:d\x1b\n\ud800.png", "a_b_c_d___.png"),
        ("..", "image"),
        ("", "image"),
        ("é" * 200, "é" * 127),
    ],
)
def test_any_text_becomes_a_plain_file_name(text: str, plain: str) -> None:
    assert plain_name(text) == plain
    assert plain_name(plain) == plain
