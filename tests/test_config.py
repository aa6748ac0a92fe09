from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from anir_runtime.errors import AnirError
from anir_toolchain import Config
from anir_toolchain.presets import PRESETS
from anir_toolchain.space import Space


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (Config(family="no-such-family"), "no family 'no-such-family'"),
        (Config(bits=5), "choose 4 or 8"),
        (Config(preset="slow"), "there are instant, fast, balanced, best"),
        (Config(steps=0), "take 1 or more"),
        (Config(device="tpu"), "there are auto, cpu, cuda"),
    ],
)
def test_invalid_configurations_are_refused(config: Config, words: str) -> None:
    with pytest.raises(AnirError, match=words):
        config.check()


def test_invalid_depths_and_widths_are_refused() -> None:
    with pytest.raises(AnirError, match="must rise"):
        Config("siren", depths=(3, 2)).space(96, 64)
    with pytest.raises(AnirError, match="widths of at least 4"):
        Config("lapped", preset="fast", widths=(2, 8)).space(96, 64)
    # A `lapped` network needs one channel for each colour plane, and one for the constant.
    assert Config("lapped", preset="fast", widths=(2, 8)).space(96, 64, colours=1).widths == (2, 8)
    with pytest.raises(AnirError, match="widths of at least 5"):
        Config("lapped", preset="fast", widths=(4, 8)).space(96, 64, colours=4)


def test_default_depths_and_widths_suit_the_picture_and_the_family() -> None:
    assert Config("siren").space(768, 512) == Space.default(768, 512)
    assert Config().space(768, 512).widths == Config().space(96, 64).widths == (20, 24, 28, 32)
    assert Config().space(96, 64, colours=1).widths == (18, 22, 26, 30)
    assert Config().space(96, 64, colours=4).widths == (21, 25, 29, 33)
    assert Config("siren", depths=(2,), widths=(9,)).space(768, 512) == Space((2,), (9,))


def test_numbers_of_any_type_are_plain_ones_in_a_configuration() -> None:
    sizes: Any = (np.array([2, 3]), [np.int8(20), 24])
    config = Config(np.str_("siren"), np.int64(8), "fast", *sizes, np.int64(3), steps=np.int64(5))  # type: ignore[arg-type]
    assert config == Config("siren", 8, "fast", (2, 3), (20, 24), 3, steps=5)
    numbers = (config.bits, config.seed, config.steps, *(config.depths or ()), *(config.widths or ()))
    assert {type(own) for own in numbers} == {int}
    assert type(config.family) is str


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widths": (20.0, 24.0)}, r"widths: \(20.0, 24.0\) are not whole numbers"),
        ({"depths": 2}, "depths: 2 are not whole numbers"),
        ({"seed": "x"}, "seed: x is not a whole number"),
        ({"steps": 2.5}, "steps: 2.5 is not a whole number"),
    ],
)
def test_other_values_are_refused_at_once(values: dict[str, Any], message: str) -> None:
    with pytest.raises(AnirError, match=message):
        Config(**values)


def test_networks_that_are_not_common_have_to_be_trained() -> None:
    config = Config(depths=(2, 5), widths=(22, 30))
    assert config.space(96, 64, colours=1) == Space((2, 5), (22, 30))
    words = r"instant does not train, and d2w22 is no common network of 3 .* d2,3,4,5w20,24,28,32 are"
    with pytest.raises(AnirError, match=words):
        config.space(96, 64)
    assert replace(config, preset="fast").space(96, 64) == Space((2, 5), (22, 30))
    assert replace(config, steps=3).space(96, 64) == Space((2, 5), (22, 30))


def test_steps_override_those_of_the_preset() -> None:
    assert Config(preset="best").schedule() == PRESETS["best"]
    fewer = Config(preset="best", steps=70).schedule()
    assert (fewer.steps, fewer.batch, fewer.rate) == (70, 8192, PRESETS["best"].rate)


def test_more_steps_than_the_preset_lower_the_peak_rate_unless_8_bit_networks_are_shallow() -> None:
    own = PRESETS["best"]
    longer = Config(preset="best", steps=16 * own.steps)
    lowered = replace(own, steps=16 * own.steps, rate=own.rate / 2)
    assert longer.schedule() == lowered
    assert replace(longer, depths=(2, 3)).schedule() == lowered
    assert replace(longer, bits=8).schedule() == lowered
    assert replace(longer, bits=8, depths=(2, 4)).schedule() == lowered
    assert replace(longer, bits=8, depths=(2, 3)).schedule().rate == own.rate


def test_a_missing_device_is_refused() -> None:
    assert Config(device="cpu").torch_device() == torch.device("cpu")
    if not torch.cuda.is_available():
        assert Config().torch_device() == torch.device("cpu")
        with pytest.raises(AnirError, match="no CUDA device"):
            Config(device="cuda").check()
