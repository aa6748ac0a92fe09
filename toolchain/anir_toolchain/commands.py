"""The commands `anir-train`, `anir-export` and `anir-eval`: parse arguments, call the library, print."""

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from anir_runtime.anir_header import FAMILIES, Header, check_count, family_number
from anir_runtime.errors import AnirError, InterruptError, UsageError
from anir_runtime.manifest import Manifest
from anir_runtime.terminal import say, tell, version
from numpy.typing import NDArray
from rich.console import Console

from anir_toolchain.anir_export import export_anir
from anir_toolchain.config import Config
from anir_toolchain.display import show
from anir_toolchain.evaluate import Row, as_dict, as_table, evaluate, evaluate_levels, plot
from anir_toolchain.image import Colour, load_image, parse_colour
from anir_toolchain.jobs import MODEL, Options, Outcome, find_jobs
from anir_toolchain.level_file import ANIR, LevelFile, is_anir
from anir_toolchain.space import DEPTHS, WIDTHS, Space
from anir_toolchain.summary import as_summary, failures, one_line
from anir_toolchain.workers import run_all

Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but warnings and errors.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        say(version())
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
]
Background = Annotated[
    str | None,
    typer.Option(help="Put a colour, like white or #ff8000, behind transparent parts.", metavar="COLOUR"),
]


def train(
    pictures: Annotated[
        list[Path],
        # One that cannot be read fails alone, as if it were damaged.
        typer.Argument(metavar="PICTURES", help="Pictures of any kind, or folders of them.", readable=False),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="What to write: an .anir file, or a model (.pt) for anir-export; "
            "a folder if there are several pictures.",
        ),
    ],
    family: Annotated[str, typer.Option(help=f"One of {', '.join(FAMILIES)}.")] = "lapped",
    bits: Annotated[int, typer.Option(help="Bits of each hidden weight: 4 or 8.")] = 4,
    preset: Annotated[
        str | None,
        typer.Option(
            help="instant, fast, balanced or best; best:20000 sets the number of steps. "
            "By default instant for lapped, else balanced."
        ),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(
            help="Depths and widths, like d2,3,4,5w20,24,28,32 (lapped) or d2,5w48,128 (others); "
            "by default to suit family and size."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    background: Background = None,
    recursive: Annotated[bool, typer.Option("--recursive", help="Look into subfolders, too.")] = False,
    jobs: Annotated[int, typer.Option(help="Pictures processed in parallel.", min=1)] = 1,
    batch: Annotated[
        int | None,
        typer.Option(
            help="Pictures trained as one batch; by default as many as a CUDA device holds, 1 on a CPU.",
            min=1,
        ),
    ] = None,
    ray: Annotated[
        str | None, typer.Option(help="Run on a Ray cluster: local, auto or HOST:PORT.", metavar="ADDRESS")
    ] = None,
    anir: Annotated[bool, typer.Option("--anir", help="Write .anir files instead of models.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Redo pictures that are done already.")] = False,
    quiet: Quiet = False,
    version: Version = False,
) -> None:
    """Makes a neural image, or a model for anir-export, of each picture: sixteen networks, small to large.

    Run the same command again to resume after an interruption; pictures that are done are skipped.
    """
    name, steps = _parse_preset(preset or "")
    depths, widths = _parse_space(space)
    config = Config(family, bits, name, depths, widths, device=device, steps=steps)
    try:
        config.check()
    except AnirError as error:
        raise UsageError(str(error)) from error
    if ray is not None and jobs > 1:
        raise UsageError("say either --jobs or --ray; a cluster fits as many side by side as it has cores")
    if batch is not None and (jobs > 1 or ray is not None):
        raise UsageError("say either --batch or --jobs or --ray; workers train a picture each")
    options = Options(config, _colour(background), force, batch)
    todo = find_jobs(pictures, output, recursive, ANIR if anir else MODEL)
    if any(job.becomes_anir for job in todo):
        _check_anir(config)
    outcomes = []
    try:
        with show(len(todo), quiet) as display:
            for outcome in run_all(todo, options, jobs, display, ray):
                outcomes.append(outcome)
                if outcome.failure and len(todo) > 1:
                    tell(f"anir-train: {outcome.failure}")
    except KeyboardInterrupt as interrupt:
        raise InterruptError("interrupted; the same command goes on where it stopped") from interrupt
    _report(outcomes, quiet)


def _check_anir(config: Config) -> None:
    """Raises AnirError if `.anir` files cannot hold the subnets, before any is trained."""
    family_number(config.family)
    # The numbers of default depths and widths depend neither on the picture nor on the family.
    check_count(len(Space(config.depths or DEPTHS, config.widths or WIDTHS).subnets))


def _report(outcomes: list[Outcome], quiet: bool) -> None:
    """Prints the outcomes. Raises AnirError, naming the pictures that failed, if any did."""
    if len(outcomes) == 1:
        if outcomes[0].failure:
            raise AnirError(outcomes[0].failure)
        if not quiet:
            say(one_line(outcomes[0]))
        return
    if not quiet:
        Console().print(as_summary(outcomes))
    if failed := failures(outcomes):
        raise AnirError(failed)


def _colour(text: str | None) -> Colour | None:
    return None if text is None else parse_colour(text)


def _parse_preset(text: str) -> tuple[str, int | None]:
    """Parses `best` or `best:20000` to the preset's name, which may be empty, and the steps, if any."""
    name, colon, steps = text.partition(":")
    if colon and not (steps.isascii() and steps.isdigit() and len(steps) < 10):
        raise UsageError(f"--preset {text}: write a preset and a number of steps, like best:20000")
    return name, int(steps) if colon else None


def _parse_space(text: str | None) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
    """Parses depths and widths like `d2,3w48,64` or `d3w64`."""
    if text is None:
        return None, None
    numbers = r"(\d{1,5}(?:,\d{1,5})*)"
    match = re.fullmatch(f"d{numbers}w{numbers}", text, re.ASCII)
    if match is None:
        raise UsageError(f"--space {text}: write depths and widths with commas, like d2,3,4,5w48,64,96,128")
    depths, widths = (tuple(int(n) for n in part.split(",")) for part in match.groups())
    return depths, widths


def export_subnets(
    source: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model.pt of anir-train, or an .anir file.")
    ],
    all_subnets: Annotated[bool, typer.Option("--all-subnets", help="Export every subnet.")] = False,
    subnet: Annotated[list[str] | None, typer.Option(help="A subnet like d3w64; may be repeated.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="One .anir file, or a folder; by default exported/<model's name>.",
        ),
    ] = None,
    quiet: Quiet = False,
    version: Version = False,
) -> None:
    """Writes subnets as ONNX files with a manifest, or as levels of one .anir file."""
    if output is not None and output.suffix.lower() == ANIR:
        if is_anir(source):
            raise UsageError(f"{source} is an .anir file already; -o names the folder of its .onnx files")
        if all_subnets and subnet:
            raise UsageError("say either --all-subnets or --subnet NAME (one or more)")
        from anir_toolchain.checkpoint import load_model

        model = load_model(source)
        levels = export_anir(model, output, subnet or None).levels
        if not quiet:
            pictures = f"{len(levels)} pictures" if len(levels) > 1 else levels[0].name
            say(f"{output}: {pictures}, {_span([level.end for level in levels])}")
        return
    if output is not None and output.suffix.lower() == ".onnx":
        raise UsageError(f"-o {output}: name a folder; each subnet becomes an .onnx file in it")
    if all_subnets == bool(subnet):
        raise UsageError("say either --all-subnets or --subnet NAME (one or more)")
    # Here, as onnxscript takes nearly a second to import and is not needed otherwise.
    from anir_toolchain.checkpoint import load_model
    from anir_toolchain.onnx_export import export, export_levels

    directory = output or Path("exported") / source.stem
    if is_anir(source):
        manifest = export_levels(LevelFile.read(source), directory, subnet)
    else:
        model = load_model(source)
        manifest = export(model, directory, subnet or None)
    if not quiet:
        span = _span([entry.bytes for entry in manifest.subnets])
        say(f"{directory}: {', '.join(entry.file for entry in manifest.subnets)} and manifest.json, {span}")


def _span(sizes: list[int]) -> str:
    return f"{min(sizes):,} to {max(sizes):,} bytes" if len(sizes) > 1 else f"{sizes[0]:,} bytes"


def evaluate_subnets(
    source: Annotated[
        Path,
        typer.Argument(metavar="MODEL|DIR", help="A model.pt, an .anir file or an exported folder."),
    ],
    picture: Annotated[
        Path | None,
        typer.Argument(metavar="IMAGE", help="Picture to compare with; by default the one that was fitted."),
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    plot_path: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw the rate-distortion plot: PNG, SVG or PDF."),
    ] = None,
    background: Background = None,
    quiet: Quiet = False,
    version: Version = False,
) -> None:
    """Decodes all subnets, or levels of an .anir file, and tabulates bytes, PSNR and time."""
    colour = _colour(background)
    if colour is not None and picture is None:
        raise UsageError("--background belongs to a picture to compare with; name one after the model")
    if plot_path is not None:
        _check_plot_path(plot_path, source, picture)
    image = None if picture is None else load_image(picture, colour)
    rows, about, title = _evaluated(source, image)
    if plot_path is not None:
        plot(rows, plot_path, title)
    if json_output:
        print(json.dumps(as_dict(rows, about), indent=1, allow_nan=False))
    elif not quiet:
        console = Console()
        console.print(as_table(rows, title, mark="*" if console.options.ascii_only else "●"))
        if plot_path is not None:
            say(f"{plot_path}: rate-distortion plot")


def _evaluated(source: Path, image: NDArray[np.uint8] | None) -> tuple[list[Row], Manifest | Header, str]:
    """Evaluates a model, a folder or an `.anir` file; returns rows, manifest or header, and a title."""
    if is_anir(source):
        levels = LevelFile.read(source)
        header = levels.header
        title = f"{source.name}: {header.family}, {header.bits} bits"
        if len(levels.complete) < len(header.levels):
            title += f", {len(levels.complete)} of {len(header.levels)} levels"
        return evaluate_levels(levels, image), header, title
    with tempfile.TemporaryDirectory() as temporary:
        directory = source
        if not source.is_dir():
            # Here, as torch takes two seconds to import, and onnxscript nearly one.
            from anir_toolchain.checkpoint import load_model
            from anir_toolchain.onnx_export import export

            directory = Path(temporary)
            export(load_model(source), directory)
        manifest = Manifest.load(directory)
        title = f"{manifest.source.file or source.name}: {manifest.family}, {manifest.bits} bits"
        return evaluate(directory, image), manifest, title


def _check_plot_path(plot_path: Path, source: Path, picture: Path | None) -> None:
    """Raises UsageError if a plot's name has an unknown suffix, or is that of an input file."""
    if plot_path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"{plot_path}: a plot's name ends in .png, .svg or .pdf")
    for read in (source, picture):
        if read is not None and plot_path.exists() and read.exists() and plot_path.samefile(read):
            raise UsageError(f"--plot {plot_path} is what the plot is of; name another file")


def _app(command: Callable[..., None]) -> typer.Typer:
    app = typer.Typer()
    app.command()(command)
    return app


APPS = {"train": _app(train), "export": _app(export_subnets), "eval": _app(evaluate_subnets)}
