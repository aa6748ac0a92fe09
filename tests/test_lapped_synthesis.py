import numpy as np
import pytest
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.lapped_transform import inputs_of
from anir_toolchain.lapped_synthesis import features_at, planes_at, synthesis_macs_per_pixel

from tests.lapped_pictures import latents_of, waves


@pytest.mark.parametrize("reach", [1, 2])
def test_channels_are_planes_and_their_differences_to_neighbours(reach: int) -> None:
    latents, size = latents_of(waves(101, 75), 12000, reach), (101, 75)
    x, y = axis_coordinates(101), axis_coordinates(75)
    planes, seen = planes_at(latents, x, y, size), features_at(latents, x, y, size, channels=40)
    assert seen.shape == (75, 101, 31)
    np.testing.assert_allclose(seen[..., :3], planes, atol=1e-5)
    for channel, (plane, right, down) in enumerate(inputs_of(40, 3)):
        rows, columns = (slice(4 + reach * by, n - 4 + reach * by) for by, n in ((down, 75), (right, 101)))
        wanted = planes[rows, columns, plane] - (planes[4:-4, 4:-4, plane] if right or down else 0)
        np.testing.assert_allclose(seen[4:-4, 4:-4, channel], wanted, atol=2e-3)
    few = features_at(latents, x, y, size, channels=12)
    np.testing.assert_array_equal(few, seen[..., :11])


def test_channels_of_planes_that_a_grey_picture_lacks_are_zero() -> None:
    latents, size = latents_of(waves(50, 40)[..., :1], 6000), (50, 40)
    seen = features_at(latents, axis_coordinates(50), axis_coordinates(40), size, channels=40)
    zeros = [channel for channel, own in enumerate(inputs_of(40, 1)) if own.plane]
    assert zeros == [*range(9, 17), *range(21, 29)]
    assert not seen[..., zeros].any()
    assert all(seen[..., channel].any() for channel in range(29) if channel not in zeros)


def test_multiply_accumulates_of_the_synthesis_are_counted() -> None:
    latents = latents_of(waves(50, 40), 6000)
    order = latents.codes.shape[-1]
    # Sums over vertical cosines: three planes in three rows; with 40 channels, plane 0 in two more rows.
    assert synthesis_macs_per_pixel(latents, 20) == 9 * (2 * order**2 // 16) + 19 * 2 * order
    assert synthesis_macs_per_pixel(latents, 40) == 11 * (2 * order**2 // 16) + 31 * 2 * order
