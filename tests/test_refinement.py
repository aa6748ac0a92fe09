from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from anir_runtime.coordinates import axis_coordinates
from anir_toolchain.families import family
from anir_toolchain.features import LatentFeatures
from anir_toolchain.heads import solve_heads
from anir_toolchain.lapped_analysis import analyse_planes, principal_colours
from anir_toolchain.latent_coding import encode_latents
from anir_toolchain.picture import Picture
from anir_toolchain.refinement import refine
from anir_toolchain.space import Subnet
from anir_toolchain.trunk import Parameters, Trunk

from tests.lapped_pictures import blocks, latents_of, quantized

CPU = torch.device("cpu")
SUBNETS = [Subnet(2, 8), Subnet(3, 8)]


def _errors(picture: Picture, trunk: Trunk, parameters: Parameters, features: LatentFeatures) -> list[float]:
    """Mean squared error of each depth with the best heads."""
    heads, biases = solve_heads(trunk, parameters, picture, features)
    x, y, colours = picture.points(torch.arange(len(picture)))
    channels = trunk.last_layers(parameters, x, y, features.of_width(8, torch.arange(len(picture))))
    drawn = (own @ head.T + bias for own, head, bias in zip(channels, heads.values, biases, strict=True))
    return [(rgb - (colours + 1) / 2).square().mean().item() for rgb in drawn]


def test_refined_latents_show_what_was_missing() -> None:
    image = blocks(12, 9, 8)
    lacking = image / np.float32(127.5) - 1
    lacking[:40, :48] = 0
    coefficients = analyse_planes(lacking @ principal_colours(image), 16, down=True)
    picture = Picture(image, CPU)
    trunk = Trunk.create(
        family("lapped"), (2, 3), 8, 4, picture.size, picture.colours, 10.0, torch.Generator().manual_seed(0)
    )
    trunks = {8: (trunk, trunk.parameters)}
    with ThreadPoolExecutor(1) as pool:
        first = {subnet: quantized([coefficients], 9000) for subnet in SUBNETS}
        features = LatentFeatures(first, picture, pool)
        refined = refine(picture, trunks, features, [9000, None], pool)
    before, after = (_errors(picture, trunk, trunk.parameters, own) for own in (features, refined))
    assert all(new < 0.4 * old for new, old in zip(after, before, strict=True))
    assert list(refined.latents) == SUBNETS
    within, same_step = refined.latents.values()
    taken = encode_latents(within).bytes * 8 + encode_latents(within).tables.frequencies.size * 10
    assert 0.9 * 9000 < taken < 1.05 * 9000
    assert same_step.step == first[SUBNETS[1]].step


def test_the_old_latents_stay_as_they_were() -> None:
    image = blocks(6, 4, 8)
    picture = Picture(image, CPU)
    trunk = Trunk.create(
        family("lapped"), (2,), 8, 4, picture.size, picture.colours, 10.0, torch.Generator().manual_seed(0)
    )
    with ThreadPoolExecutor(1) as pool:
        features = LatentFeatures({SUBNETS[0]: latents_of(image, 4000)}, picture, pool)
        codes, planes = features.latents[SUBNETS[0]].codes.copy(), features.planes(SUBNETS[0]).copy()
        refined = refine(picture, {8: (trunk, trunk.parameters)}, features, [4000], pool)
    assert np.array_equal(features.latents[SUBNETS[0]].codes, codes)
    assert np.array_equal(features.planes(SUBNETS[0]), planes)
    assert not np.array_equal(refined.planes(SUBNETS[0]), planes)
    assert refined.planes(SUBNETS[0]).shape == (*(len(axis_coordinates(n)) for n in (32, 48)), 3)
