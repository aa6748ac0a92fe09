"""Chooses the subnet to decode: the best one within limits of bytes, quality and time."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anir_runtime.decoder import Crop, Decoder
from anir_runtime.errors import AnirError
from anir_runtime.manifest import Manifest
from anir_runtime.network import Network
from anir_runtime.preview import Preview

if TYPE_CHECKING:
    # Imported only for type checking: it loads the WebAssembly runtime, which folders do not need.
    from anir_runtime.anir_file import AnirFile

_PROBE_SIDE = 256


class Limits(NamedTuple):
    """Limits that a subnet must keep; None means no limit.

    Attributes:
        max_bytes: most bytes of its file, or of the prefix of an `.anir` file up to its level's end.
        min_psnr: lowest PSNR in dB.
        max_ms: most milliseconds that drawing takes on this machine.
        subnet: the subnet's name.
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
    """Chooses a subnet of a folder by its manifest.

    All limits must hold. Of the subnets that are left, the smallest file is chosen if `min_psnr` is the only
    limit; otherwise the highest PSNR. Times are measured on this machine, for drawing at `size`, (width,
    height), by default the native size; `trust_graph` is that of `Decoder`.

    Returns:
        The file's path, and one line that states the reason.

    Raises:
        AnirError: if no subnet fits, with the nearest miss, or if a file differs from the manifest.
    """
    manifest = Manifest.load(directory)
    entries = {_Option(entry.name, entry.bytes, entry.psnr): entry for entry in manifest.subnets}
    size = size or (manifest.source.width, manifest.source.height)

    def measure(option: _Option) -> float:
        return estimate_ms(Decoder(entries[option].checked_path(directory), trust_graph=trust_graph), size)

    chosen, why = _best(entries, limits, measure)
    return entries[chosen].checked_path(directory), why


def choose_level(
    file: "AnirFile", limits: Limits, size: tuple[int, int] | None = None
) -> tuple[Network | Preview, str]:
    """Chooses a level of an `.anir` file, or of a prefix of one, as `choose` does.

    Without limits, this is the last complete level, refined by the next one; before the first, a preview,
    also if the bytes so far are within the limit of bytes.
    """
    header = file.header
    if header is None:
        raise AnirError("ends within its header; fetch more of it")
    is_early = not file.available and file.size <= (limits.max_bytes or 0)
    if limits == Limits() or (is_early and limits == Limits(limits.max_bytes)):
        come = f"{file.size} of {header.levels[-1].end} bytes"
        best = file.preview() or file.refined(last=True)
        return best, f"{best.name}: level {file.available} of {len(header.levels)}, {come}"
    levels = header.levels[: file.available]
    if not levels:
        raise AnirError("ends before its first picture; fetch more of it")
    places = {_Option(level.name, level.end, level.psnr[0]): at for at, level in enumerate(levels)}
    networks: dict[_Option, Network] = {}

    def measure(option: _Option) -> float:
        # Levels decode in order only; options are measured in the same order.
        networks[option] = file.network(places[option])
        return estimate_ms(Decoder(networks[option]), size or header.size)

    chosen, why = _best(places, limits, measure)
    return networks.get(chosen) or file.network(places[chosen], last=True), why


def _best(
    options: Iterable[_Option], limits: Limits, measure: Callable[[_Option], float]
) -> tuple[_Option, str]:
    """Returns the best option within the limits, and why; `measure` gives the milliseconds of one."""
    left = list(options)
    if (name := limits.subnet) is not None:
        left = _require(left, lambda o: o.name == name, f"there are {', '.join(o.name for o in left)}")
    if (most := limits.max_bytes) is not None:
        smallest = min(o.bytes for o in left)
        left = _require(left, lambda o: o.bytes <= most, f"the smallest has {smallest} bytes")
    if (least := limits.min_psnr) is not None:
        best = max(o.psnr for o in left)
        left = _require(left, lambda o: o.psnr >= least, f"the best that fits has {best:.2f} dB")
    times: dict[_Option, float] = {}
    if (longest := limits.max_ms) is not None:
        times = {o: measure(o) for o in left}
        fastest = min(times.values())
        left = _require(left, lambda o: times[o] <= longest, f"the fastest takes about {fastest:.0f} ms here")
    only_quality = limits.min_psnr is not None and limits.max_bytes is None and limits.max_ms is None
    chosen = min(left, key=lambda o: (o.bytes, -o.psnr) if only_quality else (-o.psnr, o.bytes))
    why = f"{chosen.name}: {chosen.bytes} bytes, {chosen.psnr:.2f} dB"
    if chosen in times:
        why += f", about {times[chosen]:.0f} ms"
    return chosen, why


def estimate_ms(decoder: Decoder, size: tuple[int, int]) -> float:
    """Estimates the milliseconds of drawing at (width, height) from the second drawing of a part of it."""
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
