"""Trains several pictures as one batch, since the networks of a single picture are too small for a GPU."""

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
"""Largest number of pictures in a batch."""
_KEPT = 32
"""Upper bound of the numbers in memory per point, layer and channel, gradients included."""


class Batch:
    """The trainings of P pictures that proceed together, each as it would alone.

    Attributes:
        tasks: the task of each picture.
        trainings: the state of each picture's training.
        pictures: the pictures.
        trainers: by width, the trainer of all pictures' trunks.
        generator: draws the pixels of each step, with the same random numbers for all pictures.
    """

    def __init__(self, tasks: Sequence[Task], trainings: Sequence[Training]) -> None:
        """Joins trainings for which `_alike` is equal."""
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
        """Number of optimizer steps done."""
        return self.trainings[0].step

    @step.setter
    def step(self, step: int) -> None:
        for training in self.trainings:
            training.step = step

    def state(self, picture: int) -> Training:
        """Returns a picture's training, by its number, with its trainers' states, so that it can be saved."""
        trainers = {width: trainer.state(picture) for width, trainer in self.trainers.items()}
        return replace(self.trainings[picture], trainers=trainers)


def batches(tasks: Sequence[Task], trainings: Sequence[Training]) -> Iterator[Batch]:
    """Groups trainings into batches, one for each value of `_alike`."""
    groups: dict[Hashable, list[int]] = {}
    for i, (task, training) in enumerate(zip(tasks, trainings, strict=True)):
        groups.setdefault(_alike(task, training), []).append(i)
    for group in groups.values():
        yield Batch([tasks[i] for i in group], [trainings[i] for i in group])


def _alike(task: Task, training: Training) -> Hashable:
    """Returns a key that is equal for trainings that can continue as one batch."""
    shape = _shape(task.picture.size, task.picture.colours, task.space, task.preset.batch)
    return shape, task.preset, task.config, training.step, training.generator.get_state().numpy().tobytes()


def _shape(size: tuple[int, int], colours: int, space: Space, count: int) -> Hashable:
    """Returns a key that is equal for pictures with equal network shapes and as many points per step."""
    return colours, space, math.prod(cells(size, count))


def shape_of(image: NDArray[np.uint8], config: Config) -> Hashable:
    """Returns a key that is equal for pictures uint8[H, W, N] whose trainings can start as one batch."""
    height, width, colours = image.shape
    return _shape((width, height), colours, config.space(width, height, colours), config.schedule().batch)


def most_pictures(image: NDArray[np.uint8], config: Config) -> int:
    """Returns how many pictures like this one, uint8[H, W, N], a batch should have.

    On a CUDA device it is as many as half of the free memory holds, up to _MOST. On a CPU it is 1, as one
    picture keeps it busy; so it is in a family with latents, where most time goes into coding on the CPU.
    """
    if config.torch_device().type == "cpu" or family(config.family).has_latents:
        return 1
    free, _ = torch.cuda.mem_get_info()
    height, width, colours = image.shape
    space, points = config.space(width, height, colours), config.schedule().batch
    needed = 4 * _KEPT * points * sum(space.widths) * space.depths[-1] + image.nbytes
    return min(max(1, free // (2 * needed)), _MOST)
