import numpy as np
import pytest
from anir_runtime.coder import Coder
from anir_runtime.decoder import Decoder
from anir_runtime.steps import code_step, factor
from anir_toolchain.cell_sample import CellSample
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.levels import in_order

from tests.random_model import random_model


@pytest.mark.parametrize(("size", "colours"), [((100, 70), 3), ((96, 64), 1), ((81, 130), 4)])
def test_cells_show_what_the_picture_shows(size: tuple[int, int], colours: int) -> None:
    model = random_model("lapped", size=size, colours=colours)
    image = model.image.numpy()
    sample = CellSample(image)
    rows, columns = (n // 16 - 2 for n in size[::-1])
    assert sample.pixels.shape == (16 * rows * columns, 16, colours)
    assert np.array_equal(sample.pixels[:16], image[16:32, 16:32])
    wanted = analyse(image).coefficients
    coder = Coder(*wanted.shape[:4])
    coder.encode(wanted.size, wanted)
    before = None
    for subnet, step in zip(in_order(model.space), model.steps, strict=True):
        code_step(coder, before, step)
        coder.level(step.width, factor(before))
        before = step
        whole = Decoder(model.network(subnet)).decode()
        cells = [
            whole[16 * r : 16 * r + 16, 16 * c : 16 * c + 16]
            for r in range(1, 1 + rows)
            for c in range(1, 1 + columns)
        ]
        drawn = sample.drawn(model, subnet, sample.near(coder.values()), step)
        assert np.abs(np.concatenate(cells).astype(int) - drawn).max() <= 1
