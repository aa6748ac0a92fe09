"""Measures an `.anir` file of a picture at the ends of its levels and cut at fixed rates."""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from anir_runtime.decoder import Decoder
from anir_toolchain.anir_export import export_anir
from anir_toolchain.metrics import psnr
from anir_toolchain.model import Model
from numpy.typing import NDArray

from bench.rd import RATES

TIMED_RATES = (0.18, 1.0)
"""Bits per pixel of the prefixes that are timed."""
_TURNS = 5


def measure_prefixes(model: Model, image: NDArray[np.uint8]) -> Mapping[str, Any]:
    """Exports a model as an `.anir` file, and measures its levels, its prefixes and the times.

    Returns:
        `levels`: name, bytes up to its end and picture of each level; `prefixes`: bits per pixel and PSNR in
        dB at those of RATES that reach the first level; `decode_ms`: median milliseconds of opening and
        drawing at TIMED_RATES; `export_seconds`.
    """
    pixels = image.shape[0] * image.shape[1]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        header = export_anir(model, Path(folder) / "a.anir")
        seconds = time.perf_counter() - started
        data = (Path(folder) / "a.anir").read_bytes()
    levels = [(level.name, level.end, Decoder(data[: level.end]).decode()) for level in header.levels]
    prefixes = []
    for rate in RATES:
        cut = data[: int(rate * pixels / 8)]
        if len(cut) >= header.levels[0].end:
            prefixes.append([rate, round(psnr(Decoder(cut).decode(), image), 3)])
    times = {str(rate): _decode_ms(data[: int(rate * pixels / 8)]) for rate in TIMED_RATES}
    return {
        "levels": levels,
        "prefixes": prefixes,
        "decode_ms": times,
        "export_seconds": round(seconds, 2),
    }


def _decode_ms(data: bytes) -> float:
    """Returns the median milliseconds from a file's bytes to its picture."""
    times = []
    for _ in range(_TURNS):
        started = time.perf_counter()
        Decoder(data).decode()
        times.append(time.perf_counter() - started)
    return round(1000 * median(times), 1)
