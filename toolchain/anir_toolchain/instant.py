"""Levels of the family `lapped` without training: common networks, with adapted heads where these pay.

Nothing here imports torch, as loading it takes as long as everything that is done here.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from anir_runtime.common_networks import common_trunks, has_common
from anir_runtime.network import Network
from anir_runtime.segments import BLOCK
from numpy.typing import NDArray

from anir_toolchain.ahead import ahead
from anir_toolchain.cell_sample import HEAD_EVERY, HEAD_PIXELS, CellSample
from anir_toolchain.common_heads import best_head
from anir_toolchain.config import Config
from anir_toolchain.embedding import SmallIntegers
from anir_toolchain.lapped_analysis import Analysis
from anir_toolchain.levels import LevelNetwork, level_bytes, level_order, refined_levels
from anir_toolchain.own_networks import own_networks_may_pay
from anir_toolchain.sample import is_large, sample_of, sampled_coefficients
from anir_toolchain.space import Space

_FLAT = 0.5
"""Share of pixels equal to their right neighbours from which on a picture may be text or a drawing."""
_ROWS = 512
"""Number of rows in which these are counted."""


def instant_space(config: Config, image: NDArray[np.uint8]) -> Space | None:
    """Returns the subnets of a picture uint8[H, W, N] if it needs no training, else None.

    It needs none if there are common networks for all subnets, and either the preset has no steps or trained
    networks are not likely to be worth their bytes. A number of steps in the configuration always asks for
    training. Raises AnirError if the configuration is invalid.
    """
    steps = config.schedule().steps
    if config.family != "lapped":
        return None
    height, width, colours = image.shape
    space = config.space(width, height, colours)
    if not all(has_common(subnet.depth, subnet.width, colours) for subnet in space.subnets):
        return None
    trained = config.steps or (steps and own_networks_may_pay(image, space, config.bits))
    return None if trained else space


def training_would_help(config: Config, image: NDArray[np.uint8]) -> bool:
    """Whether a picture is text or a drawing, and presets with training would show it better than `config`.

    Only pictures with flat areas, which few photographs have, are examined (`own_networks_may_pay`), as that
    takes a tenth of the time in which a picture is encoded.
    """
    space = None if config.schedule().steps else instant_space(config, image)
    if space is None:
        return False
    changes = np.diff(image[:: 1 + len(image) // _ROWS], axis=1).any(-1)
    is_flat = bool(np.count_nonzero(changes) <= (1 - _FLAT) * changes.size)
    return is_flat and own_networks_may_pay(image, space, config.bits)


def instant_levels(
    image: NDArray[np.uint8],
    analysis: Analysis,
    space: Space,
    bits: int,
    left_out: Sequence[SmallIntegers] = (),
) -> Iterator[LevelNetwork]:
    """Yields a picture's levels; the next level's quantization step is searched for while a head is solved.

    Args:
        image: the picture, uint8[H, W, N].
        analysis: the picture's lapped transform.
        space: the subnets, for all of which there are common networks.
        bits: bits of a hidden weight, for the file's header.
        left_out: for each level what to subtract from the coefficients that it encodes; nothing by default,
            and always in large pictures (`is_large`).
    """
    order, size, planes = level_order(space), (image.shape[1], image.shape[0]), image.shape[2]
    if is_large(image):
        sample = sampled_coefficients(analysis.coefficients, size)
        cells = CellSample(sample_of(image, analysis.pitch), analysis.pitch, HEAD_PIXELS, BLOCK)
    else:
        sample, cells = None, CellSample(image, analysis.pitch, HEAD_PIXELS)
    wanted = cells.colours(HEAD_EVERY)
    refined = refined_levels(analysis.coefficients, order, size, bits, sample, left_out)
    known = ahead((level.step, cells.near([level.values])) for level in refined)
    for subnet, (step, near), end in zip(order, known, level_bytes(order, size, planes), strict=True):
        seen = cells.seen(near, step, subnet.width, HEAD_EVERY)
        _, head = best_head(subnet, analysis.colours, step.width, end, seen, wanted)
        layers = common_trunks()[subnet.width - planes].layers(subnet.depth, planes)
        yield LevelNetwork(step, Network("lapped", size, bits, {**layers, **head}))
