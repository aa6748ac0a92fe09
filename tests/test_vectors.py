import json

from tests.vectors.make import FOLDER, vectors


def test_the_generator_still_makes_the_vectors_that_are_committed() -> None:
    made = vectors()
    others = {"coordinates.json"}
    assert {path.name for path in FOLDER.glob("*.json")} - others == made.keys()
    for name, content in made.items():
        assert json.loads((FOLDER / name).read_text()) == json.loads(json.dumps(content)), name
