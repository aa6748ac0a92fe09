"""Small `.anir` files that try to break a reader, and valid ones, with the expected verdicts.

If a reader draws the file, the verdict is the number of its complete levels, such as "2 levels", or 0 for a
preview. Otherwise it is the reason for refusal: "damaged" (header or level), "large" (the file declares more
than a reader accepts), "newer" or "older" (another version of the format), "other" (another format) or "cut"
(the file ends before anything can be drawn).
"""

import random
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from anir_runtime.anir_header import VERSION, Header
from anir_runtime.anir_networks import code_colours
from anir_runtime.coder import Coder
from anir_runtime.common_networks import common_trunks
from anir_runtime.level_step import LEAST_WIDTH, LevelStep, code_level_step
from anir_runtime.strips import Strips
from anir_toolchain.anir_writer import AnirWriter

from tests.fuzz.anir_parts import AnirParts, LevelEntry
from tests.fuzz.onnx_changes import Files
from tests.random_network import colours_of, random_network
from tests.vectors.anir import CASES, anir_files
from tests.vectors.strips import strips_file

Change = Callable[[AnirParts], None]
REASONS = {
    "other": "not an ONNX file|not an .anir file|no ONNX file|not a neural image|file is empty",
    "newer": "update",
    "older": "an earlier anir made it",
    "large": "out of range|larger picture|layers of|different coefficients|fit into memory",
    "cut": "ends",
    "damaged": "damaged",
}
"""Regular expression of the messages, in Python and in TypeScript, for each reason."""
DAMAGED, LARGE, NEWER, OLDER, CUT, OTHER = "damaged", "large", "newer", "older", "cut", "other"
_SIREN, _LAPPED, _WIDE = 0, 3, 4
"""Indices in CASES."""
_COLOURS = {1: "-grey", 3: "", 4: "-alpha"}
"""Suffix of a file's name for each number of colour channels."""


def reason(message: str) -> str:
    """Returns the reason that an error message states."""
    return next(name for name, pattern in REASONS.items() if re.search(pattern, message))


def anir_corpus() -> Files:
    """Returns all files of this module with their verdicts, by name."""
    sound = anir_files()
    files: Files = {
        f"sound-{family}-{bits}{_COLOURS[colours]}": (data, "4 levels")
        for (family, colours, bits, _), data in zip(CASES, sound, strict=True)
    }
    return (
        files
        | _cuts(sound)
        | _headers()
        | _index()
        | _predicted()
        | _streams(sound)
        | _overflows()
        | _strips()
        | _bombs()
    )


def _changed(change: Change, case: int = _LAPPED) -> bytes:
    parts = AnirParts.of(anir_files()[case])
    change(parts)
    return parts.data()


def _set(**values: object) -> Change:
    def change(parts: AnirParts) -> None:
        for name, value in values.items():
            setattr(parts, name, value)

    return change


def _cuts(sound: list[bytes]) -> Files:
    files: Files = {
        "empty": (b"", OTHER),
        "magic-alone": (b"\x89ani", CUT),
        "magic-short": (b"\x89an", OTHER),
    }
    for name, case in (("siren", _SIREN), ("lapped", _LAPPED)):
        start = len(sound[case]) - len(AnirParts.of(sound[case]).stream)
        ends = [start + end for end in AnirParts.of(sound[case]).ends()]
        cuts = [
            ("in-header", start // 2, CUT),
            ("after-header", start, CUT),
            ("before-a-level", ends[0] - 1, CUT if case == _SIREN else "0 levels"),
        ]
        cuts += [("at-level-1", ends[0], "1 levels"), ("in-level-3", ends[1] + 9, "2 levels")]
        files |= {f"cut-{where}-{name}": (sound[case][:at], verdict) for where, at, verdict in cuts}
    checksum = start - 2
    files["cut-in-a-wrong-checksum"] = sound[_LAPPED][:checksum] + b"\xff", DAMAGED
    files["with-more-behind"] = sound[_LAPPED] + bytes(3000), "4 levels"
    return files


def _headers() -> Files:
    """Returns files whose sizes, kinds and counts are out of range."""
    files: Files = {}
    sizes = {"1x1": [1, 1], "131073x1": [131073, 1], "16385x16384": [16385, 16384]}
    verdicts = {"1x1": DAMAGED}
    for name, size in sizes.items():
        files[f"size-{name}"] = _changed(_set(size=size)), verdicts.get(name, LARGE)
    for name, size in {
        "16384x16384": [16384] * 2,
        "75x131072": [75, 131072],
        "3000x1000": [3000, 1000],
    }.items():
        files[f"size-{name}"] = _changed(_set(size=size)), LARGE
        files[f"size-{name}-siren"] = _changed(_set(size=size), _SIREN), "4 levels"
    files["size-of-31-bits"] = _changed(_set(size=[2**30 + 1, 1])), DAMAGED
    for version, verdict in ((0, NEWER), (1, OLDER), (3, NEWER), (255, NEWER)):
        files[f"version-{version}"] = _changed(_set(version=version)), verdict
    files["kind-bit-6"] = _changed(_set(kind=3 | 1 << 4 | 1 << 6)), DAMAGED
    files["kind-family-7"] = _changed(_set(kind=3 | 1 << 4 | 1 << 7)), NEWER
    files["kind-48"] = _changed(_set(kind=3 | 3 << 4)), DAMAGED
    for name, colours in (("grey", 0), ("alpha", 2)):
        files[f"kind-{name}-but-rgb"] = _changed(_set(kind=3 | colours << 4)), DAMAGED
        files[f"kind-{name}-but-rgb-siren"] = _changed(_set(kind=colours << 4), _SIREN), DAMAGED
    counts = {
        "levels-17": [17, 2, 2],
        "levels-2-28": [2**28, 2, 2],
        "depths-17": [4, 17, 2],
        "fewer-levels": [3, 2, 2],
    }
    for name, own in counts.items():
        files[f"count-{name}"] = _changed(_set(counts=own)), DAMAGED
    for name, change in {
        "depth-17": _set(depths=[2, 3, 17]),
        "width-1025": _set(widths=[5, 1025]),
    }.items():
        files[name] = _changed(change), LARGE
    return files


def _index() -> Files:
    """Returns files with faults in the levels' entries of the header."""

    def entry(at: int, **values: object) -> Change:
        def change(parts: AnirParts) -> None:
            for name, value in values.items():
                setattr(parts.levels[at], name, value)

        return change

    def keep(*levels: int) -> Change:
        return lambda parts: setattr(parts, "levels", [parts.levels[at] for at in levels])

    def short(parts: AnirParts) -> None:
        parts.levels[0].length = 5

    def long(parts: AnirParts) -> None:
        parts.levels = [LevelEntry(own.index, 2**28 - 1) for own in parts.levels]

    return {
        "index-depth-beyond": (_changed(entry(1, index=0x70)), DAMAGED),
        "index-width-beyond": (_changed(entry(1, index=0x07)), DAMAGED),
        "index-psnr-below-zero": (_changed(entry(2, psnr=-1)), DAMAGED),
        "index-psnr-of-64-db": (_changed(entry(2, psnr=256)), DAMAGED),
        "index-gain-of-8-db": (_changed(entry(2, gains=(16, 0))), DAMAGED),
        "index-loss-at-a-quarter": (_changed(entry(2, gains=(0, -1))), DAMAGED),
        "index-first-too-short": (_changed(short), DAMAGED),
        "index-ends-beyond-a-gigabyte": (_changed(long), DAMAGED),
        "index-last-beyond-the-file": (_changed(entry(3, length=9999)), "3 levels"),
        "index-last-level-missing": (_changed(keep(0, 1, 2)), "3 levels"),
        "index-first-level-missing": (_changed(keep(1, 2, 3)), DAMAGED),
        "index-levels-exchanged": (_changed(keep(1, 0, 2, 3)), DAMAGED),
        "index-a-level-twice": (_changed(keep(0, 0, 1, 2)), DAMAGED),
    }


def _predicted() -> Files:
    """Returns files of sixteen levels of `lapped`, whose lengths are coded relative to predicted ones."""

    def level(at: int, length: int) -> bytes:
        def change(parts: AnirParts) -> None:
            parts.levels += [LevelEntry(0, 90) for _ in range(12)]
            parts.levels[at].length = length

        return _changed(change)

    return {
        "predicted-lengths": (level(15, 90), "4 levels"),
        "predicted-length-of-0": (level(7, 0), DAMAGED),
        "predicted-length-of-0-at-first": (level(0, 0), DAMAGED),
        "predicted-length-below-0": (level(15, -40), DAMAGED),
        "predicted-length-of-half-a-gigabyte": (level(15, 2**29), "4 levels"),
        "predicted-length-of-31-bits": (level(15, 2**30 + 2**20), DAMAGED),
    }


def _streams(sound: list[bytes]) -> Files:
    """Returns files with damage in the coder's bytes."""
    files: Files = {}
    for name, case in (("siren", _SIREN), ("lapped", _LAPPED), ("lapped-8", _WIDE)):
        parts = AnirParts.of(sound[case])
        stream, two = parts.stream, sum(level.length for level in parts.levels[:2]) + 8
        others = {
            "zeros": bytes(len(stream)),
            "ones": b"\xff" * len(stream),
            "random": random.Random(0).randbytes(len(stream)),
            "zeros-in-level-3": stream[:two] + bytes(len(stream) - two),
            "shifted": stream[1:] + b"\0",
        }
        for fault, own in others.items():
            files[f"stream-{fault}-{name}"] = _changed(_set(stream=own), case), DAMAGED
    files["width-4000-of-intervals"] = _lapped(4000), "1 levels"
    for width in (0, 1, 63):
        files[f"width-{width}-of-intervals"] = _lapped(width), DAMAGED
    return files


def _overflows() -> Files:
    """Returns files whose numbers are finite, but products of these are not."""
    files: Files = {}
    for family in ("siren", "fourier", "gabor", "lapped"):
        header = Header(family, (75, 52), 3, 4, 16, (), 0)
        writer, network = AnirWriter(header, 4096), random_network(family, 3, 6, header.size)
        large = {name: own for name, own in network.tensors.items() if own.dtype == np.float32}
        large = {name: np.full_like(own, 3e38) for name, own in large.items()}
        if family == "lapped":
            writer.begin(np.zeros((4, 5, 3, 16, 16), np.int32), colours_of(3))
            writer.refine(LevelStep(4000, 1))
        writer.add(replace(network, tensors={**network.tensors, **large}, latents=None), 4000)
        files[f"overflow-{family}"] = writer.finish([(20, 20, 20)]), "1 levels"
    return files


def _strips() -> Files:
    """Returns files of a large picture in two strips, whose segments have wrong lengths."""
    sound = strips_file(16)
    parts = AnirParts.of(sound)
    start, (one, two, _) = len(sound) - len(parts.stream), parts.ends()

    def told(at: int, *lengths: int) -> bytes:
        table = b"".join(length.to_bytes(3, "little") for length in lengths)
        return sound[: start + at] + table + sound[start + at + len(table) :]

    segment = int.from_bytes(parts.stream[two:][:3], "little")
    files: Files = {
        "strips-sound": (sound, "3 levels"),
        "strips-means-of-no-bytes": (told(0, 0, 0), DAMAGED),
        "strips-means-beyond-their-level": (told(0, one, one), DAMAGED),
        "strips-means-of-16-megabytes": (told(0, 2**24 - 1, 2**24 - 1), DAMAGED),
        "strips-segment-of-no-bytes": (told(two, 0), DAMAGED),
        "strips-segment-too-short": (told(two, segment - 9), DAMAGED),
        "strips-segment-too-long": (told(two, segment + 9), DAMAGED),
        "strips-segment-of-16-megabytes": (told(two, 2**24 - 1), DAMAGED),
    }
    cuts = [("in-lengths", 2, CUT), ("in-lengths-of-level-2", one + 2, "1 levels")]
    cuts += [("in-strip-2-of-level-3", two + 3 + segment + 40, "2 levels")]
    files |= {f"strips-cut-{name}": (sound[: start + at], verdict) for name, at, verdict in cuts}
    few = [replace(level, length=2) for level in parts.levels]
    files["strips-levels-shorter-than-their-lengths"] = replace(parts, levels=few).data(), DAMAGED
    return files


def _lapped(width: int) -> bytes:
    """Returns the file of a flat picture with one level of this width, in units, and the common network."""
    size = 75, 52
    writer = AnirWriter(Header("lapped", size, 3, 4, 16, (), 0), 4096)
    colours, own = colours_of(3), common_trunks()[17]
    writer.begin(np.zeros((4, 5, 3, 16, 16), np.int32), colours)
    code_level_step(writer.strips.first, None, LevelStep(width, 1))
    writer.strips.level(max(width, LEAST_WIDTH))
    network = random_network("lapped", 2, 20, size)
    tensors = {**network.tensors, **own.layers(2, 3), **colours.head(own.head(2), width)}
    writer.add(replace(network, tensors=tensors, latents=None), width)
    return writer.finish([(20, 20, 20)])


def _alike() -> bytes:
    """Returns a file whose coefficients, all equal, take millions of decisions but hardly any bytes."""
    size, rows, columns = (1300, 1050), 66, 82
    coder = Coder(rows, columns, 3, 16)
    coder.encode(1 << 16, np.full((rows, columns, 3, 16, 16), 1 << 24, np.int32))
    code_colours(coder, 3, colours_of(3))
    code_level_step(coder, None, LevelStep(LEAST_WIDTH, 1))
    assert not coder.level(LEAST_WIDTH)
    stream = coder.finish() + bytes(100)
    return AnirParts(VERSION, 3 | 1 << 4, list(size), [2], [8], [LevelEntry(0, len(stream))], stream).data()


def _alike_in_strips() -> bytes:
    """Returns a file like that of `_alike` for a picture in four strips."""
    rows, columns = 128, 128
    strips = Strips(Header("lapped", (16 * columns, 16 * rows), 1, 4, 16, (), 0))
    strips.encode(1 << 16)
    strips.set_target(np.full((rows, columns, 1, 16, 16), 1 << 24, np.int32))
    code_colours(strips.first, 1, colours_of(1))
    code_level_step(strips.first, None, LevelStep(LEAST_WIDTH, 1))
    assert not strips.level(LEAST_WIDTH)
    means, ends = strips.means_positions(), strips.positions()
    (level,) = strips.finish(means, [[end + 25 for end in ends]])
    level += bytes(100)
    return AnirParts(
        VERSION, 3, [16 * columns, 16 * rows], [2], [8], [LevelEntry(0, len(level))], level
    ).data()


def _bombs() -> Files:
    """Returns files of few bytes that declare large pictures, networks or many decisions."""
    wide = [800, 900, 1000, 1024]
    weights = _set(depths=[15, 16], widths=wide, levels=[LevelEntry(k, 140) for k in range(4)])
    many = _set(levels=[LevelEntry(0x11, 30) for _ in range(16)])
    return {
        "bomb-weights": (_changed(weights, _SIREN), DAMAGED),
        "bomb-weights-lapped": (_changed(weights), DAMAGED),
        "bomb-sixteen-levels": (_changed(many), DAMAGED),
        "bomb-decisions": (_alike(), DAMAGED),
        "bomb-decisions-in-strips": (_alike_in_strips(), DAMAGED),
        "bomb-picture-of-a-megapixel": (_changed(_set(size=[1300, 1000])), DAMAGED),
    }
