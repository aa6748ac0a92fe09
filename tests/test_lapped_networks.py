from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from anir_runtime.common_networks import MOST_OFFSET, common_trunks
from anir_toolchain.families import family
from anir_toolchain.features import LatentFeatures
from anir_toolchain.lapped_analysis import analyse, colours_of
from anir_toolchain.lapped_networks import choose_networks, start_from_common
from anir_toolchain.levels import level_order, refined_levels
from anir_toolchain.model import QuantizedTrunk
from anir_toolchain.picture import Picture
from anir_toolchain.space import Space
from anir_toolchain.trunk import Trunk

from tests.lapped_pictures import blocks

SPACE, SIZE = Space((2, 3), (20,)), (128, 96)
ORDER = level_order(SPACE)


def trunk_of(width: int = 20) -> Trunk:
    return Trunk.create(
        family("lapped"), SPACE.depths, width, 4, SIZE, 3, 5.0, torch.Generator().manual_seed(0)
    )


@pytest.fixture(scope="module")
def picture() -> Picture:
    return Picture(blocks(16, 12, 8), torch.device("cpu"))


@pytest.fixture(scope="module")
def features(picture: Picture) -> LatentFeatures:
    levels = refined_levels(analyse(picture.image, 16).coefficients, ORDER, SIZE, 4)
    latents = {subnet: level.latents() for subnet, level in zip(ORDER, levels, strict=True)}
    with ThreadPoolExecutor(1) as pool:
        return LatentFeatures(latents, picture, pool)


def chosen(
    picture: Picture, features: LatentFeatures, level_bytes: int, trained: bool = False
) -> QuantizedTrunk:
    trunk = trunk_of()
    start_from_common(trunk)
    trunk.prepare_quantization()
    sizes = dict.fromkeys(ORDER, level_bytes)
    colours = colours_of(picture.image)
    return choose_networks({20: trunk}, trained, picture, colours, features, sizes)[20]


def test_training_begins_with_the_common_weights() -> None:
    trunk, known = trunk_of(), common_trunks()[17]
    start_from_common(trunk)
    weights = known.weights * known.steps[:, None, None]
    assert np.array_equal(trunk.parameters["weight"][:, 3:, 3:].numpy(), weights[:2])
    other = trunk_of(21)
    before = other.parameters["weight"].clone()
    start_from_common(other)
    assert torch.equal(other.parameters["weight"], before)


def test_a_short_file_takes_common_networks_and_heads(picture: Picture, features: LatentFeatures) -> None:
    trunk = chosen(picture, features, 50)
    known = common_trunks()[17]
    assert np.array_equal(trunk.weight[:, 3:, 3:], known.weights[:2])
    for k, subnet in enumerate(ORDER):
        width = round(1 / features.latents[subnet].step)
        head = colours_of(picture.image).head(known.head(subnet.depth), width)
        assert np.array_equal(trunk.head.codes[k], head["head"])
        assert np.array_equal(trunk.head.scale[k], head["head.scale"])
        assert np.array_equal(trunk.head_bias[k], head["head.bias"])


def test_a_long_file_takes_head_offsets(picture: Picture, features: LatentFeatures) -> None:
    common, own = chosen(picture, features, 50), chosen(picture, features, 10**9)
    assert torch.equal(own.weight, common.weight)
    offsets = own.head.codes.int() - common.head.codes.int()
    assert offsets.any()
    assert -MOST_OFFSET <= int(offsets.min()) < int(offsets.max()) < MOST_OFFSET
    assert not offsets[:, :, :3].any()


def test_trained_networks_are_taken_only_if_they_are_better(
    picture: Picture, features: LatentFeatures
) -> None:
    # The "trained" networks are here the common ones, quantized once more.
    trunk = chosen(picture, features, 1000, trained=True)
    assert np.array_equal(trunk.weight[:, 3:, 3:], common_trunks()[17].weights[:2])
