from pathlib import Path

import numpy as np
import pytest
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.decoder import Crop, Decoder
from anir_runtime.engine import _Matrices, make_engine, open_file, prepared
from anir_runtime.smooth import Smooth, points_needed
from anir_toolchain.export import build
from anir_toolchain.space import Subnet

from tests.pixels import assert_same_pixels
from tests.random_model import random_model
from tests.test_rewrite import rewritten


def _file(family: str, subnet: Subnet) -> bytes:
    return build(random_model(family), subnet).SerializeToString()


def _smooth(family: str, subnet: Subnet) -> Smooth | None:
    return rewritten(_file(family, subnet)).smooth


def _kinds(smooth: Smooth) -> list[str]:
    return [node.kind for node in smooth.part]


def test_a_siren_is_smooth_up_to_its_second_sines_and_a_filter_network_up_to_its_picture() -> None:
    siren, fourier = _smooth("siren", Subnet(5, 48)), _smooth("fourier", Subnet(5, 48))
    assert siren
    assert _kinds(siren) == ["MatMul", "Reshape", "Gemm"]
    assert siren.channels == 48
    assert fourier
    assert _kinds(fourier).count("Gemm") == 5
    assert _kinds(fourier).count("Mul") == 4
    assert fourier.channels == 3
    assert len(siren.ends) == len(fourier.ends) == 1


def test_cells_of_local_cosines_are_not_smooth() -> None:
    assert _smooth("lapped", Subnet(3, 48)) is None


def test_degrees_add_up_from_bank_to_bank() -> None:
    sharp = np.array([1.0, 0.5, 0.1])
    for depth in (2, 5):
        own = rewritten(_file("fourier", Subnet(depth, 48)))
        assert own.smooth
        inputs = {name: sharp for product in own.products for name in product.across}
        sizes = {name: 1.0 for product in own.products for name in product.down}
        assert points_needed(own.smooth, inputs, sizes) == 2 * depth + 1
        # What is too faint matters once it is multiplied with what is large.
        faint = {name: np.array([1.0, 1e-9]) for name in inputs}
        assert points_needed(own.smooth, faint, sizes) == 1
        assert points_needed(own.smooth, faint, dict.fromkeys(sizes, 1000000000.0)) == depth + 1


# Of several tiles, the last ones cut short; enlarged; a part.
@pytest.mark.parametrize("scale", [1.0, 3.0])
@pytest.mark.parametrize(("subnet"), [Subnet(2, 16), Subnet(5, 48)])
@pytest.mark.parametrize("family", ["siren", "fourier", "gabor"])
def test_few_points_give_the_pixels_of_all(family: str, subnet: Subnet, scale: float) -> None:
    data = prepared(_file(family, subnet))
    engine = make_engine(data, open_file(data))
    assert isinstance(engine, _Matrices)
    x, y = axis_coordinates(601) / np.float32(scale), axis_coordinates(403) / np.float32(scale)
    assert engine._interpolated
    draw = engine._interpolated.start(x, y)
    assert draw
    engine._interpolated = None
    direct = engine.start(x, y)
    for rows in (slice(100, 333), slice(0, 64), slice(333, 403)):
        assert_same_pixels(draw(rows), direct(rows))


# Bands of a task may be longer than equal parts of the whole would be.
@pytest.mark.parametrize("height", [65, 70, 100, 130])
@pytest.mark.parametrize("family", ["siren", "fourier", "gabor"])
def test_low_pictures(family: str, height: int, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(_file(family, Subnet(2, 16)))
    decoder = Decoder(path, threads=1)
    engine = decoder._engine
    assert isinstance(engine, _Matrices)
    size, crop = (500, height), Crop(10, 10, 40, 20)
    assert engine._interpolated
    assert engine._interpolated.start(axis_coordinates(96, 500, 10, 40), axis_coordinates(64, height, 10, 20))
    got = decoder.decode(size, crop)
    engine._interpolated = None
    assert_same_pixels(got, decoder.decode(size, crop))


def test_what_is_too_rough_for_few_points_is_drawn_pixel_by_pixel() -> None:
    data = prepared(_file("siren", Subnet(2, 16)))
    engine = make_engine(data, open_file(data))
    assert isinstance(engine, _Matrices)
    assert engine._interpolated
    far = axis_coordinates(200) * 300
    assert engine._interpolated.start(far, far) is None
    assert engine.start(far, far)(slice(0, 200)).shape == (200, 200, 3)
