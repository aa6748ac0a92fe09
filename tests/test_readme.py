"""Tests that links, commands and options in the documents exist."""

import hashlib
import importlib
import json
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import typer
from anir_runtime.cli import parser as run_parser
from anir_runtime.manifest import Entry, Manifest, Source
from anir_toolchain import Model
from anir_toolchain.commands import APPS

from tests.fuzz.__main__ import parser as fuzz_parser

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = [
    README,
    *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "bench/NOTES.md")),
    *(ROOT / name for name in ("exported/README.md", "web_demo/neural-img/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
IDS = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]


def prose(text: str) -> str:
    """Returns a document without its fenced code blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    """Returns the anchors that GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.*)$", prose(path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(path: Path) -> Iterator[list[str]]:
    """Yields the words of each command in a document's shell blocks and code spans."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    for line in [*lines, *re.findall(r"`([^`\n]+)`", prose(text))]:
        if re.match(r"(cd|make|npm|anir-\w+|(\S*/)?python)\b", line):
            for part in line.split("&&"):
                words = shlex.split(part, comments=True)
                yield [words[0].rsplit("/", 1)[-1], *words[1:]]


def options_of(app: typer.Typer) -> set[str]:
    """Returns the options of a typer command line."""
    return {option for parameter in typer.main.get_command(app).params for option in parameter.opts}


def flags_of(parser: ArgumentParser) -> set[str]:
    """Returns the options of an argparse command line."""
    return {option for action in parser._actions for option in action.option_strings}


def options(command: list[str]) -> set[str]:
    """Returns a command's options. Raises KeyError or ModuleNotFoundError if there is no such command."""
    if command[0] == "anir-run":
        return flags_of(run_parser())
    if command[0].startswith("anir-"):
        return options_of(APPS[command[0].removeprefix("anir-")])
    if command[:3] == ["python", "-m", "tests.fuzz"]:
        return {"-m"} | flags_of(fuzz_parser())
    if command[:2] == ["python", "-m"]:
        module = importlib.import_module(command[2])
        if hasattr(module, "parser"):
            return {"-m"} | flags_of(module.parser())
        return {"-m"} | (options_of(module.app) if hasattr(module, "app") else set())
    return set(command)


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path.read_text(encoding="utf-8"))):
        if "://" not in target:
            file, _, anchor = target.partition("#")
            linked = (path.parent / file).resolve() if file else path
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_commands_and_their_options_exist(path: Path) -> None:
    for command in commands(path):
        given = {word for word in command[1:] if re.match(r"--?[a-z]", word)}
        assert given <= options(command), command


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_make_targets_and_npm_scripts_exist(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    scripts = json.loads((ROOT / "web_demo/package.json").read_text(encoding="utf-8"))["scripts"]
    for command in commands(path):
        if command[0] == "make":
            for word in command[1:]:
                name, is_variable, _ = word.partition("=")
                wanted = rf"\({name}\)" if is_variable else rf"^{name}:"
                assert re.search(wanted, makefile, re.MULTILINE), word
        if command[:2] == ["npm", "run"]:
            assert command[2] in scripts, command


def test_options_named_alone_in_the_readme_exist() -> None:
    known = set().union(*(options([name]) for name in ("anir-run", "anir-train", "anir-export", "anir-eval")))
    spans = re.findall(r"`(--[a-z-]+)[^`\n]*`", prose(README.read_text(encoding="utf-8")))
    assert spans
    assert set(spans) <= known


def test_the_format_document_lists_every_field(model: Model) -> None:
    text = (ROOT / "docs/format.md").read_text(encoding="utf-8")
    [trunk, *_] = model.trunks.values()
    names = [field.name for kind in (Manifest, Source, Entry, model, trunk) for field in fields(kind)]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_format_names_the_bytes_of_its_tables() -> None:
    text = (ROOT / "docs/format.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+\.bin)` \| ([\d,]+) \| `([0-9a-f]{64})` \|$", text, re.MULTILINE)
    assert len(rows) == 4
    for path, size, digest in rows:
        data = (ROOT / path).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (int(size.replace(",", "")), digest), path
