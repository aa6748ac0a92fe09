import numpy as np
import onnxruntime as ort
import torch
from anir_toolchain.graph import Graph
from anir_toolchain.pyramid import Pyramid, sample
from anir_toolchain.rans import encode
from onnx import TensorProto, helper

SMALL = Pyramid((3, 2), 24, 16)


def test_levels_double_in_whole_cells_of_the_coarsest() -> None:
    pyramid = Pyramid.of((6, 4, 3, 2), (768, 512), 1e6)
    assert pyramid.shapes == [(6, 32, 48), (4, 64, 96), (3, 128, 192), (2, 256, 384)]
    assert pyramid.latents == 6 * 1536 + 4 * 6144 + 3 * 24576 + 2 * 98304
    assert Pyramid.of((6, 4), (1, 1), 1e6).shapes == [(6, 1, 1), (4, 2, 2)]
    assert Pyramid.of((6, 4), (300, 10), 1e6).shapes == [(6, 2, 75), (4, 4, 150)]


def test_levels_for_which_there_are_next_to_no_bits_are_left_out() -> None:
    latents = Pyramid.of((6, 4, 3), (768, 512), 1e6).latents
    assert len(Pyramid.of((6, 4, 3), (768, 512), latents / 8).channels) == 3
    coarser = Pyramid.of((6, 4, 3), (768, 512), latents / 8 - 1)
    assert coarser.shapes == [(6, 64, 96), (4, 128, 192)]
    assert Pyramid.of((6, 4, 3), (768, 512), 0).shapes == [(6, 64, 96)]


def test_latents_stand_by_level_and_channel() -> None:
    latents = torch.arange(float(SMALL.latents))
    assert [level.shape for level in SMALL.levels(latents)] == SMALL.shapes
    assert torch.equal(torch.cat(SMALL.planes(latents)), latents)
    assert [len(plane) for plane in SMALL.planes(latents)] == [96] * 3 + [384] * 2
    steps = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    coarse, fine = SMALL.grids(torch.ones(SMALL.latents), steps)
    assert coarse.mean((1, 2)).tolist() == [1, 2, 3]
    assert fine.mean((1, 2)).tolist() == [4, 5]


def test_the_graph_draws_what_torch_samples() -> None:
    generator = torch.Generator().manual_seed(1)
    codes = torch.randint(-8, 8, (SMALL.latents,), generator=generator).to(torch.int8)
    steps = torch.rand(5, generator=generator)
    # Beyond the borders, too.
    x, y = torch.linspace(-1.2, 1.2, 50), torch.linspace(-1.1, 1.3, 40)

    graph = Graph()
    columns = graph.op("Unsqueeze", "x", graph.integers(1))
    rows = graph.op("Unsqueeze", "y", graph.integers(1, 2))
    stream = encode([plane.numpy() for plane in SMALL.planes(codes)])
    graph.rename_output(SMALL.emit(graph, stream, steps, columns, rows, channels=7), "out")
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy"]
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, None, 7])]
    session = ort.InferenceSession(graph.model(inputs, outputs, {}).SerializeToString())
    (got,) = session.run(["out"], {"x": x.numpy(), "y": y.numpy()})

    grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
    want = sample(SMALL.grids(codes.float(), steps), grid_x.reshape(-1), grid_y.reshape(-1))
    assert np.abs(got[..., :5].reshape(-1, 5) - want.numpy()).max() < 1e-4
    assert not got[..., 5:].any()
