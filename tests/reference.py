"""Reference evaluation of networks: the formulas of docs/format.md in float64, at every point."""

import math

import numpy as np
from anir_runtime.network import Latents, Network
from numpy.typing import NDArray

Values = NDArray[np.float64]


Spacing = tuple[float, float]
NATIVE: Spacing = (1.0, 1.0)
"""One sample per native pixel. A spacing is the distance of columns and of rows, in native pixels."""


def pixels(
    network: Network, x: NDArray[np.float32], y: NDArray[np.float32], spacing: Spacing = NATIVE
) -> NDArray[np.uint8]:
    """The picture at columns x [W] and rows y [H]: uint8[H, W, colours]."""
    return np.round(255 * np.clip(values(network, x, y, spacing), 0, 1)).astype(np.uint8)


def values(
    network: Network, x: NDArray[np.float32], y: NDArray[np.float32], spacing: Spacing = NATIVE
) -> Values:
    """The picture before it is clipped and rounded, float64[H, W, colours]."""
    right, down = np.meshgrid(x.astype(np.float64), y.astype(np.float64))
    if network.family == "lapped":
        h = _lapped(network, right, down, spacing)
    else:
        h = {"siren": _siren, "fourier": _mfn, "gabor": _mfn}[network.family](network, right, down)
    return h @ _real(network, "head").T + network.tensors["head.bias"]


def _real(network: Network, name: str) -> Values:
    return network.values(name).astype(np.float64)


def _weights(network: Network) -> Values:
    steps = _real(network, "steps")
    return _real(network, "weights") * (steps[:, None, None] if steps.ndim == 1 else steps[:, None])


def _siren(network: Network, x: Values, y: Values) -> Values:
    (wx,), (wy,) = _real(network, "frequencies")
    h = np.sin(wx * x[..., None] + wy * y[..., None] + _real(network, "phases")[0])
    for weight, bias in zip(_weights(network), _real(network, "biases"), strict=True):
        h = np.sin(h @ weight + bias)
    return h


def _mfn(network: Network, x: Values, y: Values) -> Values:
    h = _filter(network, 0, x, y)
    for i, weight in enumerate(_weights(network)):
        h = h @ weight * _filter(network, i + 1, x, y)
    return h / np.sqrt(1 + (h[..., :8] ** 2).sum(-1, keepdims=True))


def _filter(network: Network, bank: int, x: Values, y: Values) -> Values:
    roots = _real(network, "filters")[:, bank]
    wx, wy, phase, *gaussian = roots * abs(roots)
    sine = np.sin(wx * x[..., None] + wy * y[..., None] + phase)
    if not gaussian:
        return sine
    mx, my, decay = gaussian
    return sine * np.exp(-decay * ((x[..., None] - mx) ** 2 + (y[..., None] - my) ** 2))


def _lapped(network: Network, x: Values, y: Values, spacing: Spacing) -> Values:
    assert network.latents is not None
    reach, (width, height) = network.latents.reach, network.size

    def plane(number: int, right: int, down: int) -> Values:
        shifted = x + 2 * reach * right / width, y + 2 * reach * down / height
        planes = _planes(network, *shifted, spacing)
        return planes[..., number] if number < planes.shape[-1] else np.zeros_like(x)

    sides = [(-1, 0), (0, -1), (0, 1), (1, 0)]
    corners = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    beside = [(0, *offset) for offset in sides + corners]
    beside += [(number, *offset) for number in (1, 2) for offset in sides]
    beside += [(0, 2 * right, 2 * down) for right, down in sides]
    beside += [(number, *offset) for number in (1, 2) for offset in corners]
    features = [plane(number, 0, 0) for number in range(network.colours)]
    features += [plane(number, *offset) - plane(number, 0, 0) for number, *offset in beside]
    first = np.full((*x.shape, network.channels), math.pi / 2)
    count = min(len(features), network.channels - 1)
    first[..., :count] = np.stack(features, -1)[..., :count]
    h = first
    for weight in _weights(network):
        h = first + np.sin(h @ weight)
    return h


def _planes(network: Network, x: Values, y: Values, spacing: Spacing) -> Values:
    """The lapped transform's planes at points on a grid, [H, W, planes]."""
    latents = network.latents
    assert latents is not None
    coefficients = np.sign(latents.codes) * latents.magnitudes.astype(np.float64)[np.abs(latents.codes)]
    coefficients[..., 0, 0] = coefficients[..., 0, 0].cumsum(1)
    coefficients *= latents.step * 2 / latents.pitch
    columns = _averages(latents, network.size[0], x[0], spacing[0])
    rows = _averages(latents, network.size[1], y[:, 0], spacing[1])
    along, across = (rows, columns) if latents.down else (columns, rows)
    planes = np.einsum("pabkl,akm,bln->pmn", coefficients, along, across, optimize=True)
    return np.moveaxis(planes if latents.down else planes.swapaxes(1, 2), 0, -1)


def _averages(latents: Latents, pixels: int, at: Values, spacing: float) -> Values:
    """Cosines averaged over a sample along an axis; 0 for frequencies k > 0 that are too high."""
    count = max(1, math.ceil(spacing - 0.01))
    offsets = ((np.arange(count) + 0.5) / count - 0.5) * spacing * 2 / pixels
    averages: Values = np.mean([_cosines(latents, pixels, at + offset) for offset in offsets], axis=0)
    k = np.arange(latents.codes.shape[-1])
    averages[:, (k > 0) & (k + 0.5 >= 4 * latents.pitch / spacing)] = 0
    return averages


def _cosines(latents: Latents, pixels: int, at: Values) -> Values:
    """Windowed cosines along one axis, [cells, frequencies, points]."""
    cells = -(-pixels // latents.pitch)
    position = (at + 1) * pixels / 2 / latents.pitch - 0.5  # in cells; 0 is the middle of the first cell
    offset = position - np.arange(cells)[:, None]
    clipped = position.clip(0, cells - 1) - np.arange(cells)[:, None]
    window = np.cos(np.clip(clipped, -1, 1) * math.pi / 2)
    odd = np.arange(1, 2 * latents.codes.shape[-1], 2)
    return np.cos((offset[:, None] + 1.5) * math.pi / 2 * odd[:, None]) * window[:, None]
