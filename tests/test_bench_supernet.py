from pathlib import Path

import numpy as np
from anir_runtime.picture_file import write_picture
from anir_toolchain import Config

from bench.supernet import measure, summarize


def test_costs_are_means_over_pictures_and_medians_over_subnets() -> None:
    one = {"together": 30.0, "real": 30.5, "alone": 31.0}
    two = {"together": 32.0, "real": 32.1, "alone": 31.8}
    summary = summarize([{"d2w8": one, "d3w8": two}, {"d2w8": two, "d3w8": two}])
    assert summary["subnets"]["d2w8"] == {"bits": 0.3, "sharing": 0.4}
    assert summary["median"] == {"bits": 0.2, "sharing": 0.1}
    assert summary["most"] == {"bits": 0.3, "sharing": 0.4}


def test_each_subnet_is_measured_together_alone_and_without_quantization(tmp_path: Path) -> None:
    ramp = np.add.outer(np.arange(24), np.arange(32)).astype(np.uint8)
    write_picture(np.stack([ramp * 4, ramp, 255 - ramp], -1), tmp_path / "ramp.png")
    config = Config("siren", preset="fast", depths=(2,), widths=(4, 8), steps=150)
    rows = measure(tmp_path / "ramp.png", config)
    assert list(rows) == ["d2w4", "d2w8"]
    for row in rows.values():
        assert row["real"] > row["together"] - 0.5
        assert row.keys() == {"together", "real", "alone"}
        assert min(row.values()) > 20
