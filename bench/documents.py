"""Writes the tables of README.md and docs/ between their markers, from bench/results and the source code.

Usage: python -m bench.documents
"""

import json
from collections.abc import Callable
from typing import NamedTuple

from bench import RESULTS
from bench.level_tables import drawings, one_level
from bench.module_map import ROOT, module_map
from bench.picture_tables import chromium, everyday
from bench.tables import (
    Result,
    alone,
    bjontegaard,
    codecs,
    compared,
    decode,
    demo,
    depths,
    headline,
    kodak,
    supernet,
)
from bench.web_tables import decode_web, download, first_second


class Block(NamedTuple):
    """A part of a document that a command writes, between `<!-- name -->` and `<!-- /name -->`.

    Attributes:
        document: the document's file, relative to the project's folder.
        name: the name in the markers.
        write: returns the text between them.
    """

    document: str
    name: str
    write: Callable[[], str]


def _table(document: str, name: str, table: Callable[..., str], *results: str) -> Block:
    """Returns a block whose text `table` makes of the named results, by default of the one named `name`."""
    return Block(document, name, lambda: table(*map(_load, results or (name,))))


_RESULTS_PAGE = "docs/results.md"
_LAPPED, _SIREN = "kodak-lapped-4bit-instant", "kodak-siren-4bit-fast"
_SLOWER = ("kodak-lapped-4bit-fast", "kodak-lapped-4bit-balanced")
_FILTERS = ("kodak-fourier-4bit-fast-dev", "kodak-gabor-4bit-fast-dev")
_OTHERS = (
    "kodak-fourier-4bit-fast",
    "kodak-siren-8bit-fast",
    "kodak-siren-4bit-balanced",
    "kodak-fourier-4bit-balanced",
)
_ALONE = (
    "kodak-siren-4bit-balanced-d2w128",
    "kodak-siren-4bit-balanced-d3w128",
    "kodak-siren-4bit-best-d2w128",
    "kodak-siren-4bit-balanced-d2w128-20000steps",
    "kodak-siren-8bit-balanced-d3w64",
    "kodak-siren-8bit-best-d3w64",
    "kodak-siren-8bit-balanced-d3w64-20000steps",
    "kodak-siren-8bit-balanced-d4w64",
    "kodak-siren-4bit-balanced-d3w128-20000steps",
    "kodak-siren-8bit-balanced-d4w64-20000steps",
)

BLOCKS = (
    _table("README.md", "headline", headline, _LAPPED, _SIREN),
    _table(_RESULTS_PAGE, "demo", demo),
    _table(_RESULTS_PAGE, _LAPPED, kodak),
    _table(_RESULTS_PAGE, "kodak-bjontegaard", bjontegaard, _LAPPED),
    _table(_RESULTS_PAGE, "one_level", one_level),
    _table(_RESULTS_PAGE, "kodak-compared", compared, _LAPPED, *_SLOWER, _SIREN, *_OTHERS),
    _table(_RESULTS_PAGE, "drawings", drawings),
    _table(_RESULTS_PAGE, "kodak-depths", depths, _SIREN, *_FILTERS),
    _table(_RESULTS_PAGE, _SIREN, kodak),
    *(_table(_RESULTS_PAGE, name, alone) for name in _ALONE),
    _table(_RESULTS_PAGE, "supernet-siren-fast", supernet),
    _table(_RESULTS_PAGE, "supernet-lapped-fast", supernet),
    _table(_RESULTS_PAGE, "codecs", codecs),
    _table(_RESULTS_PAGE, "everyday", everyday),
    _table(_RESULTS_PAGE, "chromium", chromium),
    _table(_RESULTS_PAGE, "decode", decode),
    _table(_RESULTS_PAGE, "decode_web", decode_web),
    _table(_RESULTS_PAGE, "download", download),
    _table(_RESULTS_PAGE, "first_second", first_second),
    Block("docs/modules.md", "modules", module_map),
)


def rendered(document: str, text: str) -> str:
    """Returns the text of a document with its blocks replaced by current ones.

    Raises ValueError unless the markers of each of its blocks occur exactly once.
    """
    for block in BLOCKS:
        if block.document == document:
            text = _replaced(text, block)
    return text


def _replaced(text: str, block: Block) -> str:
    opening, closing = f"<!-- {block.name} -->\n", f"<!-- /{block.name} -->\n"
    if text.count(opening) != 1 or text.count(closing) != 1:
        raise ValueError(f"{block.document}: needs the markers of '{block.name}' exactly once")
    before, rest = text.split(opening)
    _, after = rest.split(closing)
    return f"{before}{opening}{block.write()}\n{closing}{after}"


def _load(name: str) -> Result:
    result: Result = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


if __name__ == "__main__":
    for document in dict.fromkeys(block.document for block in BLOCKS):
        path = ROOT / document
        path.write_text(rendered(document, path.read_text(encoding="utf-8")), encoding="utf-8")
