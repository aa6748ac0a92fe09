import pickle
import zipfile
import zlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from anir_runtime.errors import AnirError
from anir_toolchain.checkpoint import FORMAT, load_model, save_model, trunk_state, write_state
from anir_toolchain.model import Model
from numpy.typing import NDArray
from torch import Tensor

from tests.random_model import leaves, random_model


@pytest.mark.parametrize(("family", "colours"), [("siren", 3), ("lapped", 3), ("siren", 1), ("lapped", 4)])
def test_a_model_round_trips(family: str, colours: int, tmp_path: Path) -> None:
    model = random_model(family, colours=colours)
    save_model(model, tmp_path / "model.pt")
    loaded = load_model(tmp_path / "model.pt")
    assert torch.equal(loaded.image, model.image)
    for name in ("family_name", "bits", "space", "preset", "seed", "source"):
        assert getattr(loaded, name) == getattr(model, name)
    assert list(loaded.trunks) == list(model.trunks)
    for width, trunk in model.trunks.items():
        pair = (leaves(trunk_state(own)) for own in (trunk, loaded.trunks[width]))
        assert all(torch.equal(want, got) for want, got in zip(*pair, strict=True))


def test_a_model_that_could_not_be_read_again_is_not_written(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    save_model(model, str(path))
    before = path.read_bytes()
    changes: list[dict[str, Any]] = [{"seed": "x"}, {"source": None}, {"image": model.image.float()}]
    for change in changes:
        with pytest.raises(AnirError, match=r"model\.pt: not written, as it could not be read again"):
            save_model(replace(model, **change), path)
    assert path.read_bytes() == before


def test_a_checkpoint_holds_only_plain_values_and_tensors(model: Model, tmp_path: Path) -> None:
    save_model(model, tmp_path / "model.pt")
    state = torch.load(tmp_path / "model.pt", weights_only=True)
    assert state["anir"] == FORMAT
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("pitch", [16, 32])
def test_latents_are_recomputed_from_the_picture_and_the_steps(pitch: int, tmp_path: Path) -> None:
    model = random_model("lapped", pitch=pitch)
    save_model(model, tmp_path / "model.pt")
    loaded = load_model(tmp_path / "model.pt")
    assert loaded.steps == model.steps
    for subnet in model.space.subnets:
        own, other = model.latents(subnet), loaded.latents(subnet)
        assert own is not None
        assert other is not None
        assert np.array_equal(own.codes, other.codes)
        assert (own.step, own.reach) == (other.step, other.reach)
        assert own.pitch == other.pitch == pitch


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("open('ran', 'w').close()",)


def test_code_in_a_pickle_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"anir": FORMAT, "kind": "model", "x": _Bomb()}, "zip.pt")
    Path("raw.pt").write_bytes(pickle.dumps(_Bomb()))
    for name in ("zip.pt", "raw.pt"):
        with pytest.raises(AnirError, match="not an anir checkpoint"):
            load_model(Path(name))
    assert not Path("ran").exists()


def test_incomplete_and_foreign_files_are_refused(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    save_model(model, path)
    whole = path.read_bytes()
    cases = {
        "cut.pt": (whole[: len(whole) // 2], "not an anir checkpoint"),
        "empty.pt": (b"", "not an anir checkpoint"),
        "text.pt": (b"hello\n", "not an anir checkpoint"),
    }
    for name, (data, words) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(AnirError, match=words):
            load_model(tmp_path / name)
    with pytest.raises(AnirError, match="no such file"):
        load_model(tmp_path / "none.pt")
    with pytest.raises(AnirError, match="cannot be read"):
        load_model(tmp_path)
    torch.save([1], tmp_path / "list.pt")
    with pytest.raises(AnirError, match="not an anir checkpoint"):
        load_model(tmp_path / "list.pt")


def test_other_versions_kinds_and_shapes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    save_model(random_model(), path)
    state = torch.load(path, weights_only=True)
    write_state(path, "model", {**state, "anir": FORMAT + 1})
    with pytest.raises(AnirError, match="update anir"):
        load_model(path)
    write_state(path, "model", {**state, "anir": FORMAT - 1})
    with pytest.raises(AnirError, match="train it again"):
        load_model(path)
    write_state(path, "model", {**state, "kind": "training state"})
    with pytest.raises(AnirError, match="holds a training state"):
        load_model(path)

    def damaged(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        copy = deepcopy(state)
        change(copy["trunks"][24])
        return copy

    for broken in (
        {**state, "family_name": "nope"},
        {**state, "bits": 5},
        {**state, "image": state["image"][..., :1]},
        {**state, "image": state["image"][..., :1].contiguous()},
        {**state, "image": state["image"][..., :2].contiguous()},
        {**state, "image": state["image"][..., 0].contiguous()},
        {**state, "image": state["image"].float()},
        damaged(lambda trunk: trunk.update(weight=trunk["weight"][:, :-1])),
        damaged(lambda trunk: trunk.update(weight=trunk["weight"] * 2)),
        damaged(lambda trunk: trunk.update(weight=trunk["weight"].float())),
        damaged(lambda trunk: trunk["head"].update(codes=trunk["head"]["codes"].short())),
        damaged(lambda trunk: trunk["step"].update(scale=trunk["step"]["scale"].double())),
        damaged(lambda trunk: trunk.update(head={"codes": 1})),
        damaged(lambda trunk: trunk.update(more=1)),
        damaged(lambda trunk: trunk.pop("step")),
        {**state, "trunks": {24: state["trunks"][24]}},
        {name: value for name, value in state.items() if name != "trunks"},
    ):
        write_state(path, "model", broken)
        with pytest.raises(AnirError):
            load_model(path)


def test_invalid_steps_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    save_model(random_model("lapped"), path)
    state = torch.load(path, weights_only=True)
    first, *others = state["steps"]
    width, reach = first
    for broken in (
        None,
        [],
        others,
        [first, *state["steps"]],
        [first[:1], *others],
        [[*first, 1], *others],
        [[63, reach], *others],
        [[32768, reach], *others],
        [[width, 0], *others],
        [[width, 5], *others],
        [[float(width), reach], *others],
        [["1", reach], *others],
        [7, *others],
    ):
        write_state(path, "model", {**state, "steps": broken})
        with pytest.raises(AnirError, match="damaged"):
            load_model(path)
    write_state(path, "model", {name: own for name, own in state.items() if name != "steps"})
    with pytest.raises(AnirError, match="damaged"):
        load_model(path)


@pytest.mark.parametrize(
    ("family", "pitch"), [("lapped", 8), ("lapped", 32.0), ("siren", 32), ("siren", None)]
)
def test_an_invalid_pitch_is_refused(family: str, pitch: object, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    save_model(random_model(family), path)
    write_state(path, "model", {**torch.load(path, weights_only=True), "pitch": pitch})
    with pytest.raises(AnirError, match="damaged"):
        load_model(path)


def test_archives_that_inflate_are_refused(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    save_model(model, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content + bytes(2**20))
    with pytest.raises(AnirError, match="not an anir checkpoint"):
        load_model(path)


def test_tensors_expanded_from_a_few_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    save_model(random_model(), path)
    state = torch.load(path, weights_only=True)
    write_state(
        path, "model", {**state, "image": torch.zeros(1, 1, 3, dtype=torch.uint8).expand(9000, 9000, 3)}
    )
    with pytest.raises(AnirError, match="damaged"):
        load_model(path)


def test_damaged_coefficients_are_refused(tmp_path: Path) -> None:
    model, path = random_model("lapped"), tmp_path / "model.pt"
    coefficients = model.analysis().coefficients
    save_model(replace(model, coefficients=coefficients), path)
    assert (load_model(path).analysis().coefficients == coefficients).all()
    state = torch.load(path, weights_only=True)

    def packed(values: NDArray[np.int32]) -> Tensor:
        return torch.tensor(list(zlib.compress(values.tobytes())), dtype=torch.uint8)

    for broken in (
        packed(coefficients[:-1]),
        packed(np.concatenate([coefficients, coefficients])),
        packed(coefficients + (1 << 23)),
        packed(coefficients - (1 << 23)),
        # A zip bomb: 64 MiB of zeros.
        packed(np.zeros(1 << 24, np.int32)),
        packed(coefficients)[:-9],
        packed(coefficients)[9:],
        packed(coefficients).short(),
        packed(coefficients)[None],
    ):
        write_state(path, "model", {**state, "coefficients": broken})
        with pytest.raises(AnirError, match="damaged"):
            load_model(path)
    save_model(random_model("siren"), path)
    siren = torch.load(path, weights_only=True)
    write_state(path, "model", {**siren, "coefficients": state["coefficients"]})
    with pytest.raises(AnirError, match="damaged"):
        load_model(path)


@pytest.mark.parametrize("change", [{"source": 5}, {"preset": None}, {"seed": "0"}])
def test_texts_and_numbers_of_other_types_are_refused(change: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    save_model(random_model(), path)
    write_state(path, "model", {**torch.load(path, weights_only=True), **change})
    with pytest.raises(AnirError, match="damaged"):
        load_model(path)
