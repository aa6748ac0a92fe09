from dataclasses import replace

import numpy as np
import pytest
from anir_runtime.coordinates import axis_coordinates
from anir_toolchain.lapped_transform import check_latents, features_at, planes_at, seen_by

from tests.lapped_pictures import latents_of, waves


@pytest.mark.parametrize("reach", [1, 2])
def test_channels_see_three_planes_and_the_first_one_beside(reach: int) -> None:
    latents, size = replace(latents_of(waves(101, 75), 12000), reach=reach), (101, 75)
    x, y = axis_coordinates(101), axis_coordinates(75)
    planes, seen = planes_at(latents, x, y, size), features_at(latents, x, y, size, channels=12)
    np.testing.assert_allclose(seen[..., :3], planes, atol=1e-5)
    assert len(set(seen_by(12))) == 11
    for channel, (plane, right, down) in enumerate(seen_by(12)):
        rows, columns = (slice(2 + reach * by, n - 2 + reach * by) for by, n in ((down, 75), (right, 101)))
        np.testing.assert_allclose(seen[2:-2, 2:-2, channel], planes[rows, columns, plane], atol=1e-4)
    assert {abs(right) + abs(down) for _, right, down in seen_by(8)[3:]} == {1}


def test_one_channel_at_least_sees_nothing() -> None:
    assert [len(seen_by(channels)) for channels in (4, 8, 11, 12, 13, 40)] == [3, 7, 10, 11, 11, 11]


@pytest.mark.parametrize(
    "change",
    [
        {"pitch": 8},
        {"down": 1},
        {"step": 0.0},
        {"step": float("nan")},
        {"step": float("inf")},
        {"step": 0.1},
        {"step": 1e300},
        {"step": 1},
        {"reach": 3},
    ],
)
def test_latents_that_make_no_sense_are_refused(change: dict[str, object]) -> None:
    latents = latents_of(waves(50, 35), 4000)
    check_latents(latents, (50, 35), latents.codes.shape)
    with pytest.raises(ValueError, match="no "):
        check_latents(replace(latents, **change), (50, 35), latents.codes.shape)  # type: ignore[arg-type]


def test_codes_of_another_size_are_refused() -> None:
    latents = latents_of(waves(50, 35), 4000)
    _, along, across, k, _ = latents.codes.shape
    for shape in ((1, along, across, k, k), (3, across + 1, along, k, k), (3, along, across, k, k - 1)):
        with pytest.raises(ValueError, match="codes do not fit"):
            check_latents(latents, (50, 35), shape)
