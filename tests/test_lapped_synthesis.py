import numpy as np
import pytest
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.lapped_transform import seen_by
from anir_toolchain.lapped_synthesis import features_at, planes_at

from tests.lapped_pictures import latents_of, waves


@pytest.mark.parametrize("reach", [1, 2])
def test_channels_see_three_planes_and_the_first_one_beside(reach: int) -> None:
    latents, size = latents_of(waves(101, 75), 12000, reach), (101, 75)
    x, y = axis_coordinates(101), axis_coordinates(75)
    planes, seen = planes_at(latents, x, y, size), features_at(latents, x, y, size, channels=12)
    np.testing.assert_allclose(seen[..., :3], planes, atol=1e-5)
    assert len(set(seen_by(12, 3))) == 11
    for channel, (plane, right, down) in enumerate(seen_by(12, 3)):
        rows, columns = (slice(2 + reach * by, n - 2 + reach * by) for by, n in ((down, 75), (right, 101)))
        wanted = planes[rows, columns, plane] - (planes[2:-2, 2:-2, 0] if right or down else 0)
        np.testing.assert_allclose(seen[2:-2, 2:-2, channel], wanted, atol=2e-3)
    assert {abs(right) + abs(down) for _, right, down in seen_by(8, 3)[3:]} == {1}
