"""Writes the test vectors beside this file, which the tests in Python and in TypeScript read.

Usage: python -m tests.vectors.make
"""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np
from anir_runtime import chebyshev, rans
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.families import families
from anir_runtime.lapped_transform import Axis, context, inputs_of
from anir_runtime.network import Network
from anir_toolchain.onnx_writer import build
from numpy.typing import NDArray

from tests import reference
from tests.plain_rans import encode, tables_of
from tests.random_network import random_network
from tests.vectors.anir import anir_cases
from tests.vectors.strips import strips_case

FOLDER = Path(__file__).parent
FAMILIES = sorted(families())


def vectors() -> dict[str, Any]:
    """Returns the content of all files, by name."""
    networks = {f"network-{family}.json": network_cases(family) for family in FAMILIES}
    return {
        "rans.json": rans_cases(),
        "lapped_transform.json": lapped_transform_cases(),
        "chebyshev.json": chebyshev_cases(),
        "anir.json": anir_file_cases(),
        "strips.json": strips_case(16),
        "strips-32.json": strips_case(32),
        **networks,
    }


def rans_cases() -> list[dict[str, Any]]:
    """Returns rANS streams and their codes [steps, lanes]; two have contexts of the lapped transform."""
    random = np.random.default_rng(1)
    plain = rans.Context({1: 3, 2: 1}, np.array([5, 0, 60]))
    cases = []
    for own, steps, lanes in ((plain, 12, 3), (context(4), 64, 5), (context(6), 36, 1)):
        codes = np.round(random.uniform(-1, 1, (steps, lanes)) ** 5 * 9).astype(np.int16)
        tables = tables_of(codes, own)
        words, states = encode(codes, tables, own)
        cases.append(
            {
                "weights": [[distance, weight] for distance, weight in sorted(own.weights.items())],
                "prior": own.prior.tolist(),
                "limits": tables.limits.tolist(),
                "frequencies": tables.frequencies.tolist(),
                "states": states.tolist(),
                "words": words.tolist(),
                "codes": codes.tolist(),
            }
        )
    return cases


def lapped_transform_cases() -> dict[str, Any]:
    """Returns windows [cells, points], cosines [cells, frequencies, points] and the inputs of channels."""
    axes = []
    for pixels, pitch, frequencies in ((48, 16, 4), (70, 32, 5), (10, 16, 4)):
        axis, at = Axis(pixels, pitch), axis_coordinates(pixels, 7)
        axes.append(
            {
                "pixels": pixels,
                "pitch": pitch,
                "frequencies": frequencies,
                "at": at.tolist(),
                "windows": _rounded(axis.windows(at)),
                "cosines": _rounded(axis.cosines(at, frequencies)),
            }
        )
    return {
        "axes": axes,
        "seen_by": [
            {
                "channels": channels,
                "planes": planes,
                "seen": [[*seen] for seen in inputs_of(channels, planes)],
            }
            for planes in (1, 3, 4)
            for channels in (5, 8, 20, 24, 32, 40)
        ],
    }


def chebyshev_cases() -> list[dict[str, Any]]:
    """Returns Chebyshev nodes between the first and the last coordinate, and weights [nodes, coordinates]."""
    cases = []
    for first, last, points, count in ((-0.4, 0.25, 9, 5), (0.9, 1.0, 4, 12), (0.3, 0.3, 1, 3)):
        at = np.linspace(first, last, points, dtype=np.float32)
        weights = chebyshev.interpolation(at, count)
        cases.append(
            {
                "count": count,
                "at": at.tolist(),
                "nodes": _rounded(chebyshev.nodes(at, count)),
                "weights": _rounded(weights),
            }
        )
    return cases


def network_cases(family: str) -> list[dict[str, Any]]:
    """Returns networks, their pixels at some coordinates by the reference, and their files in base 64."""
    own: list[dict[str, Any]] = [
        {"pitch": 16, "down": True, "reach": 2, "order": 5},
        {"pitch": 32, "down": False, "order": 4},
    ]
    kinds = [(2, 6, 4, 3, own[0]), (4, 13, 8, 3, own[1]), (3, 9, 4, 1, own[1]), (3, 14, 4, 4, own[0])]
    networks = [
        random_network(family, depth, channels, (40, 30), bits, depth, colours=colours, **options)
        for depth, channels, bits, colours, options in kinds
    ]
    x, y = axis_coordinates(40, 11), axis_coordinates(30, 9, start=3.5, count=20)
    return [
        {
            **network_state(network),
            "x": x.tolist(),
            "y": y.tolist(),
            "pixels": reference.pixels(network, x, y).tolist(),
            "smaller": [smaller_case(network, size) for size in ((31, 30), (7, 5), (3, 2))],
            "onnx": b64encode(build(network).SerializeToString(deterministic=True)).decode(),
        }
        for network in networks
    ]


def smaller_case(network: Network, size: tuple[int, int]) -> dict[str, Any]:
    """Returns the whole picture at a smaller (width, height), where `lapped` is averaged between samples."""
    spacing = network.size[0] / size[0], network.size[1] / size[1]
    x, y = (axis_coordinates(pixels, own) for pixels, own in zip(network.size, size, strict=True))
    drawn = reference.pixels(network, x, y, spacing)
    return {"x": x.tolist(), "y": y.tolist(), "spacing": spacing, "pixels": drawn.tolist()}


def anir_file_cases() -> list[dict[str, Any]]:
    """Returns `.anir` files, and their levels' networks as JSON values."""
    cases = anir_cases()
    for level in (level for case in cases for level in case["levels"] + case["refined"]):
        level["network"] = network_state(level["network"])
    return cases


def network_state(network: Network) -> dict[str, Any]:
    """Returns a network as JSON values."""
    state: dict[str, Any] = {
        "family": network.family,
        "size": list(network.size),
        "bits": network.bits,
        "tensors": {name: tensor_state(tensor) for name, tensor in sorted(network.tensors.items())},
    }
    if network.latents:
        own = network.latents
        arrays = {"codes": tensor_state(own.codes), "magnitudes": own.magnitudes.tolist()}
        state["latents"] = {**vars(own), **arrays}
    return state


def tensor_state(tensor: NDArray[Any]) -> dict[str, Any]:
    """Returns a tensor's type, shape and values, in C order."""
    return {"type": str(tensor.dtype), "shape": list(tensor.shape), "values": tensor.ravel().tolist()}


def _rounded(values: NDArray[Any]) -> Any:
    """Returns nested lists of numbers, rounded so that all machines give the same."""
    return np.round(values.astype(np.float64), 6).tolist()


def main() -> None:
    """Writes all files."""
    for name, content in vectors().items():
        (FOLDER / name).write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
