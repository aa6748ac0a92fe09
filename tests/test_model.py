import io

import numpy as np
import pytest
import torch
from anir_runtime import Decoder
from anir_runtime import families as runtime_families
from anir_runtime.coordinates import axis_coordinates
from anir_toolchain.families import families
from anir_toolchain.model import Quantized
from anir_toolchain.space import Subnet
from PIL import Image

from tests import reference
from tests.random_model import random_model

SIZE = (24, 16)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("name", sorted(families()))
def test_a_network_draws_the_same_as_the_model(name: str, bits: int) -> None:
    model = random_model(name, bits, SIZE)
    for subnet in (Subnet(2, 16), Subnet(4, 24)):
        network = model.network(subnet)
        assert (network.family, network.size, network.bits, network.name) == (name, SIZE, bits, subnet.name)
        x, y = (axis_coordinates(n) for n in SIZE)
        want = model.decode(subnet, torch.from_numpy(x), torch.from_numpy(y))
        np.testing.assert_allclose(reference.values(network, x, y), want.numpy(), atol=2e-4)


def test_notebooks_show_the_largest_subnet() -> None:
    model = random_model()
    shown = np.asarray(Image.open(io.BytesIO(model._repr_png_() or b"")))
    np.testing.assert_array_equal(shown, Decoder(model.network(model.space.largest)).decode())


@pytest.mark.parametrize("name", sorted(families()))
def test_tensors_have_the_types_and_shapes_of_the_format(name: str) -> None:
    network = random_model(name).network(Subnet(3, 24))
    listed = runtime_families.families()[name].shapes(3, 24, 3)
    assert network.tensors.keys() == listed.keys()
    for key, (types, shape) in listed.items():
        assert network.tensors[key].dtype.name in types
        assert network.tensors[key].shape == shape
    assert all(tensor.flags.c_contiguous for tensor in network.tensors.values())
    assert (network.latents is not None) == runtime_families.families()[name].has_latents


def test_no_weights_lead_to_the_channels_of_planes() -> None:
    weights = random_model("lapped").network(Subnet(3, 16)).tensors["weights"]
    assert not weights[..., :3].any()
    assert weights[..., 3:].any()


def test_values_are_codes_times_the_scale_of_their_leading_axes() -> None:
    own = Quantized(
        torch.tensor([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]), torch.tensor([[1.0, 10.0], [2.0, 0.5]])
    )
    assert own.values.tolist() == [[[1, 2], [30, 40]], [[10, 12], [3.5, 4]]]
    assert own[1].values.tolist() == [[10, 12], [3.5, 4]]
