"""Makes small `.anir` files of four levels, with the network of each level."""

from base64 import b64encode
from dataclasses import replace
from typing import Any

import numpy as np
from anir_runtime.anir_file import AnirFile
from anir_runtime.anir_header import Header
from anir_runtime.common_networks import common_trunks, with_offsets
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.level_step import LevelStep
from anir_runtime.network import Network
from anir_runtime.preview import PreviewRenderer
from anir_toolchain.anir_writer import AnirWriter
from numpy.typing import NDArray

from tests import reference
from tests.random_network import colours_of, random_network
from tests.test_coder import lively

SIZE = 75, 52
SUBNETS = (2, 5), (3, 5), (2, 8), (4, 8)
NARROW = (2, 2), (3, 2), (2, 4), (4, 4)
"""Depths and widths of the `lapped` file with four colours and 8 bits: no more channels than planes."""
CASES = (
    ("siren", 3, 4, 16),
    ("fourier", 3, 8, 16),
    ("gabor", 3, 4, 16),
    ("lapped", 3, 4, 16),
    ("lapped", 3, 8, 32),
    ("gabor", 1, 8, 16),
    ("lapped", 1, 4, 16),
    ("lapped", 4, 4, 16),
    ("lapped", 4, 8, 32),
)
"""Family, number of colour channels, bits of a weight and pitch of each file."""
LARGE = 12
"""Frequencies along each axis of the very large coefficients of grey pictures, whose pixels are not drawn."""


def anir_cases() -> list[dict[str, Any]]:
    """Returns files in base 64, their headers, and each level's network and pixels at some coordinates."""
    return [_case(*case) for case in CASES]


def anir_files() -> list[bytes]:
    """Returns the bytes of all files."""
    return [file_of(_header(*case)) for case in CASES]


def anir_file(family: str, colours: int = 3) -> bytes:
    """Returns the first of these files that has a family and a number of colour channels."""
    return next(file_of(_header(*case)) for case in CASES if case[:2] == (family, colours))


def _header(family: str, colours: int, bits: int, pitch: int) -> Header:
    return Header(family, SIZE, colours, bits, pitch, (), 0)


def _case(family: str, colours: int, bits: int, pitch: int) -> dict[str, Any]:
    data = file_of(_header(family, colours, bits, pitch))
    file = AnirFile(data)
    header = file.header
    assert header is not None
    # Samples lie closer together than native pixels, so that they are not averages of these.
    x, y = axis_coordinates(SIZE[0], 13, start=30, count=12), axis_coordinates(SIZE[1], 9, start=3.5, count=8)
    networks = [file.network(level) for level in range(len(header.levels))]
    return {
        "anir": b64encode(data).decode(),
        "family": family,
        "start": header.start,
        "colours": colours,
        "bits": bits,
        "pitch": pitch,
        "x": x.tolist(),
        "y": y.tolist(),
        "previews": _previews(data, header, x, y),
        "refined": _refined(data, header, x, y),
        "levels": [
            {
                "name": level.name,
                "end": level.end,
                "psnr": list(level.psnr),
                "network": network,
                "pixels": reference.pixels(network, x, y).tolist(),
            }
            for level, network in zip(header.levels, networks, strict=True)
        ],
    }


def _previews(
    data: bytes, header: Header, x: NDArray[np.float32], y: NDArray[np.float32]
) -> list[dict[str, Any]]:
    """Returns the previews of `lapped` from two prefixes that end within the first level."""
    first = header.levels[0].end
    sizes = [size for size in (first - 40, first - 1) if header.family == "lapped"]
    previews = [AnirFile(data[:size]).preview() for size in sizes]
    return [
        {"bytes": size, "pixels": PreviewRenderer(preview).start(x, y)(slice(0, len(y))).tolist()}
        for size, preview in zip(sizes, previews, strict=True)
        if preview is not None
    ]


def _refined(
    data: bytes, header: Header, x: NDArray[np.float32], y: NDArray[np.float32]
) -> list[dict[str, Any]]:
    """Returns networks and pixels of `lapped` from two prefixes that end within a later level."""
    ends = [level.end for level in header.levels]
    sizes = [(ends[k] + ends[k + 1]) // 2 for k in (0, 2)] if header.family == "lapped" else []
    networks = [AnirFile(data[:size]).refined() for size in sizes]
    return [
        {"bytes": size, "network": network, "pixels": reference.pixels(network, x, y).tolist()}
        for size, network in zip(sizes, networks, strict=True)
    ]


def _subnets(header: Header) -> tuple[tuple[int, int], ...]:
    is_narrow = (header.family, header.colours, header.bits) == ("lapped", 4, 8)
    return NARROW if is_narrow else SUBNETS


def file_of(header: Header) -> bytes:
    """Returns a file with this header and its levels."""
    subnets = _subnets(header)
    writer, lapped = AnirWriter(header, 1 << 20), header.family == "lapped"
    if lapped:
        columns, rows = (-(-pixels // header.pitch) for pixels in SIZE)
        wanted = lively(rows, columns, header.pitch, planes=header.colours)
        wanted[..., 6:, :] = wanted[..., 6:] = 0
        if header.colours == 1:
            wanted[-1, -1, 0, :LARGE, :LARGE] = _large()
        writer.begin(wanted, colours_of(header.colours))
    for k, (depth, channels) in enumerate(subnets):
        width, network = 4000 >> k, _network(header, depth, channels)
        if lapped:
            writer.refine(LevelStep(width, 1 + k))
            if k > 1 and subnets is SUBNETS:
                network = _with_common(header, depth, network, width)
        writer.add(network, width)
    return writer.finish([(20.25 + k, 21.75 + k, 25.25 + k) for k in range(len(subnets))])


def _large() -> NDArray[np.int32]:
    """Returns coefficients that reach the coder's bounds of magnitudes, sums and frequencies; no mean."""
    frequencies = np.add.outer(np.arange(LARGE), np.arange(LARGE))
    large: NDArray[np.int32] = ((1 << 26) // (1 + frequencies) ** 3 * (-1) ** (frequencies // 2)).astype(
        np.int32
    )
    large[0, 0] = 0
    return large


def _with_common(header: Header, depth: int, network: Network, width: int) -> Network:
    """Returns the common network of a depth; above 2 with head offsets or, if grey, with a random head."""
    own = common_trunks()[17]
    layers = own.layers(depth, header.colours)
    head = colours_of(header.colours).head(own.head(depth), width)
    if depth > 2:
        offsets = np.arange(17 * header.colours).reshape(-1, 17) % 16 - 8
        head = {} if header.colours == 1 else with_offsets(head, offsets)
    known = random_network("lapped", depth, 17 + header.colours, SIZE, header.bits, colours=header.colours)
    return replace(network, tensors={**known.tensors, **layers, **head})


def _network(header: Header, depth: int, channels: int) -> Network:
    """Returns a random network that has the first layers of the deepest one of its width."""
    deepest = max(d for d, c in _subnets(header) if c == channels)
    whole = random_network(
        header.family, deepest, channels, SIZE, header.bits, channels, colours=header.colours
    )
    own = random_network(header.family, depth, channels, SIZE, header.bits, depth, colours=header.colours)
    tensors = {
        name: tensor if name.startswith("head") else _beginning(whole.tensors[name], tensor.shape)
        for name, tensor in own.tensors.items()
    }
    # With 1, 7, 15 and 24 bits after the point, so that 3, 2, 1 and none of the lowest bytes are 0.
    units = 2.0 ** np.array([1, 7, 15, 24])[: header.colours]
    tensors["head.bias"] = (np.round(tensors["head.bias"] * units) / units).astype(np.float32)
    return replace(own, tensors=tensors, latents=None)


def _beginning(whole: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    beginning: NDArray[Any] = np.ascontiguousarray(whole[tuple(slice(n) for n in shape)])
    return beginning
