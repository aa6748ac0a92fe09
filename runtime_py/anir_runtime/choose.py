"""Which subnet of a folder to decode: the best that fits the bytes, the quality or the time at hand."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from anir_runtime.decoder import Crop, Decoder
from anir_runtime.errors import AnirError
from anir_runtime.manifest import Entry, Manifest

_PROBE_SIDE = 256


def choose(
    directory: Path,
    max_bytes: int | None = None,
    min_psnr: float | None = None,
    max_ms: float | None = None,
    size: tuple[int, int] | None = None,
    trust_graph: bool = False,
) -> tuple[Path, str]:
    """Picks a subnet by its manifest.

    Every limit given must hold. Among the subnets left, `min_psnr` alone picks the smallest file;
    otherwise, the highest PSNR wins. Times are measured on this device, for a picture of `size`
    (width, height), native by default; `trust_graph` is as in `Decoder`.

    Returns:
        The file's path and one line that says why.

    Raises:
        AnirError: if nothing fits, and how near the nearest comes, or if a file is not the manifest's.
    """
    manifest = Manifest.load(directory)
    entries: list[Entry] = list(manifest.subnets)
    if max_bytes is not None:
        smallest = min(e.bytes for e in entries)
        entries = _require(entries, lambda e: e.bytes <= max_bytes, f"the smallest file has {smallest} bytes")
    if min_psnr is not None:
        best = max(e.psnr for e in entries)
        entries = _require(entries, lambda e: e.psnr >= min_psnr, f"the best that fits has {best:.2f} dB")
    width, height = size or (manifest.source.width, manifest.source.height)
    times = {}
    if max_ms is not None:
        times = {
            e.name: estimate_ms(e.checked_path(directory), (width, height), trust_graph) for e in entries
        }
        fastest = min(times.values())
        entries = _require(
            entries, lambda e: times[e.name] <= max_ms, f"the fastest takes about {fastest:.0f} ms here"
        )
    only_quality = min_psnr is not None and max_bytes is None and max_ms is None
    chosen = min(entries, key=lambda e: (e.bytes, -e.psnr) if only_quality else (-e.psnr, e.bytes))
    why = f"{chosen.name}: {chosen.bytes} bytes, {chosen.psnr:.2f} dB"
    if chosen.name in times:
        why += f", about {times[chosen.name]:.0f} ms"
    return chosen.checked_path(directory), why


def estimate_ms(path: Path, size: tuple[int, int], trust_graph: bool = False) -> float:
    """Milliseconds that drawing (width, height) takes here, from a warm decode of a part at that scale."""
    decoder = Decoder(path, trust_graph=trust_graph)
    width, height = (min(side, _PROBE_SIDE) for side in size)
    crop = Crop(0, 0, decoder.width * width / size[0], decoder.height * height / size[1])
    decoder.decode((width, height), crop)
    started = time.perf_counter()
    decoder.decode((width, height), crop)
    elapsed = time.perf_counter() - started
    return elapsed * 1e3 * size[0] * size[1] / (width * height)


def _require(entries: Iterable[Entry], fits: Callable[[Entry], bool], nearest: str) -> list[Entry]:
    left = [entry for entry in entries if fits(entry)]
    if not left:
        raise AnirError(f"no subnet fits: {nearest}")
    return left
