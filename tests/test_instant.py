import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from anir_runtime.errors import AnirError
from anir_toolchain import Config, fit
from anir_toolchain.anir_export import export_anir, export_instant
from anir_toolchain.instant import instant_levels, instant_space, training_would_help
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.levels import level_order
from anir_toolchain.space import Space
from numpy.typing import NDArray

from bench.drawings import page
from tests.lapped_pictures import blocks, waves

TRAIN = """
import sys
from anir_runtime import commands
assert commands.train() == 0
assert "torch" not in sys.modules
"""
"""Code that runs `anir-train` and checks that torch was not imported."""


def test_only_common_networks_need_no_training() -> None:
    picture = waves(96, 64)
    space = instant_space(Config(), picture)
    assert space == Config().space(96, 64)
    assert instant_space(Config(widths=(20,)), picture) == Space((2, 3, 4, 5), (20,))
    assert instant_space(Config(preset="fast", widths=(13,)), picture) is None
    assert instant_space(Config(preset="fast", steps=9), picture) is None
    assert instant_space(Config("siren"), picture) is None
    with pytest.raises(AnirError, match="no preset"):
        instant_space(Config(preset="soon"), picture)


@pytest.mark.parametrize("preset", ["fast", "balanced", "best"])
def test_networks_are_trained_for_text_alone(preset: str) -> None:
    config = Config(preset=preset)
    assert instant_space(config, waves(730, 548)) == config.space(730, 548)
    assert instant_space(config, page(730, 548)) is None
    # In so small a file no networks of its own are worth their bytes.
    assert instant_space(config, page(200, 120)) is not None


def test_training_would_help_text_and_only_if_there_is_none() -> None:
    assert training_would_help(Config(), page(384, 256))
    assert not training_would_help(Config(preset="fast"), page(384, 256))
    assert not training_would_help(Config("siren"), page(384, 256))
    assert not training_would_help(Config(), waves(384, 256))
    assert not training_would_help(Config(), np.zeros((300, 1, 1), np.uint8))


@pytest.mark.parametrize("colours", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (3000, 2), (16, 700), (1700, 1300)])
def test_pictures_of_all_shapes_have_an_estimate(size: tuple[int, int], colours: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], colours), dtype=np.uint8)
    assert instant_space(Config(preset="fast"), noise) is not None
    assert instant_space(Config(preset="fast"), np.zeros_like(noise)) is not None


@pytest.mark.parametrize(
    ("picture", "config"),
    [
        (waves(200, 150), Config()),
        (waves(200, 150), Config(depths=(3,), widths=(24,))),
        (waves(200, 150), Config(preset="fast", depths=(2, 5))),
        (blocks(3, 2, 40), Config(preset="balanced", depths=(3,), widths=(24,))),
        (blocks(2, 1, 4), Config()),
        (waves(90, 60)[..., :1], Config()),
        (waves(4, 200), Config()),
    ],
    ids=str,
)
def test_the_instant_file_is_that_of_the_model(
    picture: NDArray[np.uint8], config: Config, tmp_path: Path
) -> None:
    space = instant_space(config, picture)
    assert space is not None
    export_instant(picture, space, 4, tmp_path / "at_once.anir", config.schedule().rounds)
    export_anir(fit(picture, config), tmp_path / "of_model.anir")
    assert (tmp_path / "at_once.anir").read_bytes() == (tmp_path / "of_model.anir").read_bytes()


def test_levels_come_in_order_with_networks_of_their_sizes() -> None:
    picture, space = waves(200, 150), Space((2, 3), (20, 24))
    levels = list(instant_levels(picture, analyse(picture, 16), space, 8))
    assert [level.network.name for level in levels] == [subnet.name for subnet in level_order(space)]
    assert {level.network.bits for level in levels} == {8}
    widths = [level.step.width for level in levels]
    assert widths == sorted(widths, reverse=True)


def test_instant_training_does_not_import_torch(picture: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.anir"
    # The second run finds the finished file; it must not import torch, either.
    for _ in range(2):
        arguments = [sys.executable, "-c", TRAIN, str(picture), "-o", str(target)]
        subprocess.run(arguments, check=True, capture_output=True)
    assert target.stat().st_size > 100


def test_an_error_in_the_search_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AnirError("no room")

    monkeypatch.setattr("anir_toolchain.embedding._coded_within", fail)
    with pytest.raises(AnirError, match="no room"):
        fit(waves(64, 48))
