"""Lists all modules with their first sentences, for docs/modules.md."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_FOLDERS = {
    "runtime_py/anir_runtime": "The Python runtime: reads networks and draws them.",
    "toolchain/anir_toolchain": "The toolchain: trains, quantizes, exports and evaluates.",
    "web_demo/neural-img": "The npm package: the same networks, drawn in the browser.",
    "web_demo/src": "The demo page.",
    "bench": "Benchmarks, and the commands that write these documents.",
}
_FOREIGN = frozenset(["node_modules", "dist", "generated"])
_DOC_COMMENT = re.compile(r"/\*\*(.*?)\*/", re.DOTALL)


def module_map() -> str:
    """Returns a section for each folder of source code, with a Markdown table of its modules."""
    sections = []
    for folder, about in _FOLDERS.items():
        found = (path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in (".py", ".ts"))
        paths = [path.relative_to(ROOT / folder) for path in found]
        own = [path for path in paths if not _FOREIGN.intersection(path.parts)]
        rows = [f"| `{path.as_posix()}` | {summary(ROOT / folder / path)} |" for path in own]
        sections.append("\n".join([f"## {folder}", "", about, "", "| module | |", "|---|---|", *rows]))
    return "\n\n".join(sections)


def summary(path: Path) -> str:
    """Returns the first sentence of a module's docstring, or of a TypeScript file's first doc comment."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        comment = ast.get_docstring(ast.parse(text)) or ""
    else:
        leading = _DOC_COMMENT.search(text)
        comment = re.sub(r"^\s*\*", "", leading[1], flags=re.MULTILINE) if leading else ""
    paragraph = " ".join(comment.strip().split("\n\n")[0].split())
    sentence = re.match(r".*?[.!?](?=\s+[A-Z`]|$)", paragraph)
    return (sentence[0] if sentence else paragraph).replace("|", "\\|")
