"""Networks with random tensors whose pictures have strong contrasts, to be written to files and drawn."""

import math
from typing import Any

import numpy as np
from anir_runtime.common_networks import Colours
from anir_runtime.families import families
from anir_runtime.lapped_transform import lattice
from anir_runtime.network import Latents, Network
from numpy.typing import NDArray

Tensors = dict[str, NDArray[Any]]


def colours_of(many: int) -> Colours:
    """Returns a nearly orthogonal matrix from that many planes to colours, and border colours."""
    matrix = np.array([[70, 90, 50, 9], [75, -5, -100, 3], [72, -88, 60, -4], [5, 7, -8, 120]], np.int8)
    return Colours(matrix[:many, :many].copy(), np.array([90, 120, 60, 200], np.uint8)[:many])


COLOURS = colours_of(3)


def random_network(
    family: str,
    depth: int = 3,
    channels: int = 16,
    size: tuple[int, int] = (96, 64),
    bits: int = 4,
    seed: int = 0,
    pitch: int = 16,
    down: bool = False,
    reach: int = 1,
    order: int = 8,
    colours: int = 3,
) -> Network:
    """Returns a network with the tensors that its family lists; `pitch` to `order` describe the latents."""
    random = np.random.default_rng(seed)
    links, top = depth - 1, 2 ** (bits - 1) - 1
    kind = families()[family]
    shapes = {name: shape for name, (_, shape) in kind.shapes(depth, channels, colours).items()}
    weights = random.integers(-top - 1, top + 1, (links, channels, channels)).astype(np.int8)
    tensors: Tensors = {"weights": weights, "head.bias": random.uniform(0.4, 0.6, colours).astype(np.float32)}
    gain = math.sqrt(3 / channels) / top
    if kind.has_latents:
        # The channels of planes are passed on unchanged: no weights lead to them.
        weights[..., :colours] = 0
    steps = gain * random.uniform(0.5, 2.5, shapes["steps"])
    tensors |= (
        _quantized("steps", steps, 1) if "steps.scale" in shapes else {"steps": steps.astype(np.float32)}
    )
    if "biases" in shapes:
        tensors |= _quantized("biases", 3 * random.uniform(-1, 1, shapes["biases"]), 1)
    if "frequencies" in shapes:
        tensors |= _sines(random, channels)
    if "filters" in shapes:
        tensors |= _filters(random, *shapes["filters"])
    # A SIREN's channels have smaller values than those of the other families.
    tensors |= _quantized(
        "head", random.uniform(-1, 1, (colours, channels)) * (0.2 if "biases" in shapes else 0.1), 1
    )
    shape = colours, *lattice(size, pitch, down), order, order
    latents = _latents(random, shape, pitch, down, reach) if kind.has_latents else None
    return Network(family, size, bits, tensors, latents)


def _sines(random: np.random.Generator, channels: int) -> Tensors:
    """Returns a random bank of sines, in which nothing is squared."""
    tensors = _quantized("frequencies", random.uniform(-20, 20, (2, 1, channels)), 2, np.int16)
    return tensors | _quantized("phases", random.uniform(-math.pi, math.pi, (1, channels)), 1)


def _filters(random: np.random.Generator, values: int, banks: int, channels: int) -> Tensors:
    """Returns random filters, which have three parameters each, or six in `gabor`."""
    highest = np.array([20, 20, math.pi, 1, 1])[:values, None, None]
    filters = random.uniform(-1, 1, (len(highest), banks, channels)) * highest
    if values == 6:
        filters = np.concatenate([filters, random.gamma(2, size=(1, banks, channels)) / 4])
    # Codes stand for signed square roots of the parameters.
    return _quantized("filters", np.sign(filters) * np.sqrt(np.abs(filters)), 2)


def _quantized(name: str, values: NDArray[np.float64], axes: int, kind: type = np.int8) -> Tensors:
    """Returns codes with one scale for each entry of the leading axes."""
    scale = np.abs(values).reshape(*values.shape[:axes], -1).max(-1) / np.iinfo(kind).max
    codes = np.round(values / scale.reshape(*scale.shape, *[1] * (values.ndim - axes))).astype(kind)
    return {name: codes, f"{name}.scale": scale.astype(np.float32)}


def _latents(
    random: np.random.Generator, shape: tuple[int, ...], pitch: int, down: bool, reach: int
) -> Latents:
    # The ninth power makes most codes 0 and some large.
    codes = np.round(random.uniform(-1, 1, shape) ** 9 * 20).astype(np.int16)
    # DC codes are differences along the scan: small ones keep the sums small.
    codes[..., 0, 0] = codes[..., 0, 0].clip(-1, 1)
    magnitudes = np.append(0, random.integers(50, 150, int(np.abs(codes).max())).cumsum()).astype(np.float32)
    return Latents(codes, float(np.float32(0.9 / 64)), pitch, down, reach, magnitudes)
