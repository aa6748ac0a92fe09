"""What a picture's training works on: the immutable task, and the mutable state, which can be saved."""

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from anir_runtime.common_networks import Colours
from anir_runtime.errors import AnirError
from anir_runtime.lapped_transform import PITCHES
from anir_runtime.level_step import LevelStep
from anir_runtime.network import Latents
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.checkpoint import read_state, steps_from_state, steps_state, write_state
from anir_toolchain.config import Config
from anir_toolchain.embedding import latents_after
from anir_toolchain.families import Family, family
from anir_toolchain.features import LatentFeatures
from anir_toolchain.image import rms_frequency
from anir_toolchain.lapped_analysis import analyse, colours_of
from anir_toolchain.lapped_pitch import best_pitch
from anir_toolchain.levels import level_order
from anir_toolchain.picture import Picture
from anir_toolchain.presets import Preset
from anir_toolchain.progress import OnProgress, ignore
from anir_toolchain.sample import is_large, sample_of
from anir_toolchain.space import Space
from anir_toolchain.trunk import Parameters, Trunk
from anir_toolchain.trunk_trainer import State

_CHECK_PIXELS = 8192
"""Number of pixels on which PSNR is estimated."""
_STATE = "training"


@dataclass(frozen=True)
class Task:
    """What is trained and how: everything that stays the same during a training.

    Attributes:
        image: the picture to be fitted, uint8[H, W, N].
        config: the configuration that the user asked for.
        pool: thread pool that runs trunks and tiles of pixels in parallel.
        source: the picture's file name.
        state: file in which the training's state is kept; None to keep none.
        report: callback for progress.
    """

    image: NDArray[np.uint8]
    config: Config
    pool: Executor
    source: str = "image"
    state: Path | None = None
    report: OnProgress = ignore

    @cached_property
    def picture(self) -> Picture:
        """The picture to train on: `image`, or a sample of it if it is large and the family has latents."""
        is_sampled = self.family.has_latents and is_large(self.image)
        return Picture(
            sample_of(self.image, self.pitch) if is_sampled else self.image, self.config.torch_device()
        )

    @cached_property
    def family(self) -> Family:
        """The family of the networks."""
        return family(self.config.family)

    @cached_property
    def space(self) -> Space:
        """The subnets."""
        height, width, colours = self.image.shape
        return self.config.space(width, height, colours)

    @cached_property
    def preset(self) -> Preset:
        """The schedule."""
        return self.config.schedule()

    @cached_property
    def colours(self) -> Colours:
        """The map from the lapped transform's planes to colours, for both `image` and `picture`."""
        return colours_of(self.image)

    @cached_property
    def pitch(self) -> int:
        """Pixels from one cell of the lapped transform to the next, the least possible without latents."""
        return best_pitch(self.image, self.colours) if self.family.has_latents else PITCHES[0]

    @property
    def size(self) -> tuple[int, int]:
        """(W, H) of `image` in pixels."""
        return self.image.shape[1], self.image.shape[0]


@dataclass
class Training:
    """A picture's training in progress: everything that its steps change.

    Attributes:
        trunks: the trunks by width; while the picture is trained in a batch, their tensors are views of the
            batch's.
        features: the latent features of the subnets, empty if the family has no latents.
        generator: draws the pixels of each optimizer step.
        check: indices of the pixels on which PSNR is estimated.
        step: number of optimizer steps done.
        steps: how each level refines the coefficients (`LevelStep`), in the order of `level_order`.
        trainers: the saved states of the trunks' trainers by width; empty before the first step.
    """

    trunks: dict[int, Trunk]
    features: LatentFeatures
    generator: torch.Generator
    check: Tensor
    step: int = 0
    steps: tuple[LevelStep, ...] = ()
    trainers: dict[int, State] = field(default_factory=dict)


def random_networks(task: Task) -> Training:
    """Returns a training before its first step, without latents."""
    # On the CPU, so that the random numbers do not depend on the device.
    generator = torch.Generator().manual_seed(task.config.seed)
    picture, depths, bits = task.picture, task.space.depths, task.config.bits
    bandwidth = _first_bandwidth(picture.image)
    trunks = {}
    for width in task.space.widths:
        trunk = Trunk.create(
            task.family, depths, width, bits, task.size, picture.colours, bandwidth, generator
        )
        trunks[width] = trunk.to(picture.device)
    check = picture.random_pixels(_CHECK_PIXELS, generator)
    return Training(trunks, LatentFeatures({}, picture, task.pool), generator, check)


def _first_bandwidth(image: NDArray[np.uint8]) -> float:
    """Returns the bound of the initial first-layer frequencies, in radians per half mean side.

    A multiple of the square root of the picture's RMS frequency: it came close to the best values for smooth
    pictures (20 to 30) as well as for textured ones (40).
    """
    return min(max(5 * math.sqrt(rms_frequency(image)), 5.0), 60.0)


def latents_in_training(task: Task, steps: Iterable[LevelStep]) -> Iterator[Latents]:
    """Yields the latents of the picture that is trained on (`Task.picture`), one after each of the steps."""
    return latents_after(analyse(task.picture.image, task.pitch, task.colours).coefficients, steps)


def features_of(task: Task, latents: Iterable[Latents]) -> LatentFeatures:
    """Returns the networks' features of latents, which are given for all levels in `level_order`."""
    own = dict(zip(level_order(task.space), latents, strict=True))
    return LatentFeatures({subnet: own[subnet] for subnet in task.space.subnets}, task.picture, task.pool)


def save(task: Task, training: Training, path: Path) -> None:
    """Writes all that `load` needs to continue the training exactly where it is."""
    state = {
        "config": asdict(task.config),
        "image": torch.from_numpy(task.image.copy()),
        "step": training.step,
        "trunks": {width: _copied(trunk.parameters) for width, trunk in training.trunks.items()},
        "trainers": training.trainers,
        "generator": training.generator.get_state(),
        "check": training.check,
        "steps": steps_state(training.steps),
        "pitch": task.pitch,
    }
    write_state(path, _STATE, state)


def _copied(parameters: Parameters) -> Parameters:
    """Copies views of a batch's tensors: torch would save a view together with the whole tensor."""
    return {name: value.detach().clone() for name, value in parameters.items()}


def load(task: Task, path: Path) -> Training:
    """Reads a training that `save` wrote. Raises AnirError if its picture or configuration is another one."""
    state = read_state(path, _STATE)
    same = state["config"] == asdict(task.config) and state["pitch"] == task.pitch
    if not same or not np.array_equal(state["image"].numpy(), task.image):
        raise AnirError(f"{path}: the state of another picture or of other options")
    training = random_networks(task)
    training.steps = steps_from_state(state["steps"])
    if training.steps:
        training.features = features_of(task, latents_in_training(task, training.steps))
    for width, trunk in training.trunks.items():
        for name, value in state["trunks"][width].items():
            trunk.parameters[name].detach().copy_(value)
    training.trainers = state["trainers"]
    training.generator.set_state(state["generator"])
    training.check = state["check"].to(task.picture.device)
    training.step = state["step"]
    return training
