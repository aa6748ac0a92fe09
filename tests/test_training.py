import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from anir_runtime import decode
from anir_runtime.anir_header import FAMILIES
from anir_runtime.common_networks import common_trunks
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.errors import AnirError
from anir_toolchain import Config, Model, export, fit, presets, save_model
from anir_toolchain.batch import Batch
from anir_toolchain.checkpoint import trunk_state
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.metrics import psnr
from anir_toolchain.model import QuantizedTrunk
from anir_toolchain.progress import Progress
from anir_toolchain.space import Subnet
from anir_toolchain.training import Subject, advance, begin, fit_batch
from anir_toolchain.training_state import Task
from numpy.typing import NDArray

from tests.random_model import leaves

SHORT = presets.Preset(steps=120, batch=2048, rate=2e-2, soften=0.5, settle=0.9)
TINY = Config("siren", preset="short", depths=(2, 3), widths=(16, 24), device="cpu")
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(autouse=True)
def _short_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(presets.PRESETS, "short", SHORT)


@pytest.fixture(scope="module")
def waves() -> NDArray[np.uint8]:
    y, x = np.mgrid[0:48, 0:64] / 10
    channels = [np.sin(x + y), np.cos(2 * x - y), np.sin(x) * np.cos(1.5 * y)]
    return (np.stack(channels, axis=-1) * 100 + 128).astype(np.uint8)


def _same(a: Model, b: Model) -> bool:
    tensors = [[t for trunk in model.trunks.values() for t in _tensors(trunk)] for model in (a, b)]
    return all(torch.equal(one, other) for one, other in zip(*tensors, strict=True))


def _tensors(trunk: QuantizedTrunk) -> list[torch.Tensor]:
    return leaves(trunk_state(trunk))


def test_training_does_not_depend_on_the_modes_of_torch(waves: NDArray[np.uint8]) -> None:
    config = Config("siren", preset="short", depths=(2,), widths=(16,), steps=3, device="cpu")
    with torch.inference_mode():
        inside = fit(waves, config)
    assert _same(inside, fit(waves, config))
    torch.set_default_dtype(torch.float64)
    try:
        with pytest.raises(AnirError, match="default dtype is not float32"):
            fit(waves, config)
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("family", "bits", "least"),
    [
        ("siren", 4, 22.0),
        ("siren", 8, 23.0),
        ("lapped", 4, 22.0),
        ("lapped", 8, 22.0),
        ("fourier", 4, 20.0),
        ("fourier", 8, 20.0),
        ("gabor", 4, 18.0),
        ("gabor", 8, 18.0),
    ],
)
def test_every_family_learns_a_picture_and_its_file_shows_it(
    waves: NDArray[np.uint8], tmp_path: Path, family: str, bits: int, least: float, device: str
) -> None:
    model = fit(waves, Config(family, bits, "short", (2, 3), (16, 24), device=device))
    manifest = export(model, tmp_path)
    assert len(manifest.subnets) == 4
    best = psnr(decode(tmp_path / "d3w24.onnx"), waves)
    assert best >= least
    assert best == manifest.subnets[-1].psnr


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(
    waves: NDArray[np.uint8], tmp_path: Path
) -> None:
    one, two, other = (fit(waves, Config("siren", 4, "short", (2,), (16, 24), seed)) for seed in (3, 3, 4))
    save_model(one, tmp_path / "one.pt")
    save_model(two, tmp_path / "two.pt")
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "two.pt").read_bytes()
    assert not _same(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("family", FAMILIES)
def test_pictures_in_a_batch_give_the_same_models_as_alone(
    waves: NDArray[np.uint8], family: str, bits: int
) -> None:
    """A wide, a high and a larger picture form a batch; a square one is trained separately."""
    pictures = [waves, 255 - waves.transpose(1, 0, 2), np.tile(waves, (2, 2, 1)), waves[:, :48]]
    config = Config(family, bits, "short", (2, 3), (16, 24, 32), device="cpu")
    together = fit_batch([Subject(picture, source=str(i)) for i, picture in enumerate(pictures)], config)
    for i, picture in enumerate(pictures):
        assert together[i].source == str(i)
        assert np.array_equal(together[i].image.numpy(), picture)
        assert _same(together[i], fit(picture, config))


def test_training_needs_no_onnx() -> None:
    code = """
import sys
for name in ("onnx", "onnx_ir", "onnxscript", "matplotlib", "typer"):
    sys.modules[name] = None
import numpy as np
from anir_toolchain import Config, fit
model = fit(np.zeros((8, 8, 3), np.uint8), Config("lapped", depths=(2,), widths=(4,), steps=2, device="cpu"))
assert model.network(model.space.largest).name == "d2w4"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_threads_change_no_bit(waves: NDArray[np.uint8]) -> None:
    image = np.tile(waves, (1, 2, 1))
    one = fit(image, TINY)
    torch.set_num_threads(3)
    try:
        assert _same(fit(image, TINY), one)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(1)


def test_progress_is_reported_before_latents_are_computed(
    waves: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Progress] = []
    told: list[int] = []
    monkeypatch.setattr(
        "anir_toolchain.training.analyse", lambda *own: told.append(len(seen)) or analyse(*own)
    )
    fit(waves, Config(family="lapped", preset="short", depths=(2,), widths=(8,)), on_progress=seen.append)
    assert told == [1]
    assert seen[0] == Progress("codes", 0, 120, {})
    assert [progress.step for progress in seen if progress.phase == "codes"] == [0]


def test_the_instant_preset_takes_the_common_networks(waves: NDArray[np.uint8]) -> None:
    model = fit(np.tile(waves, (2, 2, 1)), Config(family="lapped", preset="instant"))
    assert [subnet.name for subnet in model.space.subnets][:2] == ["d2w20", "d2w24"]
    for width, trunk in model.trunks.items():
        assert np.array_equal(trunk.weight[:, 3:, 3:], common_trunks()[width - 3].weights)
    with pytest.raises(AnirError, match="siren networks have to be trained; take --preset fast"):
        fit(waves, Config(family="siren", preset="instant"))


def test_steps_override_those_of_the_preset(waves: NDArray[np.uint8]) -> None:
    seen: list[Progress] = []
    fit(waves, replace(TINY, steps=40), on_progress=seen.append)
    assert (seen[-1].step, seen[-1].steps, seen[-1].phase) == (40, 40, "settle")


def test_a_resumed_training_does_not_recompute_its_latents(
    waves: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, state = replace(TINY, family="lapped", steps=12), tmp_path / "state"
    first = fit(waves, config, state=state)
    monkeypatch.setattr("anir_toolchain.training.analyse", lambda *_: pytest.fail("quantized once more"))
    assert _same(fit(waves, config, state=state), first)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["siren", "lapped"])
def test_an_interrupted_fit_resumes_to_the_same_model(
    family: str, waves: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, picture = replace(TINY, family=family), np.tile(waves, (4, 4, 1))
    straight = fit(picture, config)
    state = tmp_path / "model.pt.resume"
    for stop_at in (30, 80, 115):

        def interrupting(batch: Batch, stop_at: int = stop_at) -> None:
            advance(batch)
            if batch.step == stop_at:
                os.kill(os.getpid(), signal.SIGINT)

        monkeypatch.setattr("anir_toolchain.training.advance", interrupting)
        with pytest.raises(KeyboardInterrupt):
            fit(picture, config, state=state)
        assert state.exists()
    monkeypatch.setattr("anir_toolchain.training.advance", advance)
    assert _same(fit(picture, config, state=state), straight)
    # The state remains until the caller has saved the model; from it, only heads are solved again.
    assert _same(fit(picture, config, state=state), straight)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_trunks_beyond_the_two_narrowest_take_fewer_steps(waves: NDArray[np.uint8]) -> None:
    with ThreadPoolExecutor(1) as pool:
        task = Task(waves, Config("siren", preset="short", depths=(2,), widths=(8, 16, 24, 32)), pool)
        batch = Batch([task], [begin(task)])
        for _ in range(12):
            advance(batch)
    assert [trainer.steps for trainer in batch.trainers.values()] == [12, 12, 8, 6]


def test_progress_reports_phase_steps_and_the_quality_of_three_subnets(
    waves: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Progress] = []
    monkeypatch.setattr("time.monotonic", iter(range(10**6)).__next__)
    model = fit(
        waves, Config("siren", preset="short", depths=(2, 3, 4), widths=(16, 24, 32)), on_progress=seen.append
    )
    assert [p.step for p in seen] == sorted(p.step for p in seen)
    assert list(dict.fromkeys(p.phase for p in seen)) == ["fit", "soften", "settle"]
    assert seen[-1].step == seen[-1].steps == 120
    assert list(seen[-1].psnr) == ["d2w16", "d3w24", "d4w32"]
    # The estimate is the exported network's quality, but before the heads are solved.
    rgb = model.decode(Subnet(4, 32), *(torch.from_numpy(axis_coordinates(n)) for n in (64, 48)))
    true = psnr((rgb.clamp(0, 1) * 255).round().to(torch.uint8).numpy(), waves)
    assert true - 3 < seen[-1].psnr["d4w32"] < true + 0.3


@pytest.mark.parametrize("family", ["siren", "lapped"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 2)])
def test_tiny_pictures_of_one_colour_are_learned(shape: tuple[int, int], family: str, tmp_path: Path) -> None:
    image = np.full((*shape, 3), (200, 30, 90), np.uint8)
    export(fit(image, replace(TINY, family=family)), tmp_path)
    decoded = decode(tmp_path / "d3w24.onnx")
    assert decoded.shape == image.shape
    assert np.abs(decoded.astype(int) - image).max() <= 3
