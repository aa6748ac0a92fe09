from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from anir_runtime import Decoder
from anir_runtime.anir_file import AnirFile
from anir_runtime.errors import AnirError
from anir_toolchain import Config, anir_export, fit, sample, training_state
from anir_toolchain.anir_export import export_anir
from anir_toolchain.cell_sample import CellSample
from anir_toolchain.checkpoint import save_model
from anir_toolchain.cli import export_main
from anir_toolchain.levels import level_bytes, level_order
from anir_toolchain.metrics import psnr
from anir_toolchain.model import Model
from anir_toolchain.space import Space

from tests.conftest import Failing
from tests.lapped_pictures import waves
from tests.random_model import random_model

SPACE = Space((2, 3), (20, 24))


@pytest.mark.parametrize(("family", "colours"), [("siren", 3), ("fourier", 3), ("gabor", 1), ("siren", 4)])
def test_levels_have_the_models_networks_and_state_their_quality(
    family: str, colours: int, tmp_path: Path
) -> None:
    model = random_model(family, space=SPACE, colours=colours)
    header = export_anir(model, tmp_path / "a.anir")
    data = (tmp_path / "a.anir").read_bytes()
    assert [level.name for level in header.levels] == ["d2w20", "d3w20", "d2w24", "d3w24"]
    assert header.levels[-1].end == len(data)
    for level in header.levels:
        network, own = AnirFile(data[: level.end]).network(), model.network(model.space.find(level.name))
        assert network.tensors.keys() == own.tensors.keys()
        for name, tensor in own.tensors.items():
            np.testing.assert_array_equal(network.tensors[name], tensor, err_msg=name)
        assert level.psnr[0] == pytest.approx(psnr(Decoder(own).decode(), model.image.numpy()), abs=0.125)


def fitted_of(colours: int) -> Model:
    """Returns a `lapped` model whose picture is smooth."""
    picture = waves(384, 256)
    picture = np.concatenate([picture, 255 - picture[..., :1]], -1)[..., :colours]
    return fit(picture, Config("lapped", preset="instant", device="cpu"))


@pytest.fixture
def fitted() -> Model:
    return fitted_of(3)


@pytest.mark.parametrize("colours", [1, 3, 4])
def test_the_quality_of_lapped_levels_rises(colours: int, tmp_path: Path) -> None:
    fitted = fitted_of(colours)
    header = export_anir(fitted, tmp_path / "a.anir")
    data, image = (tmp_path / "a.anir").read_bytes(), fitted.image.numpy()
    assert header.colours == colours
    seen = []
    for level in header.levels:
        pixels = Decoder(AnirFile(data[: level.end]).network()).decode()
        seen.append(psnr(pixels, image))
        assert level.psnr[0] == pytest.approx(seen[-1], abs=0.125)
    assert all(later > earlier - 0.5 for earlier, later in pairwise(seen[4:]))
    assert seen[:4] < seen[4:8]
    assert seen[-1] > 35


def test_lapped_levels_have_the_models_networks_and_latents(fitted: Model, tmp_path: Path) -> None:
    header = export_anir(fitted, tmp_path / "a.anir")
    file = AnirFile((tmp_path / "a.anir").read_bytes())
    for k, level in enumerate(header.levels):
        network, own = file.network(k), fitted.network(fitted.space.find(level.name))
        for name, tensor in own.tensors.items():
            np.testing.assert_array_equal(network.tensors[name], tensor, err_msg=name)
        assert network.latents is not None
        assert own.latents is not None
        np.testing.assert_array_equal(network.latents.codes, own.latents.codes)
        assert (network.latents.step, network.latents.reach) == (own.latents.step, own.latents.reach)


@pytest.mark.parametrize("pitch", [16, 32])
def test_the_quality_of_a_large_picture_is_measured_on_sampled_cells(
    pitch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_state, "best_pitch", lambda *_: pitch)
    monkeypatch.setattr(sample, "_PIXELS", 2**15)
    monkeypatch.setattr(anir_export, "_PIXELS", 2**16)
    fitted = fitted_of(3)
    header = export_anir(fitted, tmp_path / "a.anir")
    assert header.size == (384, 256)
    data, image = (tmp_path / "a.anir").read_bytes(), fitted.image.numpy()
    for level, end in zip(
        header.levels, level_bytes(level_order(fitted.space), header.size, header.colours), strict=True
    ):
        shown = Decoder(AnirFile(data[: level.end]).network()).decode()
        assert level.psnr[0] == pytest.approx(psnr(shown, image), abs=2.5)
        in_cells = psnr(*(CellSample(own, pitch, 2**16).pixels for own in (shown, image)))
        assert level.psnr[0] == pytest.approx(in_cells, abs=0.13)
        assert level.end < 1.25 * end
        # The finest quantization step is reached in fewer bytes.
        assert level.end > 0.6 * end or level.psnr[0] > 50


def test_anir_export_writes_all_or_chosen_subnets_to_an_anir_file(
    fitted: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: Failing
) -> None:
    monkeypatch.chdir(tmp_path)
    save_model(fitted, Path("model.pt"))
    assert export_main(["model.pt", "-o", "b.anir"]) == 0
    assert Decoder(Path("b.anir")).decode().shape == fitted.image.shape
    fails(export_main(["model.pt", "-o", "b.anir", "--all-subnets", "--subnet", "d2w20"]), "say either", 2)
    fails(export_main(["model.pt", "-o", "b.anir", "--subnet", "d9w9"]), "no subnet 'd9w9'")
    assert export_main(["model.pt", "-o", "c.ANIR", "--subnet", "d3w24", "--subnet", "d2w20"]) == 0
    header = AnirFile(Path("c.ANIR").read_bytes()).header
    assert header is not None
    assert [level.name for level in header.levels] == ["d2w20", "d3w24"]


@pytest.mark.parametrize("family", ["siren", "lapped"])
def test_a_file_of_one_level_is_like_that_level_of_the_file_of_all(
    family: str, fitted: Model, tmp_path: Path
) -> None:
    model = fitted if family == "lapped" else random_model(family, space=SPACE)
    every = export_anir(model, tmp_path / "all.anir")
    data = (tmp_path / "all.anir").read_bytes()
    for together in every.levels[1:]:
        header = export_anir(model, tmp_path / "one.anir", [model.space.find(together.name)])
        (alone,) = header.levels
        assert alone.name == together.name
        assert (tmp_path / "one.anir").stat().st_size == alone.end
        if family == "lapped":
            assert alone.end < 1.2 * together.end
            assert alone.psnr[0] >= together.psnr[0] - 1
        else:
            assert alone.end < together.end
            own, shared = (
                AnirFile(file).network()
                for file in ((tmp_path / "one.anir").read_bytes(), data[: together.end])
            )
            for name, tensor in shared.tensors.items():
                np.testing.assert_array_equal(own.tensors[name], tensor)


def test_more_subnets_than_a_file_holds_leave_the_old_file(tmp_path: Path, fails: Failing) -> None:
    save_model(random_model(space=Space((2, 3, 4, 5, 6), (4, 6, 8, 9))), tmp_path / "model.pt")
    (tmp_path / "a.anir").write_bytes(b"what was there")
    reason = "an .anir file holds at most 16 subnets, not 20; take fewer depths or widths"
    fails(export_main([str(tmp_path / "model.pt"), "--all-subnets", "-o", str(tmp_path / "a.anir")]), reason)
    assert (tmp_path / "a.anir").read_bytes() == b"what was there"


def test_networks_larger_than_the_picture_are_written_whole(tmp_path: Path) -> None:
    model = random_model(bits=8, size=(16, 16), space=Space((2, 5), (800,)))
    export_anir(model, tmp_path / "a.anir")
    data = (tmp_path / "a.anir").read_bytes()
    assert len(data) > 2**21
    assert np.array_equal(
        AnirFile(data).network().tensors["weights"], model.network(model.space.largest).tensors["weights"]
    )


def test_weights_that_no_reader_would_accept_leave_the_old_file(tmp_path: Path) -> None:
    model = random_model("lapped", space=Space((5,), (256,)))
    # Weights that are all 0 take next to no bytes.
    trunks = {width: replace(trunk, weight=0 * trunk.weight) for width, trunk in model.trunks.items()}
    target = tmp_path / "a.anir"
    target.write_bytes(b"what was there")
    with pytest.raises(
        AnirError, match=r"a\.anir: d5w256 has more weights than an \.anir file of \d+ bytes may have"
    ):
        export_anir(replace(model, trunks=trunks), target)
    assert target.read_bytes() == b"what was there"


def test_an_onnx_file_is_no_folder(tmp_path: Path, fails: Failing) -> None:
    save_model(random_model(space=SPACE), tmp_path / "model.pt")
    target = tmp_path / "photo.onnx"
    fails(
        export_main([str(tmp_path / "model.pt"), "--subnet", "d2w20", "-o", str(target)]), "name a folder", 2
    )
    assert not target.exists()
