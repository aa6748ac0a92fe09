"""Jobs, each a picture and its target: finds them from a command line's names, and tells which are done."""

import os
import time
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from anir_runtime.anir_header import MAGIC, MAX_STORED_PSNR
from anir_runtime.decoder import Decoder
from anir_runtime.errors import AnirError, AnirWarning, UsageError
from numpy.typing import NDArray

from anir_toolchain.config import Config
from anir_toolchain.image import Colour, picture_suffixes
from anir_toolchain.level_file import ANIR, LevelFile
from anir_toolchain.metrics import psnr

MODEL = ".pt"
"""Suffix of a model's file name."""
_SAME_PSNR = 0.35
"""Largest error in dB of the PSNR that a file states: rounded to a quarter, and sampled in large pictures."""
_ZIP = b"PK"
"""First bytes of a model.pt."""


@dataclass(frozen=True)
class Job:
    """A picture to fit, and the model or `.anir` file to write."""

    picture: Path
    target: Path

    @property
    def state(self) -> Path:
        """File with the state from which an interrupted training is resumed."""
        return self.target.with_name(f"{self.target.name}.resume")

    @property
    def becomes_anir(self) -> bool:
        """Whether the target is an `.anir` file."""
        return self.target.suffix.lower() == ANIR


@dataclass(frozen=True)
class Options:
    """The options that hold for all pictures of a command.

    Attributes:
        config: what to fit and how.
        background: colour to put behind transparent parts; None keeps the transparency.
        force: whether to fit again what is done already.
        batch: number of pictures that are trained at once; by default that of `most_pictures`.
    """

    config: Config
    background: Colour | None = None
    force: bool = False
    batch: int | None = None


@dataclass(frozen=True)
class Outcome:
    """The result of a job.

    Attributes:
        job: the job.
        failure: error message in one line; empty on success.
        fitted: whether the picture was fitted now; if not, the target existed already (or the job failed).
        bytes: size of the target.
        psnr: PSNR in dB of the largest subnet, for a model estimated on a sample of pixels; None if unknown.
        seconds: time that the job took; in a batch, its share.
    """

    job: Job
    failure: str = ""
    fitted: bool = False
    bytes: int = 0
    psnr: float | None = None
    seconds: float = 0.0


def find_jobs(inputs: Iterable[Path], output: Path, recursive: bool, suffix: str = MODEL) -> list[Job]:
    """Returns the jobs for inputs, which are pictures or folders of pictures.

    A single picture is written to `output`, unless that is a folder. Otherwise `output` is the folder of the
    targets; the structure of folders below an input folder is kept. A target is named like its picture, with
    `suffix` in place of the extension, or appended to it where pictures differ in their extension alone.

    Raises:
        UsageError: if two pictures have the same target, a target would overwrite a picture, or `output` does
            not suit the inputs and `suffix`.
        AnirError: if a folder has no pictures.
    """
    inputs = list(inputs)
    if len(inputs) == 1 and not inputs[0].is_dir() and not output.is_dir():
        if suffix == ANIR and output.suffix.lower() != ANIR:
            raise UsageError(f"-o {output}: the name of an .anir file ends in {ANIR}")
        if output.suffix.lower() not in (MODEL, ANIR):
            raise UsageError(f"-o {output}: end the name in {ANIR} or {MODEL}, or name a folder that exists")
        jobs = [Job(inputs[0], output)]
    else:
        if output.exists() and not output.is_dir():
            raise UsageError(f"{output} is a file; for several pictures -o is a folder")
        if output.suffix.lower() in (MODEL, ANIR):
            raise UsageError(
                f"-o {output}: for several pictures -o is a folder; --anir writes {ANIR} files to it"
            )
        jobs = _named((placed for name in inputs for placed in _pictures(name, output, recursive)), suffix)
    _protect_pictures(jobs)
    return jobs


def _pictures(name: Path, output: Path, recursive: bool) -> list[tuple[Path, Path]]:
    """Returns the pictures of an input, each with the folder of its target."""
    if not name.is_dir():
        return [(name, output)]
    suffixes = picture_suffixes()
    pictures = [
        file
        for file in _files(name, recursive)
        if file.suffix.lower() in suffixes and not file.name.startswith(".") and _may_be_picture(file)
    ]
    if not pictures:
        hint = "" if recursive else "; --recursive looks into the folders in it, too"
        raise AnirError(f"{name}: no pictures in this folder{hint}")
    return [(picture, output / picture.parent.relative_to(name)) for picture in pictures]


def _files(folder: Path, recursive: bool) -> list[Path]:
    """Returns the sorted files of a folder; subfolders that cannot be read are left out with a warning."""

    def left_out(error: OSError) -> None:
        reason = f"cannot be read ({error.strerror}), so its pictures are left out"
        warnings.warn(f"{error.filename}: {reason}", AnirWarning, stacklevel=2)

    found = os.walk(folder, onerror=left_out)
    return sorted(
        Path(own, name) for own, _, names in islice(found, None if recursive else 1) for name in names
    )


def _may_be_picture(path: Path) -> bool:
    """Whether a path is a file, or a link to nothing, which is to be reported rather than skipped."""
    return path.is_file() or not path.exists()


def _named(placed: Iterable[tuple[Path, Path]], suffix: str) -> list[Job]:
    pictures = list(dict.fromkeys(placed))
    stems = Counter(folder / picture.stem.lower() for picture, folder in pictures)
    jobs = []
    for picture, folder in pictures:
        alone = stems[folder / picture.stem.lower()] == 1
        jobs.append(Job(picture, folder / f"{picture.stem if alone else picture.name}{suffix}"))
    for target, times in Counter(job.target for job in jobs).items():
        if times > 1:
            raise UsageError(f"two pictures would both become {target}; train them apart")
    return jobs


def _protect_pictures(jobs: list[Job]) -> None:
    pictures = {_identity(job.picture) for job in jobs} - {None}
    for job in jobs:
        for written in (job.target, job.state):
            if _identity(written) in pictures:
                raise UsageError(f"{written} is a picture, which the model would replace; name another -o")


def _identity(path: Path) -> tuple[int, int] | None:
    """Returns a key that is equal for all names of a file; None if the file cannot be accessed."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def refuse_foreign_target(job: Job) -> None:
    """Raises AnirError if the target exists and is a folder, cannot be read, or is a file of another kind."""
    kind, beginning = (f"{ANIR} file", MAGIC) if job.becomes_anir else ("model", _ZIP)
    try:
        with job.target.open("rb") as file:
            is_own = file.read(len(beginning)) in (beginning, b"")
    except FileNotFoundError:
        return
    except IsADirectoryError as error:
        raise AnirError(f"{job.target}: is a folder; name a file") from error
    except OSError as error:
        raise AnirError(f"{job.target}: cannot be read ({error.strerror})") from error
    if not is_own:
        raise AnirError(f"{job.target}: is no {kind}; it would be replaced, so name another -o, or remove it")


def remove_state(job: Job) -> None:
    """Removes a job's saved state, if there is one. Raises AnirError if it cannot be removed."""
    try:
        job.state.unlink(missing_ok=True)
    except OSError as error:
        raise AnirError(f"{job.state}: cannot be removed ({error.strerror})") from error


def remove_state_of_done(job: Job) -> None:
    """Removes the state of a job whose target has been written; warns if it cannot be removed."""
    try:
        remove_state(job)
    except AnirError as error:
        warnings.warn(str(error), AnirWarning, stacklevel=2)


def is_done(job: Job, image: NDArray[np.uint8], config: Config) -> bool:
    """Whether the target already is the result for these pixels and this configuration."""
    done = _levels_are_done if job.becomes_anir else _model_is_done
    return done(job, image, config)


def _levels_are_done(job: Job, image: NDArray[np.uint8], config: Config) -> bool:
    """Whether an `.anir` file has the configuration's levels, and shows the pixels with the PSNR it states.

    The preset and the seed are not compared, as the file does not have them. As its PSNR does not tell of
    small changes, a picture that was written later than the file counts as another one; a time in the future
    says nothing.
    """
    try:
        if job.target.stat().st_mtime_ns < job.picture.stat().st_mtime_ns <= time.time_ns():
            return False
        levels = LevelFile.read(job.target)
        levels.check_complete()
    except (AnirError, OSError):
        return False
    height, width, colours = image.shape
    header, names = levels.header, {subnet.name for subnet in config.space(width, height, colours).subnets}
    has = (header.family, header.bits, header.size, header.colours, {level.name for level in levels.complete})
    if has != (config.family, config.bits, (width, height), colours, names):
        return False
    try:
        ((last, network),) = levels.networks({header.levels[-1].name})
    except AnirError:
        return False
    shown = min(psnr(Decoder(network).decode(), image), MAX_STORED_PSNR)
    return abs(shown - last.psnr[0]) < _SAME_PSNR


def _model_is_done(job: Job, image: NDArray[np.uint8], config: Config) -> bool:
    """Whether the model has these pixels and this configuration, so that another fit would give the same."""
    if not job.target.exists():
        return False
    from anir_toolchain.checkpoint import load_model

    try:
        model = load_model(job.target)
    except AnirError:
        return False
    height, width, colours = image.shape
    space = config.space(width, height, colours)
    wanted = (config.family, config.bits, config.schedule_name, config.seed, space)
    has = (model.family_name, model.bits, model.preset, model.seed, model.space)
    return has == wanted and np.array_equal(model.image.numpy(), image)
