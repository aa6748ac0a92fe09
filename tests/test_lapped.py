import numpy as np
import onnxruntime as ort
import pytest
from anir_toolchain.graph import Graph
from anir_toolchain.lapped import Latents, analyse, choose, emit
from numpy.typing import NDArray
from onnx import TensorProto, helper


def _picture(width: int, height: int) -> NDArray[np.uint8]:
    """Waves that grow finer to the right, in one colour more than in the others."""
    y, x = np.mgrid[:height, :width]
    waves = np.sin(x**2 / width / 4 + y / 9)
    return np.stack([128 + 100 * waves, 128 + 60 * waves, np.full_like(waves, 90)], axis=-1).astype(np.uint8)


def _error(latents: Latents, picture: NDArray[np.uint8]) -> float:
    """Mean squared error of the best linear map from planes to colours."""
    height, width, _ = picture.shape
    planes = latents.planes((width, height)).reshape(3, -1).T
    rows = np.concatenate([planes, np.ones((len(planes), 1))], axis=1)
    colours = picture.reshape(-1, 3).astype(float)
    return float(((rows @ np.linalg.lstsq(rows, colours, rcond=None)[0] - colours) ** 2).mean())


@pytest.mark.parametrize("size", [(96, 64), (101, 35), (16, 16), (5, 3), (1, 1), (1, 40)])
def test_with_bits_to_spare_a_picture_comes_back(size: tuple[int, int]) -> None:
    picture = _picture(*size)
    latents = choose(analyse(picture), 80 * 64 * (size[0] // 16 + 1) * (size[1] // 16 + 1) * 8)
    assert latents.codes.shape[1:3] == (-(-size[1] // 16), -(-size[0] // 16))
    assert _error(latents, picture) < 3


def test_it_takes_the_bits_that_it_may_take_and_more_bits_show_more() -> None:
    picture = (
        np.random.default_rng(0).integers(0, 256, (24, 36, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    )
    errors = []
    for bits in (8000, 16000, 32000):
        latents = choose(analyse(picture), bits)
        tables = latents.stream.tables.frequencies.size * 10
        assert latents.stream.bytes * 8 + tables == pytest.approx(bits, rel=0.08)
        errors.append(_error(latents, picture))
    assert errors[0] > 1.3 * errors[1] > 1.3**2 * errors[2]


def test_in_a_large_picture_some_rows_of_cells_tell_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = (
        np.random.default_rng(0).integers(0, 256, (64, 48, 3)).repeat(4, 0).repeat(4, 1).astype(np.uint8)
    )
    exact = choose(analyse(picture), 40000)
    monkeypatch.setattr("anir_toolchain.lapped._SAMPLED", 60)
    sampled = choose(analyse(picture), 40000)
    assert sampled.codes.shape[:3] == exact.codes.shape[:3] == (3, 16, 12)
    assert sampled.step != exact.step
    assert sampled.stream.bytes == pytest.approx(exact.stream.bytes, rel=0.15)


def test_codes_are_spent_where_the_detail_is() -> None:
    picture = np.full((256, 256, 3), 128, np.uint8)
    picture[:128, :128] = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).repeat(8, 0).repeat(8, 1)
    spent = np.abs(choose(analyse(picture), 6000).codes).sum((0, 3, 4))
    assert spent[:8, :8].sum() > 20 * spent[10:, 10:].sum()


def test_a_picture_of_one_colour_takes_next_to_nothing() -> None:
    latents = choose(analyse(np.full((48, 64, 3), (200, 30, 90), np.uint8)), 20000)
    assert not latents.codes.any()
    assert latents.stream.bytes <= 8


def test_the_graph_gives_the_planes_where_they_are_asked_for() -> None:
    latents = choose(analyse(_picture(101, 35)), 12000)
    assert np.abs(latents.codes).max() > 8
    x = np.linspace(-1.2, 1.2, 50, dtype=np.float32)
    y = np.linspace(-1.1, 1.3, 40, dtype=np.float32)
    graph = Graph()
    columns = graph.op("Unsqueeze", "x", graph.integers(1))
    rows = graph.op("Unsqueeze", "y", graph.integers(1, 2))
    graph.rename_output(emit(graph, latents, (101, 35), columns, rows, channels=7), "out")
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy"]
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, None, 7])]
    session = ort.InferenceSession(graph.model(inputs, outputs, {}).SerializeToString())
    (got,) = session.run(["out"], {"x": x, "y": y})

    planes = latents.planes((101, 35))
    at = [((axis + 1) * n - 1) / 2 for axis, n in ((x, 101), (y, 35))]
    left, top = (np.clip(place, 0, n - 1) for place, n in zip(at, (101, 35), strict=True))
    i, j = np.floor(top).astype(int), np.floor(left).astype(int)
    down, right = np.minimum(i + 1, 34), np.minimum(j + 1, 100)
    v, u = (top - i)[:, None], (left - j)[None]
    upper = planes[:, i][:, :, j] * (1 - u) + planes[:, i][:, :, right] * u
    lower = planes[:, down][:, :, j] * (1 - u) + planes[:, down][:, :, right] * u
    want = upper * (1 - v) + lower * v
    assert np.abs(got[..., :3] - want.transpose(1, 2, 0)).max() < 1e-3 * np.abs(planes).max()
    assert not got[..., 3:].any()
