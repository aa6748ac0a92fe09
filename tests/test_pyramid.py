import numpy as np
import onnxruntime as ort
import pytest
import torch
from anir_toolchain.graph import Graph
from anir_toolchain.pyramid import BLOCK, Pyramid, sample
from onnx import TensorProto, helper

SMALL = Pyramid((3, 2), 24, 16)


def test_levels_double_and_blocks_are_whole() -> None:
    pyramid = Pyramid.of((6, 4, 3, 2), (768, 512), 20_000)
    assert pyramid.shapes == [(6, 16, 24), (4, 32, 48), (3, 64, 96), (2, 128, 192)]
    assert pyramid.latents == 6 * 384 + 4 * 1536 + 3 * 6144 + 2 * 24576
    assert pyramid.blocks * BLOCK**2 == pyramid.latents
    for size in ((1, 1), (37, 5), (3000, 100)):
        assert all(h % BLOCK == w % BLOCK == 0 for _, h, w in Pyramid.of((6, 4, 3), size, 100).shapes)


def test_levels_of_which_next_to_nothing_would_be_kept_are_left_out() -> None:
    of = Pyramid.of((6, 4, 3, 2), (768, 512), 8000)
    assert of.shapes == [(6, 16, 24), (4, 32, 48), (3, 64, 96)]
    assert Pyramid.of((6, 4, 3, 2), (768, 512), 1).shapes == [(6, 16, 24)]


def test_what_is_gathered_is_scattered_to_its_place_and_the_rest_is_zero() -> None:
    generator = torch.Generator().manual_seed(0)
    latents = torch.rand(SMALL.latents, generator=generator) + 1
    kept = torch.rand(SMALL.blocks, generator=generator) > 0.5
    values = SMALL.gather(latents, kept)
    assert values.shape == (16, kept.sum())
    assert torch.equal(SMALL.scatter(values, kept), latents * SMALL.spread_blocks(kept.float()))


def test_sums_go_by_block_and_by_channel() -> None:
    ones = torch.ones(SMALL.latents)
    assert SMALL.block_sums(ones).tolist() == [16] * SMALL.blocks
    assert SMALL.per_channel(ones).tolist() == [8 * 12] * 3 + [16 * 24] * 2
    marked = SMALL.spread_blocks(torch.arange(SMALL.blocks).float())
    assert (SMALL.block_sums(marked) / 16).tolist() == list(range(SMALL.blocks))
    assert SMALL.per_channel(SMALL.per_latent(torch.arange(5.0))).tolist() == [0, 96, 192, 1152, 1536]


# 66 and 48 blocks: the bits do not fill their last byte, or do.
@pytest.mark.parametrize("pyramid", [SMALL, Pyramid((4, 1), 24, 16)])
def test_the_graph_draws_what_torch_samples(pyramid: Pyramid) -> None:
    generator = torch.Generator().manual_seed(1)
    kept = torch.rand(pyramid.blocks, generator=generator) > 0.5
    codes = torch.randint(-8, 8, (16, int(kept.sum())), generator=generator).to(torch.int8)
    scale = torch.rand(5, generator=generator)
    # Beyond the borders, too.
    x, y = torch.linspace(-1.2, 1.2, 50), torch.linspace(-1.1, 1.3, 40)

    graph = Graph()
    columns = graph.op("Unsqueeze", "x", graph.integers(1))
    rows = graph.op("Unsqueeze", "y", graph.integers(1, 2))
    features = pyramid.emit(graph, graph.int4(codes.numpy()), scale, kept)
    graph.rename_output(pyramid.emit_sample(graph, features, columns, rows, channels=7), "out")
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy"]
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, None, 7])]
    session = ort.InferenceSession(graph.model(inputs, outputs, {}).SerializeToString())
    (got,) = session.run(["out"], {"x": x.numpy(), "y": y.numpy()})

    latents = pyramid.scatter(codes.float(), kept) * pyramid.per_latent(scale)
    grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
    want = sample(pyramid.features(latents), grid_x.reshape(-1), grid_y.reshape(-1))
    assert np.abs(got[..., :5].reshape(-1, 5) - want.numpy()).max() < 1e-4
    assert not got[..., 5:].any()
