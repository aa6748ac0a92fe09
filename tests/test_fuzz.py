"""Tests that hostile files are drawn, or refused with one line: the corpus, and files damaged at random."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from anir_runtime import AnirError, Decoder
from anir_runtime.anir_file import AnirFile

from tests.fuzz.__main__ import Counts, Finding, fuzz
from tests.fuzz.carriers import CARRIERS, CORPUS, found
from tests.fuzz.external_data import FILE, PLACES, model_of, variants
from tests.fuzz.hostile_anir import anir_corpus, reason
from tests.fuzz.hostile_onnx import onnx_files
from tests.fuzz.onnx_changes import Files
from tests.fuzz.opener import Opener
from tests.fuzz.probe import PROBE
from tests.test_onnx_tools import OLDEST

VERDICTS = json.loads((CORPUS / "verdicts.json").read_text(encoding="utf-8"))
SECONDS = 5
"""Seconds of fuzzing for each kind of file."""


def test_every_file_of_the_corpus_has_a_verdict() -> None:
    assert set(VERDICTS) == set(CARRIERS)
    for carrier, verdicts in VERDICTS.items():
        assert {path.name for path in found(carrier)} == set(verdicts)
        assert {_kind(own) for own in verdicts.values()} == {"drawn", "refused"}
    assert sum(path.stat().st_size for path in CORPUS.rglob("*.*")) < 400_000


def _kind(verdict: str) -> str:
    """Returns "drawn" or "refused" for a verdict; verdicts on `.anir` files are more detailed."""
    if verdict in ("drawn", "refused"):
        return verdict
    return "drawn" if verdict.endswith("levels") else "refused"


@pytest.mark.parametrize(("carrier", "make"), [("onnx", onnx_files), ("anir", anir_corpus)])
def test_the_corpus_is_the_one_that_its_maker_writes(carrier: str, make: Callable[[], Files]) -> None:
    for name, (data, verdict) in make().items():
        assert (CORPUS / carrier / f"{name}.{carrier}").read_bytes() == data
        assert VERDICTS[carrier][f"{name}.{carrier}"] == verdict


def test_anir_files_of_the_corpus_have_the_expected_levels_or_reason() -> None:
    for name, want in VERDICTS["anir"].items():
        data = (CORPUS / "anir" / name).read_bytes()
        try:
            Decoder(data)
            verdict = f"{AnirFile(data).available} levels"
        except AnirError as error:
            verdict = reason(str(error))
        assert (name, verdict) == (name, want)


@pytest.mark.slow
@pytest.mark.parametrize("carrier", sorted(CARRIERS))
def test_files_of_the_corpus_are_drawn_or_refused_as_expected(carrier: str) -> None:
    opener = Opener(carrier)
    try:
        for name, want in VERDICTS[carrier].items():
            verdict, detail = opener.open((CORPUS / carrier / name).read_bytes())
            assert (name, verdict) == (name, _kind(want)), detail
            assert bool(detail) == (verdict == "refused")
    finally:
        opener.close()
    assert not Path("ran").exists()


@pytest.mark.slow
@pytest.mark.parametrize("carrier", sorted(CARRIERS))
def test_damaged_files_are_refused_or_drawn(carrier: str) -> None:
    counts, findings = Counts(), list[Finding]()
    fuzz(CARRIERS[carrier], SECONDS, random.Random(f"test {carrier}"), counts, findings)
    assert [(f.kind, f.detail, f.data) for f in findings] == []
    assert any(verdict == "refused" for _, _, verdict in counts)


def test_every_kind_of_finding_is_recognized() -> None:
    opener = Opener(PROBE.name)
    try:
        assert opener.open(b"sound") == ("drawn", "")
        assert opener.open(b"refused") == ("refused", "no picture")
        assert opener.open(b"raised") == ("exception", "ValueError: raised")
        assert opener.open(b"two lines")[0] == "message"
        assert opener.open(b"memory")[0] == "memory"
        assert opener.open(b"time")[0] == "time-out"
        assert opener.open(b"crash") == ("crash", "exit code -11")
        assert opener.open(b"sound") == ("drawn", "")
    finally:
        opener.close()


@pytest.mark.parametrize("place", PLACES)
def test_models_without_external_data_are_drawn(place: str) -> None:
    """If the models could not be drawn at all, the refusal of external data would prove nothing."""
    image = Decoder(model_of(place).SerializeToString(), trust_graph=True).decode((1, 1))
    assert image.tolist() == [[[153] * 3]]


_OPEN = """
import sys, onnxruntime
from anir_runtime import AnirError, Decoder
print(onnxruntime.__version__)
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        data = file.read()
    for source in (path, data):
        try:
            Decoder(source, trust_graph=True).decode()
            print("drawn", path)
        except AnirError as error:
            assert "another file" in str(error) or "damaged" in str(error), error
            print("refused")
"""


@pytest.mark.parametrize("which", ["newest", "oldest"])
def test_external_data_is_never_read_even_for_a_trusted_graph(which: str, tmp_path: Path) -> None:
    python = sys.executable if which == "newest" else os.environ.get(OLDEST)
    if not python:
        pytest.skip(f"{OLDEST} names no Python with onnxruntime 1.20; `make test-oldest` does")
    files = variants()
    assert len(files) >= 24
    for folder in (tmp_path, tmp_path / "own"):
        folder.mkdir(exist_ok=True)
        (folder / FILE).write_bytes(np.full(2, 0.5, "<f4").tobytes())
    for name, data in files.items():
        (tmp_path / "own" / f"{name}.onnx").write_bytes(data)
    runtime = str(Path(__file__).parents[1] / "runtime_py")
    done = subprocess.run(
        [python, "-c", _OPEN, *(f"{name}.onnx" for name in files)],
        cwd=tmp_path / "own",
        env={**os.environ, "PYTHONPATH": runtime},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    version, *lines = done.stdout.splitlines()
    assert which == "newest" or version.startswith("1.20.")
    assert lines == ["refused"] * 2 * len(files)


def test_external_data_in_the_graph_does_not_affect_the_reader_by_name() -> None:
    """The reader by name ignores the graph's nodes, so that the picture is that of the valid file."""
    files = onnx_files()
    sound = Decoder(files["sound-siren"][0]).decode()
    drawn = [name for name, own in files.items() if name.startswith("external-") and own[1] == "drawn"]
    assert len(drawn) >= 15
    for name in drawn:
        np.testing.assert_array_equal(Decoder(files[name][0]).decode(), sound)
        with pytest.raises(AnirError):
            Decoder(files[name][0], trust_graph=True)
