import pytest
from anir_runtime.errors import AnirError
from anir_toolchain.presets import PRESETS, Preset, preset

SHORT = Preset(steps=200, batch=256, rate=0.02, soften=0.5, settle=0.9)


def test_phases_follow_one_another() -> None:
    assert [SHORT.phase(step) for step in (0, 99, 100, 179, 180, 200)] == [
        "fit",
        "fit",
        "soften",
        "soften",
        "settle",
        "settle",
    ]
    assert [SHORT.softening(step) for step in (50, 100, 140, 180, 200)] == pytest.approx([0, 0, 0.5, 1, 1])
    # Two thirds of the phase `fit` is 66.7 steps.
    assert [SHORT.frequencies_are_frozen(step) for step in (0, 66, 67, 200)] == [False, False, True, True]


def test_the_learning_rate_warms_up_and_falls_to_almost_zero() -> None:
    rates = [SHORT.learning_rate(step) for step in range(1, 201)]
    assert rates[0] == pytest.approx(0.02 / 50, rel=0.05)
    peak = rates.index(max(rates)) + 1
    assert peak == 50
    assert rates[99] == pytest.approx(0.01, rel=0.01)
    assert rates[-1] == pytest.approx(1e-5)


def test_presets_are_in_order_of_their_steps() -> None:
    assert (
        preset("instant").steps == 0 < preset("fast").steps < preset("balanced").steps < preset("best").steps
    )
    assert all(own.soften < own.settle < 1 for own in PRESETS.values())
    with pytest.raises(AnirError, match="no preset 'slow'; there are instant, fast, balanced, best"):
        preset("slow")
