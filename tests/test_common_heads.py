import numpy as np
import pytest
from anir_runtime.common_networks import MOST_OFFSET, Colours, common_trunks
from anir_toolchain.common_heads import best_head, worth
from anir_toolchain.lapped_synthesis import last_layer
from anir_toolchain.space import Subnet

SUBNET, WIDTH = Subnet(3, 20), 4000
COLOURS = Colours(np.diag([127, 100, 90]).astype(np.int8), np.array([120, 130, 140], np.uint8))
SEEN = np.random.default_rng(0).normal(size=(2000, 19)).astype(np.float32)
COMMON = COLOURS.head(common_trunks()[17].head(3), WIDTH)
LAYERS = common_trunks()[17].layers(3, 3)
CHANNELS = last_layer(LAYERS["weights"] * LAYERS["steps"][:, None, None], SEEN)


def shown(offsets: int) -> np.ndarray:  # type: ignore[type-arg]
    """Returns the colours of the common network after adding an offset to the codes of its head."""
    head = COMMON["head"].astype(np.float32)
    head[:, 3:] += offsets
    return (CHANNELS @ (head * COMMON["head.scale"][:, None]).T + COMMON["head.bias"]).clip(0, 1)


def test_head_offsets_are_found_where_they_pay() -> None:
    gain, head = best_head(SUBNET, COLOURS, WIDTH, 10**6, SEEN, shown(5))
    offsets = head["head"].astype(int) - COMMON["head"]
    assert np.abs(offsets[:, 3:] - 5).max() <= 3
    assert np.abs(offsets[:, 3:] - 5).mean() < 1
    assert not offsets[:, :3].any()
    assert gain > worth(CHANNELS, COMMON, shown(5), 0) + 3


def test_head_offsets_are_clipped_to_their_range() -> None:
    _, head = best_head(SUBNET, COLOURS, WIDTH, 10**6, SEEN, shown(-20))
    offsets = head["head"][:, 3:].astype(int) - COMMON["head"][:, 3:]
    assert offsets.min() == -MOST_OFFSET


def test_the_common_head_is_kept_where_offsets_cost_too_much() -> None:
    noise = np.random.default_rng(1).normal(size=(2000, 3)).astype(np.float32)
    wanted = shown(0) + np.float32(0.1) * noise
    gain, head = best_head(SUBNET, COLOURS, WIDTH, 30, SEEN, wanted)
    assert np.array_equal(head["head"], COMMON["head"])
    assert gain == worth(CHANNELS, COMMON, wanted, 0)


def test_worth_is_psnr_minus_the_price_of_bytes() -> None:
    off = shown(0) + np.float32(0.1)
    assert worth(CHANNELS, COMMON, off, 0) == pytest.approx(20, abs=1e-3)
    assert worth(CHANNELS, COMMON, off, 0.5) == pytest.approx(13, abs=1e-3)
    assert worth(CHANNELS, COMMON, shown(0), 0) == pytest.approx(100)
