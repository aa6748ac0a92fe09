"""Estimates whether networks trained for a picture would be worth their bytes (family `lapped`).

For photographs they hardly ever are, as the common networks were trained on such; for text, screenshots and
drawings they may gain several dB. A layer of random sines with a least-squares head ("random features",
Rahimi and Recht 2007) gains about a third of that, in a fraction of the time that training takes.
"""

import math
from statistics import mean

import numpy as np
from anir_runtime.common_networks import common_trunks
from anir_runtime.level_step import LEAST_WIDTH, MOST_WIDTH, LevelStep
from anir_runtime.network import Floats
from anir_runtime.segments import BLOCK
from numpy.typing import NDArray

from anir_toolchain.cell_sample import HEAD_EVERY, HEAD_PIXELS, CellSample
from anir_toolchain.common_heads import DB_PER_SHARE, own_bytes, squared_error
from anir_toolchain.embedding import RateModel, refined_after
from anir_toolchain.heads import Moments
from anir_toolchain.lapped_analysis import analyse, colours_of
from anir_toolchain.lapped_pitch import best_pitch
from anir_toolchain.lapped_synthesis import last_layer
from anir_toolchain.levels import BITS_PER_COEFFICIENT, level_bytes, level_order
from anir_toolchain.sample import is_large, sample_of
from anir_toolchain.space import Space, Subnet

_FEATURES = 192
"""Number of random features."""
_FREQUENCY = 0.6
"""Their spread in radians, for inputs of unit variance."""
_HEAD_BITS = 16
"""Bits of a head's codes with which it is as good as in real numbers."""
_GAIN = 3.0
"""Gain in dB of trained networks, as a multiple of that of random features (bench/NOTES.md)."""
_LEAST_GAIN, _MOST_GAIN = 0.2, 6.0
"""Least gain in dB, less the price of the networks' bytes, that is worth training, and most to expect."""


def own_networks_may_pay(image: NDArray[np.uint8], space: Space, bits: int) -> bool:
    """Whether trained networks of the largest width, the first to pay, may gain more than their bytes would.

    Args:
        image: the picture, uint8[H, W, N].
        space: the subnets, for all of which there are common networks.
        bits: bits of a hidden weight.
    """
    order, size, planes = level_order(space), (image.shape[1], image.shape[0]), image.shape[2]
    ends = dict(zip(order, level_bytes(order, size, planes), strict=True))
    largest = order[-1]
    share = mean(1 / end for subnet, end in ends.items() if subnet.width == largest.width)
    cost = DB_PER_SHARE * share * own_bytes(largest.depth, largest.width, planes, bits)
    if cost + _LEAST_GAIN > _MOST_GAIN:
        return False
    return _GAIN * _gain_of_random_features(image, largest, ends[largest]) > cost + _LEAST_GAIN


def _gain_of_random_features(image: NDArray[np.uint8], subnet: Subnet, end: int) -> float:
    """Returns how many dB random features add to a common network at a level whose prefix has `end` bytes."""
    colours = colours_of(image)
    pitch, pixels, block = best_pitch(image, colours), math.prod(image.shape[:2]), None
    if is_large(image):
        image, block = sample_of(image, pitch), BLOCK
    coefficients = analyse(image, pitch, colours).coefficients
    count = 8 * end * math.prod(image.shape[:2]) / pixels / BITS_PER_COEFFICIENT
    step = LevelStep(min(max(RateModel(coefficients).width(count), LEAST_WIDTH), MOST_WIDTH), 1)
    (level,) = refined_after(coefficients, [step])
    cells = CellSample(image, pitch, HEAD_PIXELS, block)
    seen = cells.seen(cells.near([level.values]), step, subnet.width, HEAD_EVERY)
    layers = common_trunks()[subnet.width - image.shape[2]].layers(subnet.depth, image.shape[2])
    channels = last_layer(layers["weights"] * layers["steps"][:, None, None], seen)
    wanted = cells.colours(HEAD_EVERY)
    errors = [_error(own, wanted) for own in (channels, np.hstack([channels, _random_features(seen)]))]
    return 10 * math.log10(max(errors[0], 1e-10) / max(errors[1], 1e-10))


def _random_features(seen: Floats) -> Floats:
    """Returns sines of random combinations of a network's inputs float32[M, n]: float32[M, _FEATURES]."""
    random = np.random.default_rng(0)
    scale = _FREQUENCY / math.sqrt(seen.shape[1]) / (seen.std(0) + 1e-6)
    directions = random.normal(size=(seen.shape[1], _FEATURES)) * scale[:, None]
    phases = random.uniform(-math.pi, math.pi, _FEATURES)
    features: Floats = np.sin(seen @ directions.astype(np.float32) + phases.astype(np.float32))
    return features


def _error(features: Floats, wanted: Floats) -> float:
    """Returns the mean squared error, at every other pixel, of the head that is best at the others.

    Args:
        features: inputs of the head at M pixels, float32[M, n].
        wanted: the picture's colours at these pixels, float32[M, N] in [0, 1].
    """
    codes, scale, bias = Moments.of(features[::2], wanted[::2]).solve(_HEAD_BITS)
    head = {"head": codes, "head.scale": scale, "head.bias": bias}
    return squared_error(features[1::2], head, wanted[1::2])
