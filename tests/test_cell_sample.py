import numpy as np
import pytest
from anir_runtime.coder import Coder
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.decoder import Decoder
from anir_runtime.level_step import LevelStep, code_level_step
from anir_toolchain.cell_sample import CellSample
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.lapped_synthesis import features_at
from anir_toolchain.levels import level_order
from numpy.typing import NDArray

from tests.lapped_pictures import waves
from tests.random_model import random_model


@pytest.mark.parametrize("pitch", [16, 32])
@pytest.mark.parametrize(("size", "colours"), [((100, 70), 3), ((96, 64), 1), ((81, 130), 4), ((40, 7), 3)])
def test_sampled_cells_are_the_same_as_in_the_whole_picture(
    size: tuple[int, int], colours: int, pitch: int
) -> None:
    model = random_model("lapped", size=size, colours=colours, pitch=pitch)
    image = model.image.numpy()
    sample = CellSample(image, pitch, image.size)
    # Partial cells are left out, unless all are partial: then they are continued by reflection.
    rows, columns = (max(1, n // pitch) for n in size[::-1])
    assert sample.pixels.shape == (pitch * rows * columns, pitch, colours)
    if columns > 1:
        own = image[:pitch, pitch : 2 * pitch]
        assert np.array_equal(sample.pixels[pitch : pitch + len(own)], own)
    x, y = (axis_coordinates(n) for n in size)
    wanted = analyse(image, pitch).coefficients
    coder = Coder(*wanted.shape[:4])
    coder.encode(wanted.size, wanted)
    before = None
    for subnet, step in zip(level_order(model.space), model.steps, strict=True):
        code_level_step(coder, before, step)
        coder.level(step.width)
        before = step
        network, near = model.network(subnet), sample.near([coder.values()])
        assert network.latents is not None

        def cells(whole: NDArray[np.generic]) -> list[NDArray[np.generic]]:
            return [
                whole[pitch * r : pitch * (r + 1), pitch * c : pitch * (c + 1)]
                for r in range(rows)
                for c in range(columns)
            ]

        drawn = sample.drawn(network, near, step).reshape(-1, pitch, pitch, colours)
        for own, got in zip(cells(Decoder(network).decode()), drawn, strict=True):
            assert np.abs(own.astype(int) - got[: len(own)]).max() <= 1
        seen = sample.seen(near, step, subnet.width, 1).reshape(len(drawn), pitch, pitch, -1)
        for own, got in zip(cells(features_at(network.latents, x, y, size, subnet.width)), seen, strict=True):
            np.testing.assert_allclose(got[: len(own)], own, atol=1e-3)


def test_sampled_cells_are_evenly_spread() -> None:
    image = np.arange(160 * 320, dtype=np.int64).reshape(160, 320, 1).astype(np.uint8)
    image[..., 0] = np.arange(160)[:, None] // 16 * 20 + np.arange(320) // 16
    assert np.unique(CellSample(image, 16, 160 * 320).pixels).tolist() == sorted(
        20 * row + column for row in range(10) for column in range(20)
    )
    some = CellSample(image, 16, 160 * 320 // 6).pixels[::16, 0, 0]
    assert some.tolist() == [20 * row + column for row in (0, 3, 6, 9) for column in range(0, 20, 2)]
    # Cells at the borders of blocks of 5 × 5 cells are left out.
    inner = CellSample(image, 16, 160 * 320, block=5).pixels[::16, 0, 0]
    assert inner.tolist() == [
        20 * row + column for row in range(10) for column in range(20) if {row % 5, column % 5} <= {1, 2, 3}
    ]


def test_features_can_be_taken_at_every_nth_pixel() -> None:
    picture = waves(96, 64)
    analysis, step = analyse(picture, 16), LevelStep(1000, 2)
    sample = CellSample(picture, 16, picture.size)
    near = sample.near([analysis.coefficients])
    every, all_ = (sample.seen(near, step, 32, n).reshape(4, -1, 31) for n in (5, 1))
    assert np.array_equal(every, all_[:, ::5])
    colours = sample.colours(5)
    assert len(colours) == every.shape[0] * every.shape[1]
    assert np.array_equal(np.rint(255 * colours[:4]), sample.pixels[0, [0, 5, 10, 15]])
