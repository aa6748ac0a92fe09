import math
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from anir_runtime import Decoder
from anir_runtime.anir_file import AnirFile
from anir_runtime.level_step import LevelStep
from anir_runtime.network import Network
from anir_toolchain import Config, fit
from anir_toolchain import levels_by_synthesis as synthesis
from anir_toolchain.anir_export import export_anir
from anir_toolchain.checkpoint import load_model, save_model
from anir_toolchain.embedding import refined_after
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.levels import LevelNetwork, level_order
from anir_toolchain.levels_by_synthesis import _encoded, _mixed, levels_by_synthesis
from anir_toolchain.metrics import psnr
from anir_toolchain.space import Space

from tests.lapped_pictures import dead_leaves, waves

SPACE = Space((2, 5), (20, 24, 28, 32))


def test_rounds_make_levels_better_for_their_bytes(tmp_path: Path) -> None:
    picture, gains = dead_leaves(384, 256, seed=1), []
    for preset in ("instant", "fast"):
        model = fit(picture, Config("lapped", preset=preset, device="cpu"))
        header = export_anir(model, tmp_path / "a.anir")
        data = (tmp_path / "a.anir").read_bytes()
        drawn = [(level.end, Decoder(data[: level.end]).decode()) for level in header.levels]
        gains.append(np.mean([psnr(own, picture) - 4.5 * math.log(end) for end, own in drawn]))
    assert gains[1] > gains[0] + 0.015


def test_a_model_and_its_files_have_the_same_latents(tmp_path: Path) -> None:
    model = fit(waves(200, 150), Config("lapped", preset="fast", depths=SPACE.depths, device="cpu"))
    save_model(model, tmp_path / "a.pt")
    for own in (model, load_model(tmp_path / "a.pt")):
        header = export_anir(own, tmp_path / "a.anir")
        data = (tmp_path / "a.anir").read_bytes()
        for level, subnet in zip(header.levels, level_order(model.space), strict=True):
            latents, wanted = AnirFile(data[: level.end]).network().latents, own.latents(subnet)
            assert latents is not None
            assert wanted is not None
            np.testing.assert_array_equal(latents.codes, wanted.codes)
            np.testing.assert_array_equal(latents.magnitudes, wanted.magnitudes)


def test_the_coefficients_of_the_last_level_encode_all_levels() -> None:
    picture = waves(200, 150)
    analysis = analyse(picture, 16)
    _, left_out = _encoded(picture, analysis, SPACE, 4, ())
    encoded, _ = _encoded(picture, analysis, SPACE, 4, left_out)
    steps = [level.step for level in encoded.levels]
    chosen = refined_after(encoded.coefficients, steps)
    for own, wanted in zip(chosen, refined_after(analysis.coefficients, steps, left_out), strict=True):
        assert own.end == wanted.end
        np.testing.assert_array_equal(own.values, wanted.values)


def test_levels_leave_out_what_later_networks_add() -> None:
    network = Network("lapped", (16, 16), 4, {})
    levels = [LevelNetwork(LevelStep(width, 1), network) for width in (1000, 500, 250)]
    added = [np.full(1, own, np.int16) for own in (800, 400, 100)]
    left_out = [int(own[0]) for own in _mixed(levels, added)]
    # Shares of 0.4 / 4 and 0.4 / 2 of what the level's own network adds.
    assert left_out == [224, 160, 100]


def test_rounds_that_lose_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    picture, falling = waves(200, 150), count(0, -1)
    analysis = analyse(picture, 16)
    monkeypatch.setattr(synthesis, "psnr", lambda *_: next(falling))
    levels, chosen = levels_by_synthesis(picture, analysis, SPACE, 4, 1)
    plain, same = levels_by_synthesis(picture, analysis, SPACE, 4, 0)
    assert same is analysis
    steps = [level.step for level in levels]
    assert steps == [level.step for level in plain]
    for own, wanted in zip(
        refined_after(chosen.coefficients, steps), refined_after(analysis.coefficients, steps), strict=True
    ):
        np.testing.assert_array_equal(own.values, wanted.values)
