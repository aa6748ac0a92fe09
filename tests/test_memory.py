"""Tests that opening and drawing a file takes no more memory than docs/security.md states."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from anir_runtime.anir_header import FAMILIES, Header
from anir_runtime.coder import Integers
from anir_runtime.level_step import LevelStep
from anir_toolchain.anir_writer import AnirWriter

from tests.named_file import named_file
from tests.random_network import colours_of, random_network
from tests.test_coder import lively

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs /proc to see the peak"),
]

SIZE = 1536, 1024
_CODE = """
import sys
from pathlib import Path
import anir_runtime.anir_file
from anir_runtime.decoder import Decoder
from anir_runtime.families import families

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024

families()
Path("/proc/self/clear_refs").write_text("5")
before = peak()
decoder = Decoder(sys.argv[1], threads=2)
for _ in decoder.tiles():
    pass
print(peak() - before)
"""


def _peak(path: Path) -> float:
    """Returns the peak memory, in MiB, of a process that draws a file, minus its peak after imports."""
    done = subprocess.run(
        [sys.executable, "-c", _CODE, path], capture_output=True, text=True, check=True, timeout=300
    )
    return float(done.stdout)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_onnx_file_stays_within_its_memory_limit(family: str, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(named_file(random_network(family, 4, 48, SIZE, order=6)))
    codes = SIZE[0] * SIZE[1] * 3 * (6 / 16) ** 2 if family == "lapped" else 0
    # A band has at most about 64 rows.
    assert _peak(path) < 64 + (24 * SIZE[0] * 64 * 3 + 14 * codes) / 2**20


@pytest.mark.parametrize("cut", [0, 2000])
@pytest.mark.parametrize("family", FAMILIES)
def test_an_anir_file_stays_within_its_memory_limit(family: str, cut: int, tmp_path: Path) -> None:
    path = tmp_path / "a.anir"
    data = _anir(family, lively(32, 32, 16) // 3)
    path.write_bytes(data[: len(data) - cut])
    coefficients = SIZE[0] * SIZE[1] * 3 if family == "lapped" else 0
    assert _peak(path) < _limit(coefficients)


def test_an_anir_file_without_zeros_stays_within_its_memory_limit(tmp_path: Path) -> None:
    """In a picture, hardly one coefficient in ten differs from 0; in a hostile file, all of them may."""
    path = tmp_path / "a.anir"
    random = np.random.default_rng(0)
    shape = 32, 32, 3, 16, 16
    sizes = random.integers(10000, 20000, shape) * random.choice([-1, 1], shape)
    path.write_bytes(_anir("lapped", sizes.astype(np.int32), levels=1))
    assert _peak(path) < _limit(SIZE[0] * SIZE[1] * 3)


def _limit(coefficients: int) -> float:
    """Returns the memory limit, in MiB, for an `.anir` file of SIZE."""
    return 64 + (24 * SIZE[0] * 64 * 3 + 24 * coefficients) / 2**20


def _anir(family: str, block: Integers, levels: int = 3) -> bytes:
    """Returns a file; if it is of `lapped`, its coefficients repeat a block of 32 × 32 cells."""
    writer = AnirWriter(Header(family, SIZE, 3, 4, 16, (), 0), 1 << 23)
    if family == "lapped":
        rows, columns = SIZE[1] // 16, SIZE[0] // 16
        writer.begin(np.tile(block, (rows // 32, columns // 32, 1, 1, 1)), colours_of(3))
    for k in range(levels):
        if family == "lapped":
            writer.refine(LevelStep(6000 >> k, 1))
        network = random_network(family, 2 + k, 48, SIZE, seed=1)
        writer.add(replace(network, latents=None), 6000 >> k)
    return writer.finish([(20, 20, 20)] * levels)
