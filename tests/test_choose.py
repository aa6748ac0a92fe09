import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from anir_runtime import choose as module
from anir_runtime.anir_file import AnirFile
from anir_runtime.anir_header import Header
from anir_runtime.choose import Limits, choose, choose_level, estimate_ms
from anir_runtime.decoder import Decoder
from anir_runtime.errors import AnirError
from anir_runtime.manifest import Entry, Manifest, Source
from anir_toolchain.anir_writer import AnirWriter

from tests.random_network import random_network
from tests.test_anir_file import file_of

_ENTRIES = tuple(
    Entry(name, f"{name}.onnx", size, 0.1, 0.1, psnr, 1, hashlib.sha256(bytes(size)).hexdigest())
    for name, size, psnr in (
        ("d2w8", 100, 20.0),
        ("d2w16", 300, 19.0),
        ("d3w8", 200, 24.0),
        ("d3w16", 400, 30.0),
    )
)
MANIFEST = Manifest("siren", 4, Source(60, 40, "a.png"), _ENTRIES)


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    for entry in _ENTRIES:
        Path("folder", entry.file).write_bytes(bytes(entry.bytes))
    monkeypatch.setattr(Manifest, "load", lambda _: MANIFEST)
    # Drawing at the native size takes two milliseconds for each byte of the file.
    times = {e.file: e.bytes * 2.0 / (60 * 40) for e in _ENTRIES}
    monkeypatch.setattr(module, "Decoder", lambda path, trust_graph: path)
    monkeypatch.setattr(module, "estimate_ms", lambda path, size: times[path.name] * size[0] * size[1])


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        ({}, "d3w16"),
        ({"max_bytes": 399}, "d3w8"),
        ({"max_bytes": 100}, "d2w8"),
        ({"min_psnr": 19.5}, "d2w8"),
        ({"min_psnr": 21}, "d3w8"),
        ({"min_psnr": 19.5, "max_bytes": 1000}, "d3w16"),
        ({"max_ms": 700}, "d3w8"),
        ({"max_ms": 700, "size": (30, 40)}, "d3w16"),
        ({"max_ms": 300, "max_bytes": 300}, "d2w8"),
        ({"subnet": "d2w16"}, "d2w16"),
    ],
)
def test_the_best_subnet_within_the_limits_is_chosen(limits: dict[str, Any], name: str) -> None:
    size = limits.pop("size", None)
    path, why = choose(Path("folder"), Limits(**limits), size)
    assert path == Path("folder") / f"{name}.onnx"
    assert why.startswith(f"{name}: ")
    assert ("about" in why) == ("max_ms" in limits)


@pytest.mark.parametrize(
    ("limits", "nearest"),
    [
        ({"max_bytes": 99}, "smallest has 100 bytes"),
        ({"subnet": "d9w9"}, "there are d2w8, d2w16, d3w8, d3w16"),
        ({"min_psnr": 31}, "30.00 dB"),
        ({"max_ms": 100}, "fastest takes about 200 ms"),
    ],
)
def test_the_error_names_the_nearest_subnet_when_none_fits(limits: dict[str, Any], nearest: str) -> None:
    with pytest.raises(AnirError, match=nearest):
        choose(Path("folder"), Limits(**limits))


def test_a_file_that_differs_from_the_manifest_is_refused() -> None:
    Path("folder/d3w16.onnx").write_bytes(bytes(399) + b"x")
    for limits in (Limits(), Limits(max_ms=700)):
        with pytest.raises(AnirError, match=r"d3w16\.onnx: not the file that manifest\.json describes"):
            choose(Path("folder"), limits)
    assert choose(Path("folder"), Limits(max_bytes=399))[0].name == "d3w8.onnx"
    Path("folder/d3w8.onnx").unlink()
    with pytest.raises(AnirError, match=r"d3w8\.onnx: cannot be read"):
        choose(Path("folder"), Limits(max_bytes=399))


def test_drawing_times_of_real_files_are_estimated(exported: Path) -> None:
    decoder = Decoder(exported / "d2w16.onnx")
    assert estimate_ms(decoder, (96, 64)) > 0
    assert estimate_ms(decoder, (1, 1000)) > 0


def test_levels_of_an_anir_file_are_chosen_within_the_same_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    data, networks = file_of("siren")
    levels = AnirFile(data).header.levels  # type: ignore[union-attr]
    for level, own in zip(levels, networks, strict=True):
        network, why = choose_level(AnirFile(data), Limits(subnet=level.name))
        assert network.name == own.name
        assert why == f"{level.name}: {level.end} bytes, 20.25 dB"
    # All levels have the same quality here, so the smallest is the best.
    assert choose_level(AnirFile(data), Limits(max_bytes=levels[2].end))[0].name == levels[0].name
    assert choose_level(AnirFile(data), Limits(min_psnr=20))[0].name == levels[0].name
    network, why = choose_level(AnirFile(data), Limits(max_ms=1e9), (32, 32))
    assert "about" in why
    with pytest.raises(AnirError, match="the smallest has"):
        choose_level(AnirFile(data), Limits(max_bytes=9))


def test_of_levels_of_the_same_name_the_one_that_is_named_in_the_reason_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    writer = AnirWriter(Header("siren", (75, 52), 3, 4, 16, (), 0), 1 << 16)
    own = [random_network("siren", 2, 8, (75, 52), seed=8), random_network("siren", 3, 5, (75, 52))]
    again = {name: -own[0].tensors["head"] if name == "head" else t for name, t in own[0].tensors.items()}
    for network in (*own, replace(own[0], tensors=again)):
        writer.add(network)
    data = writer.finish([(20.0, 21.0, 22.0), (21.0, 22.0, 23.0), (22.0, 23.0, 24.0)])
    ends = [level.end for level in AnirFile(data).header.levels]  # type: ignore[union-attr]
    for limits, head, size in (
        (Limits(min_psnr=19), own[0].tensors["head"], ends[0]),
        (Limits(max_ms=1e9), again["head"], ends[2]),
    ):
        network, why = choose_level(AnirFile(data), limits, (8, 8))  # type: ignore[assignment]
        assert np.array_equal(network.tensors["head"], head)
        assert why.startswith(f"d2w8: {size} bytes")


def test_levels_and_bytes_of_a_truncated_file_are_reported() -> None:
    data, _ = file_of("lapped")
    levels = AnirFile(data).header.levels  # type: ignore[union-attr]
    cut = levels[2].end + 5
    network, why = choose_level(AnirFile(data[:cut]), Limits())
    assert why == f"{levels[2].name}: level 3 of 4, {cut} of {len(data)} bytes"
    assert network.name == levels[2].name
    cut_early = levels[0].end - 1
    preview, why = choose_level(AnirFile(data[:cut_early]), Limits())
    assert why == f"preview: level 0 of 4, {cut_early} of {len(data)} bytes"
    assert preview.name == "preview"
    with pytest.raises(AnirError, match="ends before its first picture"):
        choose_level(AnirFile(data[:cut_early]), Limits(max_bytes=9))
    for limits in (Limits(), Limits(max_bytes=10**6)):
        with pytest.raises(AnirError, match="ends within its header"):
            choose_level(AnirFile(data[:20]), limits)


def test_a_limit_that_excludes_nothing_leaves_the_preview() -> None:
    data, _ = file_of("lapped")
    file = AnirFile(data)
    assert file.header is not None
    early = data[: file.header.levels[0].end - 1]
    for most in (None, len(early), 10**6):
        assert choose_level(AnirFile(early), Limits(most))[0].name == "preview"
    for limits in (Limits(len(early) - 1), Limits(10**6, min_psnr=1.0)):
        with pytest.raises(AnirError, match="ends before its first picture"):
            choose_level(AnirFile(early), limits)
