import pytest

from bench.rd import between, bjontegaard_deltas, curve, mean_points, pareto, within

POINTS = [(0.1, 25.0), (0.2, 27.0), (0.4, 29.0), (0.3, 26.5)]


def test_the_pareto_front_leaves_out_dominated_points() -> None:
    assert pareto(POINTS) == [(0.1, 25.0), (0.2, 27.0), (0.4, 29.0)]
    assert pareto([(0.1, 24.0), (0.1, 25.0)]) == [(0.1, 25.0)]


def test_the_best_point_within_a_rate_counts() -> None:
    assert within(POINTS, 0.3) == 27.0
    assert within(POINTS, 0.4) == 29.0
    assert within(POINTS, 0.09) is None


def test_the_curve_is_the_mean_of_each_pictures_best_point() -> None:
    other = [(0.15, 30.0), (0.35, 33.0)]
    # The curve begins at 0.15, as the other picture has no point below.
    assert curve([POINTS, other], within)[:2] == [(0.15, 27.5), (0.18, 27.5)]
    assert [bpp for bpp, _ in curve([POINTS, other], within)][-1] == 1.5


def test_codecs_are_interpolated_between_their_settings() -> None:
    assert between(POINTS, 0.15) == pytest.approx(26.0)
    assert between(POINTS, 0.3) == pytest.approx(28.0)
    assert between(POINTS, 0.09) is None
    assert between(POINTS, 0.41) is None


def test_points_of_the_same_setting_are_averaged() -> None:
    assert mean_points([[(0.1, 20.0), (0.3, 30.0)], [(0.3, 22.0), (0.5, 34.0)]]) == [
        (pytest.approx(0.2), 21.0),
        (pytest.approx(0.4), 32.0),
    ]


def test_a_curve_with_half_the_rate_has_a_bd_rate_of_minus_50_percent() -> None:
    anchor = [(0.1, 25.0), (0.2, 28.0), (0.4, 31.0), (0.8, 34.0)]
    halved = [(bpp / 2, psnr) for bpp, psnr in anchor]
    deltas = bjontegaard_deltas(anchor, halved)
    assert deltas is not None
    assert deltas["bd_rate_percent"] == pytest.approx(-50, abs=0.1)
    assert deltas["bd_psnr_db"] == pytest.approx(3, abs=0.05)


def test_curves_that_do_not_overlap_have_no_deltas() -> None:
    assert bjontegaard_deltas([(0.1, 30.0), (0.2, 31.0), (0.3, 32.0)], POINTS) is None
    assert bjontegaard_deltas(POINTS[:2], POINTS) is None
