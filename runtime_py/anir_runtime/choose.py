"""Which subnet to decode: the best that fits the bytes, the quality or the time at hand."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anir_runtime.decoder import Crop, Decoder
from anir_runtime.errors import AnirError
from anir_runtime.manifest import Manifest
from anir_runtime.network import Network
from anir_runtime.preview import Preview

if TYPE_CHECKING:
    # Loads WebAssembly's runtime, which folders need not wait for.
    from anir_runtime.anir_file import AnirFile

_PROBE_SIDE = 256


class Limits(NamedTuple):
    """What a subnet has to keep; what is None does not matter.

    Attributes:
        max_bytes: most bytes of its file, or of an `.anir` file's prefix.
        min_psnr: least PSNR in dB.
        max_ms: most milliseconds that it takes to draw here.
        subnet: its name.
    """

    max_bytes: int | None = None
    min_psnr: float | None = None
    max_ms: float | None = None
    subnet: str | None = None


class _Option(NamedTuple):
    name: str
    bytes: int
    psnr: float


def choose(
    directory: Path,
    limits: Limits,
    size: tuple[int, int] | None = None,
    trust_graph: bool = False,
) -> tuple[Path, str]:
    """Picks a subnet of a folder by its manifest.

    Every limit given must hold. Among the subnets left, `min_psnr` alone picks the smallest file;
    otherwise, the highest PSNR wins. Times are measured on this device, for a picture of `size`
    (width, height), native by default; `trust_graph` is as in `Decoder`.

    Returns:
        The file's path and one line that says why.

    Raises:
        AnirError: if nothing fits, and how near the nearest comes, or if a file is not the manifest's.
    """
    manifest = Manifest.load(directory)
    entries = {entry.name: entry for entry in manifest.subnets}
    size = size or (manifest.source.width, manifest.source.height)

    def measure(name: str) -> float:
        return estimate_ms(Decoder(entries[name].checked_path(directory), trust_graph=trust_graph), size)

    options = [_Option(entry.name, entry.bytes, entry.psnr) for entry in manifest.subnets]
    chosen, why = _best(options, limits, measure)
    return entries[chosen.name].checked_path(directory), why


def choose_level(
    file: "AnirFile", limits: Limits, size: tuple[int, int] | None = None
) -> tuple[Network | Preview, str]:
    """Picks a level of an `.anir` file, or of as much of it as there is, as `choose` does.

    Without limits that is all there is, also of a level that has not come whole; before the first, a preview.
    """
    header = file.header
    if header is None:
        raise AnirError("ends within its header; fetch more of it")
    if limits == Limits():
        come = f"{file.size} of {header.levels[-1].end} bytes"
        best = file.preview() or file.refined(last=True)
        return best, f"{best.name}: level {file.available} of {len(header.levels)}, {come}"
    levels = header.levels[: file.available]
    if not levels:
        raise AnirError("ends before its first picture; fetch more of it")
    places = {level.name: at for at, level in enumerate(levels)}
    networks: dict[str, Network] = {}

    def measure(name: str) -> float:
        # Levels come in turn, and so do the options.
        networks[name] = file.network(places[name])
        return estimate_ms(Decoder(networks[name]), size or header.size)

    options = [_Option(level.name, level.end, level.psnr[0]) for level in levels]
    chosen, why = _best(options, limits, measure)
    return networks.get(chosen.name) or file.network(places[chosen.name], last=True), why


def _best(options: Sequence[_Option], limits: Limits, measure: Callable[[str], float]) -> tuple[_Option, str]:
    """The best of the options within the limits, and why; `measure` tells the milliseconds of one by name."""
    left = list(options)
    if (name := limits.subnet) is not None:
        left = _require(left, lambda o: o.name == name, f"there are {', '.join(o.name for o in left)}")
    if (most := limits.max_bytes) is not None:
        smallest = min(o.bytes for o in left)
        left = _require(left, lambda o: o.bytes <= most, f"the smallest has {smallest} bytes")
    if (least := limits.min_psnr) is not None:
        best = max(o.psnr for o in left)
        left = _require(left, lambda o: o.psnr >= least, f"the best that fits has {best:.2f} dB")
    times: dict[str, float] = {}
    if (longest := limits.max_ms) is not None:
        times = {o.name: measure(o.name) for o in left}
        fastest = min(times.values())
        left = _require(
            left, lambda o: times[o.name] <= longest, f"the fastest takes about {fastest:.0f} ms here"
        )
    only_quality = limits.min_psnr is not None and limits.max_bytes is None and limits.max_ms is None
    chosen = min(left, key=lambda o: (o.bytes, -o.psnr) if only_quality else (-o.psnr, o.bytes))
    why = f"{chosen.name}: {chosen.bytes} bytes, {chosen.psnr:.2f} dB"
    if chosen.name in times:
        why += f", about {times[chosen.name]:.0f} ms"
    return chosen, why


def estimate_ms(decoder: Decoder, size: tuple[int, int]) -> float:
    """Milliseconds that drawing (width, height) takes here, from a warm decode of a part at that scale."""
    width, height = (min(side, _PROBE_SIDE) for side in size)
    crop = Crop(0, 0, decoder.width * width / size[0], decoder.height * height / size[1])
    decoder.decode((width, height), crop)
    started = time.perf_counter()
    decoder.decode((width, height), crop)
    elapsed = time.perf_counter() - started
    return elapsed * 1e3 * size[0] * size[1] / (width * height)


def _require(options: Iterable[_Option], fits: Callable[[_Option], bool], nearest: str) -> list[_Option]:
    left = [option for option in options if fits(option)]
    if not left:
        raise AnirError(f"no subnet fits: {nearest}")
    return left
