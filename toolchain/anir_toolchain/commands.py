"""What the command lines do: parse, call the library, print."""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from anir_runtime.errors import AnirError, UsageError
from anir_runtime.manifest import Manifest
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from anir_toolchain.checkpoint import load_model, save_model
from anir_toolchain.config import Config
from anir_toolchain.evaluate import as_dict, as_table, evaluate, plot
from anir_toolchain.export import export
from anir_toolchain.image import load_image
from anir_toolchain.progress import OnProgress, Progress
from anir_toolchain.training import fit


def train(
    pictures: Annotated[
        list[Path], typer.Argument(metavar="IN...", help="Pictures of any kind that Pillow opens.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The model; a folder if there are several pictures.")
    ],
    family: Annotated[str, typer.Option(help="siren, lapped, fourier or gabor.")] = "siren",
    bits: Annotated[int, typer.Option(help="Bits of a hidden weight: 4 or 8.")] = 4,
    preset: Annotated[str, typer.Option(help="fast, balanced or best.")] = "balanced",
    steps: Annotated[int | None, typer.Option(help="Training steps, if not the preset's.")] = None,
    depths: Annotated[str | None, typer.Option(help="Rising, like 2,3,4,5.")] = None,
    widths: Annotated[
        str | None, typer.Option(help="Rising, like 64,96,128,192; by default to suit the picture.")
    ] = None,
    seed: Annotated[
        int, typer.Option(help="The same seed on the same kind of device gives the same bytes.")
    ] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")] = False,
) -> None:
    """Fits pictures, each with one supernet of sixteen subnets."""
    config = Config(
        family, bits, preset, _numbers(depths, "--depths"), _numbers(widths, "--widths"), seed, device, steps
    )
    config.check()
    for picture, target in _targets(pictures, output):
        _train_one(picture, target, config, resume)


def _targets(pictures: list[Path], output: Path) -> list[tuple[Path, Path]]:
    if len(pictures) == 1 and not output.is_dir():
        return [(pictures[0], output)]
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file; for several pictures -o is a folder")
    targets = [(picture, output / f"{picture.stem}.pt") for picture in pictures]
    names = [target.name for _, target in targets]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two pictures would both become {output / name}; train them apart")
    return targets


def _train_one(picture: Path, target: Path, config: Config, resume: bool) -> None:
    image = load_image(picture)
    state = target.with_name(f"{target.name}.resume")
    if state.exists() and not resume:
        raise AnirError(f"{state} is left from an interrupted run: go on with --resume, or remove it")
    if target.is_dir():
        raise AnirError(f"{target}: is a folder; name a file")
    try:
        with progress_bar() as show:
            model = fit(image, config, source=picture.name, on_progress=show, state=state)
    except KeyboardInterrupt as interrupt:
        raise AnirError(f"interrupted; the same command with --resume goes on from {state}") from interrupt
    save_model(model, target)
    state.unlink()
    print(f"{target}: {len(model.space.subnets)} subnets of {picture.name}")


def export_subnets(
    model_path: Annotated[Path, typer.Argument(metavar="MODEL", help="A model.pt of anir-train.")],
    all_subnets: Annotated[bool, typer.Option("--all-subnets", help="Export every subnet.")] = False,
    subnet: Annotated[list[str] | None, typer.Option(help="A subnet like d3w64; may be repeated.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The folder; by default exported/<model's name>.")
    ] = None,
) -> None:
    """Writes subnets as ONNX files with a manifest."""
    if all_subnets == bool(subnet):
        raise UsageError("say either --all-subnets or --subnet NAME (one or more)")
    model = load_model(model_path)
    chosen = [model.space.find(name) for name in subnet] if subnet else None
    directory = output or Path("exported") / model_path.stem
    manifest = export(model, directory, chosen)
    sizes = [entry.bytes for entry in manifest.subnets]
    span = f"{min(sizes):,} to {max(sizes):,} bytes" if len(sizes) > 1 else f"{sizes[0]:,} bytes"
    print(f"{directory}: {', '.join(entry.file for entry in manifest.subnets)} and manifest.json, {span}")


def evaluate_subnets(
    source: Annotated[Path, typer.Argument(metavar="MODEL|DIR", help="A model.pt or an exported folder.")],
    picture: Annotated[
        Path | None,
        typer.Argument(metavar="[IMAGE]", help="Compare with this picture, not with the one fitted."),
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    plot_path: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw the rate-distortion plot: PNG, SVG or PDF."),
    ] = None,
) -> None:
    """Decodes all subnets and tabulates bytes, PSNR and time."""
    if plot_path is not None and plot_path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"{plot_path}: a plot's name ends in .png, .svg or .pdf")
    image = None if picture is None else load_image(picture)
    with tempfile.TemporaryDirectory() as temporary:
        directory = source
        if not source.is_dir():
            directory = Path(temporary)
            export(load_model(source), directory)
        manifest, rows = Manifest.load(directory), evaluate(directory, image)
    title = f"{manifest.source.file}: {manifest.family}, {manifest.bits} bits"
    if plot_path is not None:
        plot(rows, plot_path, title)
    if json_output:
        print(json.dumps(as_dict(rows, manifest), indent=1))
    else:
        Console().print(as_table(rows, title))
        if plot_path is not None:
            print(f"{plot_path}: rate-distortion plot")


@contextmanager
def progress_bar() -> Iterator[OnProgress]:
    """A live line on stderr for `fit`: phase, step, PSNR of three subnets and the time left."""
    # Fits 80 columns: a narrow terminal cuts the time left first.
    columns = (
        TextColumn("{task.description:<6}"),
        BarColumn(bar_width=8),
        TextColumn("step {task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[psnr]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    bar = ProgressBar(*columns, console=Console(stderr=True), refresh_per_second=4)
    task = bar.add_task("", total=1, psnr="")

    def show(at: Progress) -> None:
        # Started by the first report, so that what fails before it prints its error alone.
        bar.start()
        psnr = " ".join(
            [*(f"{name} {value:.1f}" for name, value in at.psnr.items()), "dB" if at.psnr else ""]
        )
        bar.update(task, description=at.phase, completed=at.step, total=at.steps, psnr=psnr)

    try:
        yield show
    finally:
        if bar.live.is_started:
            bar.stop()


def _numbers(text: str | None, option: str) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"{option} {text}: write whole numbers with commas, like 2,3,4,5") from error


def _app(command: Callable[..., None]) -> typer.Typer:
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return app


APPS = {"train": _app(train), "export": _app(export_subnets), "eval": _app(evaluate_subnets)}
