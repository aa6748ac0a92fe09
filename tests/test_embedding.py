from itertools import pairwise

import numpy as np
import pytest
from anir_runtime.anir_file import AnirFile
from anir_runtime.anir_header import Header
from anir_runtime.lapped_transform import coefficients
from anir_runtime.level_step import LEAST_WIDTH, LevelStep
from anir_toolchain.anir_writer import AnirWriter
from anir_toolchain.embedding import UNIT, Refined, encode_levels, in_units, refined_after, reproducing

from tests.random_network import COLOURS, random_network

SIZE = 160, 96
ENDS = 300, 700, 1500, 3500


def values(seed: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    """Returns random coefficients [3, 6, 10, 16, 16] that decrease with frequency."""
    random = np.random.default_rng(seed)
    fall = 3 / (1 + np.add.outer(np.arange(16), np.arange(16))) ** 2
    cells = random.gamma(0.5, 1, (3, 6, 10, 1, 1))
    return random.laplace(size=(3, 6, 10, 16, 16)) * fall * cells


def real(level: Refined) -> np.ndarray:  # type: ignore[type-arg]
    """Returns a level's coefficients in the scale of the orthonormal transform."""
    return coefficients(level.latents()) * 8 * level.step.width * UNIT


def test_levels_fit_into_their_bytes_and_errors_fall() -> None:
    wanted = values()
    levels = encode_levels(in_units([wanted], wanted.shape[1]), ENDS, [1, 1, 2, 2])
    errors, reaches = [], []
    for level, end in zip(levels, ENDS, strict=True):
        assert 0.96 * end < level.end <= end
        own = real(level)
        shown = np.zeros_like(wanted)
        order = own.shape[2]
        shown[..., :order, :order] = own.transpose(0, 1, 3, 2, 4)
        errors.append(float(np.square(shown - wanted).mean()))
        reaches.append(level.step.reach)
    assert all(later < 0.8 * earlier for earlier, later in pairwise(errors))
    assert reaches == [1, 1, 2, 2]


def test_errors_after_the_last_level_are_within_its_width() -> None:
    wanted = values()
    levels = encode_levels(in_units([wanted], wanted.shape[1]), [20000], [1])
    level = next(levels)
    own = real(level)
    order = own.shape[2]
    error = np.abs(own.transpose(0, 1, 3, 2, 4) - wanted[..., :order, :order])
    # A significant coefficient lies in an interval shorter than 1½ widths; its value is near the middle.
    assert (
        error[np.abs(wanted[..., :order, :order]) > 8 * level.step.width * UNIT].max()
        < 1.7 * level.step.width * UNIT
    )


def test_a_written_file_has_the_embedded_levels() -> None:
    target = in_units([values()], 6)
    levels = [(own.step, own.latents()) for own in encode_levels(target, ENDS, [1, 1, 2, 2])]
    writer = AnirWriter(Header("lapped", SIZE, 3, 4, 16, (), 0), 1 << 16)
    writer.begin(target, COLOURS)
    for k, (step, _) in enumerate(levels):
        writer.refine(step)
        writer.add(random_network("lapped", 2, 8 + k, SIZE), step.width)
    file = AnirFile(writer.finish([(20.0, 21.0, 22.0)] * len(levels)))
    for k, (_, latents) in enumerate(levels):
        read = file.network(k).latents
        assert read is not None
        assert np.array_equal(read.codes, latents.codes)
        assert np.array_equal(read.magnitudes, latents.magnitudes)


def test_levels_of_noise_fit_into_their_bytes_or_have_the_least_width() -> None:
    noise = np.random.default_rng(0).normal(scale=3, size=(3, 6, 10, 16, 16))
    levels = list(encode_levels(in_units([noise], 6), [5000, 10**6], [1, 1]))
    assert 4500 < levels[0].end <= 5000
    assert levels[1].step.width == LEAST_WIDTH
    assert levels[1].end > 1.2 * noise.size


@pytest.mark.parametrize("shape", [(1, 1), (8, 9), (3, 17)])
def test_dc_coefficients_are_recovered_from_their_transform(shape: tuple[int, int]) -> None:
    wanted = np.zeros((3, *shape, 16, 16))
    wanted[..., 0, 0] = np.random.default_rng(0).normal(size=(3, *shape))
    levels = encode_levels(in_units([wanted], wanted.shape[1]), [50000], [1])
    level = next(levels)
    own = real(level)[:, :, 0, :, 0]
    assert np.abs(own - wanted[..., 0, 0]).max() < 8 * level.step.width * UNIT


def test_the_coefficients_of_the_last_level_are_encoded_as_the_levels_were() -> None:
    random = np.random.default_rng(0)
    target = random.laplace(0, 300, (11, 19, 3, 16, 16)).astype(np.int32)
    # Those of white and black: a wrong cosine would move them by more than the last level's width.
    target[..., 0, 0] = random.integers(-1_000_000, 1_000_000, target.shape[:3])
    steps = [LevelStep(width, 1) for width in (3000, 900, 300, LEAST_WIDTH)]
    levels = [(own.end, own.values.copy()) for own in refined_after(target, steps)]
    again = refined_after(reproducing(levels[-1][1]), steps)
    for own, (end, known) in zip(again, levels, strict=True):
        assert own.end == end
        np.testing.assert_array_equal(own.values, known)
