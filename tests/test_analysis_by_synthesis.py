import math
from pathlib import Path

import numpy as np
import pytest
from anir_runtime import Decoder
from anir_toolchain import Config, fit
from anir_toolchain.analysis_by_synthesis import AnalysisBySynthesis, _without_rounding
from anir_toolchain.anir_export import export_anir
from anir_toolchain.levels import level_order
from anir_toolchain.metrics import psnr
from numpy.typing import NDArray

from tests.lapped_pictures import blocks, waves


def exported(image: NDArray[np.uint8], number: int, path: Path) -> tuple[int, float]:
    """Writes one level of a picture into a file of its own; returns its bytes and PSNR in dB."""
    model = fit(image, Config("lapped", preset="instant", device="cpu"))
    export_anir(model, path, [level_order(model.space)[number]])
    return path.stat().st_size, float(psnr(Decoder(path).decode(), image))


@pytest.mark.parametrize("picture", [waves(384, 256), blocks(8, 6, 40), blocks(8, 6, 40)[..., :1]])
@pytest.mark.parametrize("number", [4, 12])
def test_files_of_one_level_are_better_for_their_bytes(
    picture: NDArray[np.uint8], number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, quality = exported(picture, number, tmp_path / "a.anir")
    monkeypatch.setattr(AnalysisBySynthesis, "chosen", lambda own: own.analysis)
    plain_size, plain_quality = exported(picture, number, tmp_path / "plain.anir")
    assert quality - plain_quality > 0.05 + 4.5 * math.log(size / plain_size)


def test_noise_which_no_network_predicts_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    exported(noise, 9, tmp_path / "a.anir")
    monkeypatch.setattr(AnalysisBySynthesis, "chosen", lambda own: own.analysis)
    exported(noise, 9, tmp_path / "plain.anir")
    assert (tmp_path / "a.anir").read_bytes() == (tmp_path / "plain.anir").read_bytes()


@pytest.mark.parametrize(("strength", "kept"), [(1, (0, 0.2)), (20, (0.99, 1))])
def test_rounding_is_not_taken_for_a_prediction(strength: float, kept: tuple[float, float]) -> None:
    # Rounding to 8 bits changes pixels by 0.29 levels, which are 12.3 units of an orthonormal transform.
    noise = np.random.default_rng(0).normal(0, 12.3 * strength, (20, 30, 3, 16, 16))
    left = _without_rounding(noise.astype(np.int32))
    assert kept[0] <= left.std() / noise.std() <= kept[1]
