from pathlib import Path

import pytest

from bench import documents
from bench.documents import BLOCKS, Block, rendered
from bench.module_map import ROOT


@pytest.mark.parametrize("document", dict.fromkeys(block.document for block in BLOCKS))
def test_generated_blocks_of_documents_are_up_to_date(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    # If this fails, run python -m bench.documents.
    assert rendered(document, text) == text


def test_text_between_the_markers_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = (Block("a.md", "one", lambda: "new"), Block("b.md", "two", lambda: "other"))
    monkeypatch.setattr(documents, "BLOCKS", blocks)
    text = "before\n<!-- one -->\nold\nolder\n<!-- /one -->\nafter\n"
    assert rendered("a.md", text) == "before\n<!-- one -->\nnew\n<!-- /one -->\nafter\n"


@pytest.mark.parametrize("text", ["", "<!-- one -->\n", "<!-- one -->\n<!-- /one -->\n" * 2])
def test_missing_or_repeated_markers_are_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "BLOCKS", (Block("a.md", "one", lambda: "new"),))
    with pytest.raises(ValueError, match=r"a\.md: needs the markers of 'one' exactly once"):
        rendered("a.md", text)


def test_every_document_with_a_block_exists() -> None:
    assert all((Path(ROOT) / block.document).is_file() for block in BLOCKS)
