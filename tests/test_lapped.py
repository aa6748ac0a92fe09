from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from anir_runtime.coordinates import axis_coordinates
from anir_toolchain.choosing import Coefficients, analyse, choose, choose_again
from anir_toolchain.lapped import Latents, seen_by
from numpy.typing import NDArray


def _picture(width: int, height: int) -> NDArray[np.uint8]:
    """Waves that grow finer to the right, in one colour more than in the others."""
    y, x = np.mgrid[:height, :width]
    waves = np.sin(x**2 / width / 4 + y / 9)
    return np.stack([128 + 100 * waves, 128 + 60 * waves, np.full_like(waves, 90)], axis=-1).astype(np.uint8)


def _choose(candidates: list[Coefficients], bits: float) -> Latents:
    with ThreadPoolExecutor(1) as pool:
        return choose(candidates, [bits], pool)[0]


def _error(latents: Latents, picture: NDArray[np.uint8]) -> float:
    """Mean squared error of the best linear map from planes to colours."""
    height, width, _ = picture.shape
    x, y = axis_coordinates(width), axis_coordinates(height)
    planes = latents.at(x, y, (width, height)).reshape(-1, 3)
    rows = np.concatenate([planes, np.ones((len(planes), 1))], axis=1)
    colours = picture.reshape(-1, 3).astype(float)
    return float(((rows @ np.linalg.lstsq(rows, colours, rcond=None)[0] - colours) ** 2).mean())


@pytest.mark.parametrize("size", [(96, 64), (101, 35), (16, 16), (5, 3), (1, 1), (1, 40)])
def test_with_bits_to_spare_a_picture_comes_back(size: tuple[int, int]) -> None:
    picture = _picture(*size)
    latents = _choose(analyse(picture), 80 * 64 * (size[0] // 16 + 1) * (size[1] // 16 + 1) * 8)
    latents.check(size, latents.codes.shape)
    assert _error(latents, picture) < 3


def test_it_takes_the_bits_that_it_may_take_and_more_bits_show_more() -> None:
    picture = (
        np.random.default_rng(0).integers(0, 256, (24, 36, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    )
    errors, budgets = [], (8000, 32000, 16000)
    with ThreadPoolExecutor(2) as pool:
        several = choose(analyse(picture), budgets, pool)
    for latents, bits in sorted(zip(several, budgets, strict=True), key=lambda pair: pair[1]):
        tables = latents.stream.tables.frequencies.size * 10
        assert latents.stream.bytes * 8 + tables == pytest.approx(bits, rel=0.08)
        errors.append(_error(latents, picture))
    assert errors[0] > 1.3 * errors[1] > 1.3**2 * errors[2]


def test_in_a_large_picture_some_lanes_tell_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = (
        np.random.default_rng(0).integers(0, 256, (64, 48, 3)).repeat(4, 0).repeat(4, 1).astype(np.uint8)
    )
    finest = analyse(picture)[:1]
    exact = _choose(finest, 40000)
    monkeypatch.setattr("anir_toolchain.choosing._SAMPLED", 60 * 16**2)
    sampled = _choose(finest, 40000)
    assert sampled.codes.shape[:3] == exact.codes.shape[:3]
    assert sorted(exact.codes.shape[:3]) == [3, 12, 16]
    assert sampled.step != exact.step
    assert sampled.stream.bytes == pytest.approx(exact.stream.bytes, rel=0.15)


def test_codes_that_are_chosen_again_show_what_was_missing() -> None:
    picture, (width, height) = _picture(101, 75), (101, 75)
    x, y = axis_coordinates(width), axis_coordinates(height)
    for turned in (False, True):
        latents = _choose(analyse(picture.transpose(1, 0, 2) if turned else picture), 60000)
        at = (y, x, (height, width)) if turned else (x, y, (width, height))
        planes = latents.at(*at)
        missing = 0.3 * np.sin(7 * at[0])[:, None] * np.cos(5 * at[1])[:, None, None] * np.ones(3, np.float32)
        again = choose_again(latents, planes, missing)
        assert (again.step, again.pitch, again.down) == (latents.step, latents.pitch, latents.down)
        assert np.square(again.at(*at) - planes - missing).mean() < 0.01 * np.square(missing).mean()

        for trials, rough in ((1, 0.25), (9, 0.1)):
            fewer = choose_again(latents, planes, missing, 30000, trials)
            assert fewer.step > latents.step
            taken = fewer.stream.bytes * 8 + fewer.stream.tables.frequencies.size * 10
            assert taken == pytest.approx(30000, rel=rough)


def test_codes_are_spent_where_the_detail_is() -> None:
    picture = np.full((256, 256, 3), 128, np.uint8)
    picture[:128, :128] = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).repeat(8, 0).repeat(8, 1)
    spent = np.abs(_choose(analyse(picture), 6000).codes).sum((0, 3, 4))
    assert spent[:8, :8].sum() > 20 * spent[10:, 10:].sum()


def test_the_scan_goes_where_means_differ_less() -> None:
    stripes = np.random.default_rng(0).integers(0, 256, (16, 1, 3)).astype(np.uint8)
    picture = stripes.repeat(16, 0).repeat(256, 1)
    assert _choose(analyse(picture), 8000).down is False
    assert _choose(analyse(picture.transpose(1, 0, 2)), 8000).down is True


@pytest.mark.parametrize("sampled", [2**20, 2**14])
@pytest.mark.parametrize(("cell", "pitch"), [(4, 32), (64, 16)])
def test_the_pitch_is_taken_that_shows_more(
    cell: int, pitch: int, sampled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anir_toolchain.choosing._SAMPLED", sampled)
    noise = np.random.default_rng(1).integers(0, 256, (256 // cell, 256 // cell, 3)).astype(np.uint8)
    picture = noise.repeat(cell, 0).repeat(cell, 1)
    candidates = analyse(picture)
    errors = {c.values.shape[-1]: _error(_choose([c], 20000), picture) for c in candidates}
    assert min(errors, key=lambda each: errors[each]) == pitch
    assert _choose(candidates, 20000).pitch == pitch


def test_a_picture_of_one_colour_takes_next_to_nothing() -> None:
    latents = _choose(analyse(np.full((48, 64, 3), (200, 30, 90), np.uint8)), 20000)
    assert not latents.codes.any()
    assert latents.stream.bytes == 4 * len(latents.stream.states)


@pytest.mark.parametrize("reach", [1, 2])
def test_channels_see_three_planes_and_the_first_one_beside(reach: int) -> None:
    latents, size = replace(_choose(analyse(_picture(101, 75)), 12000), reach=reach), (101, 75)
    x, y = axis_coordinates(101), axis_coordinates(75)
    planes, seen = latents.at(x, y, size), latents.seen(x, y, size, channels=12)
    np.testing.assert_allclose(seen[..., :3], planes, atol=1e-5)
    assert len(set(seen_by(12))) == 11
    for channel, (plane, right, down) in enumerate(seen_by(12)):
        rows, columns = (slice(2 + reach * by, n - 2 + reach * by) for by, n in ((down, 75), (right, 101)))
        np.testing.assert_allclose(seen[2:-2, 2:-2, channel], planes[rows, columns, plane], atol=1e-4)
    assert {abs(right) + abs(down) for _, right, down in seen_by(8)[3:]} == {1}


def test_networks_of_few_bits_reach_farther() -> None:
    with ThreadPoolExecutor(1) as pool:
        few, many = choose(analyse(_picture(96, 64)), [0.15 * 96 * 64, 0.3 * 96 * 64], pool)
    assert (few.reach, many.reach) == (2, 1)


def test_one_channel_at_least_sees_nothing() -> None:
    assert [len(seen_by(channels)) for channels in (4, 8, 11, 12, 13, 40)] == [3, 7, 10, 11, 11, 11]
