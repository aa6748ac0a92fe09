import numpy as np
from anir_runtime.network import Network

from tests.random_network import random_network


def test_depth_channels_and_colours_follow_from_the_tensors() -> None:
    network = random_network("gabor", 4, 11, (40, 30), bits=8)
    assert (network.depth, network.channels, network.colours, network.name) == (4, 11, 3, "d4w11")


def test_values_are_codes_times_the_scale_of_their_leading_axes() -> None:
    codes = np.array([[[1, -2], [3, 4]], [[5, 6], [-7, 8]]], np.int8)
    scale = np.array([[0.5, 2], [1, 10]], np.float32)
    network = Network("siren", (1, 1), 8, {"a": codes, "a.scale": scale, "b": np.array([1.5], np.float32)})
    assert network.values("a").tolist() == [[[0.5, -1], [6, 8]], [[5, 6], [-70, 80]]]
    assert network.values("a").dtype == np.float32
    assert network.values("b").tolist() == [1.5]
