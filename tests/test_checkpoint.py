import pickle
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from anir_runtime.errors import AnirError
from anir_toolchain.checkpoint import FORMAT, Model, Quantized, write_state

from tests.random_model import random_model


def test_a_model_round_trips(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "model.pt")
    loaded = Model.load(tmp_path / "model.pt")
    for field in fields(Model):
        want, got = getattr(model, field.name), getattr(loaded, field.name)
        if isinstance(want, Quantized):
            assert torch.equal(want.codes, got.codes)
            assert torch.equal(want.scale, got.scale)
        elif isinstance(want, torch.Tensor):
            assert torch.equal(want, got)
        else:
            assert want == got


def test_it_holds_only_plain_values_and_tensors(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "model.pt")
    state = torch.load(tmp_path / "model.pt", weights_only=True)
    assert state["anir"] == FORMAT
    assert not list(tmp_path.glob(".*"))


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("open('ran', 'w').close()",)


def test_code_in_a_pickle_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"anir": FORMAT, "kind": "model", "x": _Bomb()}, "zip.pt")
    Path("raw.pt").write_bytes(pickle.dumps(_Bomb()))
    for name in ("zip.pt", "raw.pt"):
        with pytest.raises(AnirError, match="not an anir checkpoint"):
            Model.load(Path(name))
    assert not Path("ran").exists()


def test_what_is_no_whole_checkpoint_is_refused(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    model.save(path)
    whole = path.read_bytes()
    cases = {
        "cut.pt": (whole[: len(whole) // 2], "not an anir checkpoint"),
        "empty.pt": (b"", "not an anir checkpoint"),
        "text.pt": (b"hello\n", "not an anir checkpoint"),
    }
    for name, (data, words) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(AnirError, match=words):
            Model.load(tmp_path / name)
    with pytest.raises(AnirError, match="no such file"):
        Model.load(tmp_path / "none.pt")
    with pytest.raises(AnirError, match="cannot be read"):
        Model.load(tmp_path)
    torch.save([1], tmp_path / "list.pt")
    with pytest.raises(AnirError, match="not an anir checkpoint"):
        Model.load(tmp_path / "list.pt")


def test_other_versions_kinds_and_shapes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    random_model().save(path)
    state = torch.load(path, weights_only=True)
    write_state(path, {**state, "anir": FORMAT + 1})
    with pytest.raises(AnirError, match="update anir"):
        Model.load(path)
    write_state(path, {**state, "kind": "training state"})
    with pytest.raises(AnirError, match="holds a training state"):
        Model.load(path)
    for key, value in (("weight", state["weight"][:, :-1]), ("family_name", "nope"), ("head", {"codes": 1})):
        write_state(path, {**state, key: value})
        with pytest.raises(AnirError):
            Model.load(path)
    del state["step"]
    write_state(path, state)
    with pytest.raises(AnirError, match="damaged"):
        Model.load(path)
