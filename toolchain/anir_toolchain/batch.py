"""Pictures that are trained as one batch, since the networks of one are too small for a GPU."""

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from anir_toolchain.config import Config
from anir_toolchain.families import family
from anir_toolchain.picture import cells
from anir_toolchain.pictures import Pictures
from anir_toolchain.space import Space
from anir_toolchain.training_state import Task, Training
from anir_toolchain.trunk_trainer import TrunkTrainer

_MOST = 64
"""Pictures of a batch, at most."""
_KEPT = 32
"""Numbers that a point takes in each layer for each of its channels, gradients included, at most."""


class Batch:
    """Trainings of P pictures that go on together, each as it would alone.

    Attributes:
        tasks: what is trained, a task for each picture.
        trainings: how far each is.
        pictures: the pictures.
        trainers: of the trunks of all pictures, by width.
        generator: draws the pixels of each step, for all pictures alike.
    """

    def __init__(self, tasks: Sequence[Task], trainings: Sequence[Training]) -> None:
        """Takes pictures that are `_alike`."""
        self.tasks, self.trainings = tasks, trainings
        self.pictures = Pictures([task.picture for task in tasks], tasks[0].preset.batch)
        self.generator = trainings[0].generator
        for training in trainings:
            training.generator = self.generator
        self.trainers = {}
        for width in tasks[0].space.widths:
            trainer = TrunkTrainer([training.trunks[width] for training in trainings])
            if trainings[0].trainers:
                trainer.restore([training.trainers[width] for training in trainings])
            for training, trunk in zip(trainings, trainer.parts, strict=True):
                training.trunks[width] = trunk
            self.trainers[width] = trainer

    @property
    def step(self) -> int:
        """Number of steps done."""
        return self.trainings[0].step

    @step.setter
    def step(self, step: int) -> None:
        for training in self.trainings:
            training.step = step

    def state(self, picture: int) -> Training:
        """The training of a picture by its number, with the states of its trainers: it can be saved."""
        trainers = {width: trainer.state(picture) for width, trainer in self.trainers.items()}
        return replace(self.trainings[picture], trainers=trainers)


def batches(tasks: Sequence[Task], trainings: Sequence[Training]) -> Iterator[Batch]:
    """Trainings as batches of those that are alike, each with all of them."""
    groups: dict[Hashable, list[int]] = {}
    for i, (task, training) in enumerate(zip(tasks, trainings, strict=True)):
        groups.setdefault(_alike(task, training), []).append(i)
    for group in groups.values():
        yield Batch([tasks[i] for i in group], [trainings[i] for i in group])


def _alike(task: Task, training: Training) -> Hashable:
    """The same for trainings that can go on as one batch."""
    shape = _shape(task.picture.size, task.picture.colours, task.space, task.preset.batch)
    return shape, task.preset, task.config, training.step, training.generator.get_state().numpy().tobytes()


def _shape(size: tuple[int, int], colours: int, space: Space, count: int) -> Hashable:
    """The same for pictures of size (W, H) whose networks have one shape, and whose steps as many points."""
    return colours, space, math.prod(cells(size, count))


def shape_of(image: NDArray[np.uint8], config: Config) -> Hashable:
    """The same for pictures uint8[H, W, N] that can be trained as one batch from the beginning."""
    height, width, colours = image.shape
    return _shape((width, height), colours, config.space(width, height, colours), config.schedule().batch)


def most_pictures(image: NDArray[np.uint8], config: Config) -> int:
    """How many pictures like this one, uint8[H, W, N], a batch should have.

    On a CUDA device as many as half of its free memory holds, at most _MOST. One on a CPU, which one picture
    keeps busy, and of a family with latents, whose time goes into codes, chosen on the CPU.
    """
    if config.torch_device().type == "cpu" or family(config.family).has_latents:
        return 1
    free, _ = torch.cuda.mem_get_info()
    height, width, colours = image.shape
    space, points = config.space(width, height, colours), config.schedule().batch
    needed = 4 * _KEPT * points * sum(space.widths) * space.depths[-1] + image.nbytes
    return min(max(1, free // (2 * needed)), _MOST)
