"""An `.anir` file of a picture, measured at the ends of its levels and cut at fixed rates."""

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
"""Bits per pixel of the prefixes whose opening and drawing is timed."""
_TURNS = 5


def measure_prefixes(model: Model, image: NDArray[np.uint8]) -> Mapping[str, Any]:
    """The file's levels, its prefixes at RATES, and how long it takes to write and to draw.

    Returns:
        `levels`: name, bytes and picture of each; `prefixes`: bits per pixel and PSNR in dB; `decode_ms` of
        TIMED_RATES, a median; `export_seconds`.
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
    """Milliseconds from bytes to the picture: a median."""
    times = []
    for _ in range(_TURNS):
        started = time.perf_counter()
        Decoder(data).decode()
        times.append(time.perf_counter() - started)
    return round(1000 * median(times), 1)
