import json
from base64 import b64decode
from typing import Any

import numpy as np
import pytest
from anir_runtime import Decoder
from anir_runtime.anir_file import AnirFile
from anir_runtime.families import families
from anir_runtime.network import Network
from anir_runtime.onnx_reader import read_network

from tests.vectors.make import FAMILIES, FOLDER, network_state, vectors


def _without_files(content: Any) -> Any:
    """Returns content without ONNX files, whose graphs may change although their networks do not."""
    if isinstance(content, list) and content and "onnx" in content[0]:
        return [{key: value for key, value in case.items() if key != "onnx"} for case in content]
    return content


def test_the_committed_vectors_are_those_of_the_generator() -> None:
    made = vectors()
    others = {"browser_pictures.json", "coordinates.json"}
    assert {path.name for path in FOLDER.glob("*.json")} - others == made.keys()
    for name, content in made.items():
        committed = json.loads((FOLDER / name).read_text())
        assert _without_files(committed) == _without_files(json.loads(json.dumps(content))), name


@pytest.mark.parametrize("family", FAMILIES)
def test_onnx_files_have_the_networks_beside_them(family: str) -> None:
    for case in json.loads((FOLDER / f"network-{family}.json").read_text()):
        data = b64decode(case["onnx"])
        state = json.loads(json.dumps(network_state(read_network(data))))
        assert state == {key: case[key] for key in state}
        # Once by the graph of the file, once by the runtime.
        pictures = [Decoder(data, trust_graph=trust).decode((44, 33)).astype(int) for trust in (True, False)]
        assert np.abs(pictures[0] - pictures[1]).max() <= 1


@pytest.mark.parametrize("name", ["strips.json", "strips-32.json"])
def test_a_file_in_strips_draws_the_pixels_beside_it(name: str) -> None:
    case = json.loads((FOLDER / name).read_text())
    data = b64decode(case["anir"])
    x, y = (np.array(case[axis], np.float32) for axis in "xy")
    for own in case["levels"] + case["refined"]:
        drawn = Decoder(data[: own["bytes"]])._ready().start(x, y)(slice(0, len(y)))
        assert np.abs(drawn.astype(int) - own["pixels"]).max() <= 1


def test_anir_files_have_the_networks_beside_them() -> None:
    for case in json.loads((FOLDER / "anir.json").read_text()):
        file = AnirFile(b64decode(case["anir"]))
        x, y = (np.array(case[axis], np.float32) for axis in "xy")
        for k, level in enumerate(case["levels"]):
            network = file.network(k)
            assert json.loads(json.dumps(network_state(network))) == level["network"]
            _assert_drawn(network, x, y, level["pixels"])


def test_anir_files_truncated_within_a_level_have_the_networks_beside_them() -> None:
    cases = json.loads((FOLDER / "anir.json").read_text())
    for case, cut in ((own, cut) for own in cases for cut in own["refined"]):
        x, y = (np.array(case[axis], np.float32) for axis in "xy")
        network = AnirFile(b64decode(case["anir"])[: cut["bytes"]]).refined()
        assert json.loads(json.dumps(network_state(network))) == cut["network"]
        _assert_drawn(network, x, y, cut["pixels"])


def _assert_drawn(network: Network, x: Any, y: Any, pixels: Any) -> None:
    drawn = families()[network.family].renderer(network).start(x, y)(slice(0, len(y)))
    assert np.abs(drawn.astype(int) - pixels).max() <= 1
