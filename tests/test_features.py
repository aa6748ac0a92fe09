from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch
from anir_runtime.coordinates import axis_coordinates
from anir_toolchain.features import LatentFeatures
from anir_toolchain.lapped_synthesis import features_at
from anir_toolchain.picture import Picture
from anir_toolchain.space import Subnet

from tests.lapped_pictures import latents_of, waves

SIZE = (50, 35)
PICTURE = Picture(waves(*SIZE), torch.device("cpu"))


def test_features_at_pixels_are_the_same_as_the_transforms() -> None:
    latents = latents_of(waves(*SIZE), 6000)
    subnets = {Subnet(2, 40): replace(latents, reach=1), Subnet(3, 40): replace(latents, reach=4)}
    with ThreadPoolExecutor(2) as pool:
        features = LatentFeatures({**subnets, Subnet(2, 16): latents}, PICTURE, pool)
    index = torch.tensor([0, 49, 50, 777, 1700, 1749])
    x, y = (axis_coordinates(n) for n in SIZE)
    of_width = features.of_width(40, index)
    assert len(of_width) == 2
    for own, got in zip(subnets.values(), of_width, strict=True):
        want = features_at(own, x, y, SIZE, channels=40).reshape(len(PICTURE), -1)[index.numpy()]
        # LatentFeatures keeps planes in half precision.
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-3, atol=0.03)


def test_without_latents_there_are_no_features() -> None:
    with ThreadPoolExecutor(1) as pool:
        features = LatentFeatures({}, PICTURE, pool)
    assert features.of_width(8, torch.tensor([0, 1])) == []
