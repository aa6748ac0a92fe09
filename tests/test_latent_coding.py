import numpy as np
import pytest
from anir_runtime.lapped_transform import context, from_lanes
from anir_runtime.network import Latents
from anir_runtime.rans import decode
from anir_toolchain.latent_coding import Codes, encode_latents, in_lanes, planes_apart


def _codes(share: float) -> Codes:
    generator = np.random.default_rng(0)
    codes = generator.integers(-9, 10, (3, 4, 5, 8, 8))
    return np.where(generator.random(codes.shape) < share, codes, 0).astype(np.int16)


@pytest.mark.parametrize(("share", "lanes"), [(0.1, 5), (0.9, 15)])
def test_codes_round_trip_through_lanes(share: float, lanes: int) -> None:
    codes = _codes(share)
    assert planes_apart(codes) == (lanes == 15)
    laid = in_lanes(codes)
    assert laid.shape == (lanes, codes.size // lanes)
    assert np.array_equal(from_lanes(laid.T, 3, (4, 5), 8, apart=lanes == 15), codes)
    # A lane begins with the codes of the first cell of its row along the scan.
    assert np.array_equal(laid[1, :64], codes[0, 0, 1].ravel())


@pytest.mark.parametrize("planes", [1, 4])
@pytest.mark.parametrize("share", [0.1, 0.9])
def test_codes_of_one_or_four_planes_round_trip_through_lanes(planes: int, share: float) -> None:
    codes = _codes(share)[[0, 1, 2, 0][:planes]]
    apart = planes_apart(codes)
    laid = in_lanes(codes)
    assert len(laid) == (5 * planes if apart else 5)
    assert np.array_equal(from_lanes(laid.T, planes, (4, 5), 8, apart), codes)


def test_dc_codes_do_not_decide_whether_planes_have_lanes_of_their_own() -> None:
    codes = np.zeros((3, 400, 2, 4, 4), np.int16)
    codes[..., 0, 0] = 1
    assert not planes_apart(codes)
    codes[..., 0, 1] = 1
    assert planes_apart(codes)


def test_the_runtime_decodes_the_stream() -> None:
    codes = _codes(0.1)
    stream = encode_latents(Latents(codes, 0.5, 16, True, 1, np.arange(100, dtype=np.float32)))
    assert (len(stream.states), stream.steps) == (5, codes.size // 5)
    assert stream.tables.frequencies.shape[1] == 10
    decoded = decode(stream.words, stream.states, stream.tables, context(8), stream.steps)
    assert np.array_equal(from_lanes(decoded, 3, (4, 5), 8, apart=False), codes)
