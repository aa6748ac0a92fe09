"""JPEG, WebP and AVIF files of the subnets' sizes, for the page to compare with.

Writes `codecs/` into each exported folder: the files, and codecs.json, which says which one goes with
which subnet. Where a codec cannot get as small as a subnet, that is its smallest file.

Usage: python -m bench.page_codecs exported/*/
"""

import json
import shutil
from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer
from anir_runtime.files import replacing
from anir_runtime.manifest import Manifest
from anir_runtime.picture_file import as_pillow
from anir_toolchain.image import WHITE, load_image
from anir_toolchain.terminal import run

from bench.codecs import CODECS, best_within

_SUFFIXES = {"JPEG": "jpg", "WEBP": "webp", "AVIF": "avif"}
app = typer.Typer(add_completion=False)


@app.command()
def encode_all(
    folders: Annotated[list[Path], typer.Argument(help="Exported folders with their source picture beside.")],
) -> None:
    """Encodes the source picture as closely as the bytes of each subnet allow."""
    for folder in folders:
        encode_folder(folder)


def encode_folder(folder: Path) -> None:
    """Replaces `codecs/` of one exported folder; subnets that get the same quality share a file."""
    manifest = Manifest.load(folder)
    image = load_image(manifest.source.picture(folder), WHITE)
    target = folder / "codecs"
    shutil.rmtree(target, ignore_errors=True)
    subnets = {}
    for entry in manifest.subnets:
        rows: dict[str, object] = {"subnet_bytes": entry.bytes}
        for codec, suffix in _SUFFIXES.items():
            best = best_within(image, codec, entry.bytes)
            file = f"q{best['quality']}.{suffix}"
            buffer = BytesIO()
            as_pillow(image).save(buffer, codec, quality=best["quality"], **CODECS[codec])
            with replacing(target / file) as temporary:
                temporary.write_bytes(buffer.getvalue())
            rows[codec.lower()] = {"file": file, "bytes": best["bytes"], "psnr": round(best["psnr"], 3)}
        subnets[entry.name] = rows
    with replacing(target / "codecs.json") as temporary:
        temporary.write_text(json.dumps(subnets, indent=1) + "\n")
    files = len(list(target.iterdir())) - 1
    print(f"{target}: {files} files for {len(subnets)} subnets")


if __name__ == "__main__":
    raise SystemExit(run(app, "bench.page_codecs", None))
