from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.lapped_transform import lattice
from anir_runtime.network import Latents
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.lapped_synthesis import planes_at
from anir_toolchain.latent_coding import encode_latents
from anir_toolchain.rate_distortion import quantize_again, quantize_picture
from numpy.typing import NDArray

from tests.lapped_pictures import blocks, latents_of, quantized, waves


def _error(latents: Latents, picture: NDArray[np.uint8]) -> float:
    """Mean squared error of the best linear map from planes to colours."""
    height, width, _ = picture.shape
    x, y = axis_coordinates(width), axis_coordinates(height)
    planes = planes_at(latents, x, y, (width, height)).reshape(-1, 3)
    rows = np.concatenate([planes, np.ones((len(planes), 1))], axis=1)
    colours = picture.reshape(-1, 3).astype(float)
    return float(((rows @ np.linalg.lstsq(rows, colours, rcond=None)[0] - colours) ** 2).mean())


@pytest.mark.parametrize("size", [(96, 64), (101, 35), (16, 16), (5, 3), (1, 1), (1, 40)])
def test_with_bits_to_spare_a_picture_comes_back(size: tuple[int, int]) -> None:
    picture = waves(*size)
    latents = quantized(analyse(picture), 80 * 64 * (size[0] // 16 + 1) * (size[1] // 16 + 1) * 8)
    assert latents.codes.shape[:3] == (3, *lattice(size, latents.pitch, latents.down))
    assert _error(latents, picture) < 3


def test_it_takes_the_bits_that_it_may_take_and_more_bits_show_more() -> None:
    picture = blocks(36, 24, 8)
    errors, budgets = [], (8000, 32000, 16000)
    with ThreadPoolExecutor(2) as pool:
        several = quantize_picture(analyse(picture), budgets, pool)
    for latents, bits in sorted(zip(several, budgets, strict=True), key=lambda pair: pair[1]):
        tables = encode_latents(latents).tables.frequencies.size * 10
        assert encode_latents(latents).bytes * 8 + tables == pytest.approx(bits, rel=0.08)
        errors.append(_error(latents, picture))
    assert errors[0] > 1.3 * errors[1] > 1.3**2 * errors[2]


def test_in_a_large_picture_some_lanes_tell_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = blocks(48, 64, 4)
    finest = analyse(picture)[:1]
    exact = quantized(finest, 40000)
    monkeypatch.setattr("anir_toolchain.rate_distortion._SAMPLED", 60 * 16**2)
    sampled = quantized(finest, 40000)
    assert sampled.codes.shape[:3] == exact.codes.shape[:3]
    assert sorted(exact.codes.shape[:3]) == [3, 12, 16]
    assert sampled.step != exact.step
    assert encode_latents(sampled).bytes == pytest.approx(encode_latents(exact).bytes, rel=0.15)


def test_latents_quantized_again_show_the_residual() -> None:
    picture, (width, height) = waves(101, 75), (101, 75)
    x, y = axis_coordinates(width), axis_coordinates(height)
    for turned in (False, True):
        latents = latents_of(picture.transpose(1, 0, 2) if turned else picture, 60000)
        at = (y, x, (height, width)) if turned else (x, y, (width, height))
        planes = planes_at(latents, *at)
        residual = (
            0.3 * np.sin(7 * at[0])[:, None] * np.cos(5 * at[1])[:, None, None] * np.ones(3, np.float32)
        )
        again = quantize_again(latents, planes, residual)
        assert again.step == float(np.float32(again.step))
        assert (again.step, again.pitch, again.down) == (latents.step, latents.pitch, latents.down)
        assert np.square(planes_at(again, *at) - planes - residual).mean() < 0.01 * np.square(residual).mean()

        for trials, rough in ((1, 0.25), (9, 0.1)):
            fewer = quantize_again(latents, planes, residual, 30000, trials)
            assert fewer.step > latents.step
            taken = encode_latents(fewer).bytes * 8 + encode_latents(fewer).tables.frequencies.size * 10
            assert taken == pytest.approx(30000, rel=rough)


def test_codes_are_spent_where_the_detail_is() -> None:
    picture = np.full((256, 256, 3), 128, np.uint8)
    picture[:128, :128] = blocks(16, 16, 8)
    spent = np.abs(latents_of(picture, 6000).codes).sum((0, 3, 4))
    assert spent[:8, :8].sum() > 20 * spent[10:, 10:].sum()


@pytest.mark.parametrize("sampled", [2**20, 2**14])
@pytest.mark.parametrize(("cell", "pitch"), [(4, 32), (64, 16)])
def test_the_pitch_is_taken_that_shows_more(
    cell: int, pitch: int, sampled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anir_toolchain.rate_distortion._SAMPLED", sampled)
    picture = blocks(256 // cell, 256 // cell, cell, seed=1)
    candidates = analyse(picture)
    errors = {c.values.shape[-1]: _error(quantized([c], 20000), picture) for c in candidates}
    assert min(errors, key=lambda each: errors[each]) == pitch
    assert quantized(candidates, 20000).pitch == pitch


def test_a_picture_of_one_colour_takes_next_to_nothing() -> None:
    latents = latents_of(np.full((48, 64, 3), (200, 30, 90), np.uint8), 20000)
    assert not latents.codes.any()
    assert encode_latents(latents).bytes == 4 * len(encode_latents(latents).states)


def test_networks_of_few_bits_reach_farther() -> None:
    with ThreadPoolExecutor(1) as pool:
        few, many = quantize_picture(analyse(waves(96, 64)), [0.15 * 96 * 64, 0.3 * 96 * 64], pool)
    assert (few.reach, many.reach) == (2, 1)
