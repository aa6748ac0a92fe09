"""Makes models of finished trainings, and of pictures that need no training."""

from dataclasses import replace

import torch
from anir_runtime.level_step import LevelStep

from anir_toolchain.instant import instant_space
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.lapped_networks import choose_networks, common_trunk
from anir_toolchain.levels import level_bytes, level_order
from anir_toolchain.levels_by_synthesis import levels_by_synthesis
from anir_toolchain.model import Model, QuantizedTrunk
from anir_toolchain.progress import Progress
from anir_toolchain.space import Subnet
from anir_toolchain.training_state import Task, Training
from anir_toolchain.trunk_heads import with_best_heads


def untrained_model(task: Task) -> Model | None:
    """Returns the model of a picture that needs no training; None if it needs one."""
    space = instant_space(task.config, task.image)
    if space is None:
        return None
    task.report(Progress("codes", 0, 0, {}))
    analysis = analyse(task.image, task.pitch, task.colours)
    levels, chosen = levels_by_synthesis(task.image, analysis, space, task.config.bits, task.preset.rounds)
    own = dict(zip(level_order(space), levels, strict=True))
    trunks = {}
    for width in space.widths:
        subnets = [Subnet(depth, width) for depth in space.depths]
        trunks[width] = common_trunk(subnets, [own[subnet].network.tensors for subnet in subnets])
    model = _model(task, trunks, tuple(level.step for level in levels))
    return model if chosen is analysis else replace(model, coefficients=chosen.coefficients)


@torch.no_grad()
def to_model(task: Task, training: Training) -> Model:
    """Returns the trained networks as codes, with least-squares heads, or common networks where better."""
    trunks = training.trunks
    if task.family.has_latents:
        order = level_order(task.space)
        ends = dict(zip(order, level_bytes(order, task.size, task.picture.colours), strict=True))
        quantized = choose_networks(
            trunks, training.step > 0, task.picture, task.colours, training.features, ends
        )
    else:
        quantized = {
            width: with_best_heads(trunk, task.picture, training.features) for width, trunk in trunks.items()
        }
    return _model(task, quantized, training.steps)


def _model(task: Task, trunks: dict[int, QuantizedTrunk], steps: tuple[LevelStep, ...]) -> Model:
    return Model(
        family_name=task.config.family,
        bits=task.config.bits,
        space=task.space,
        preset=task.config.schedule_name,
        seed=task.config.seed,
        source=task.source,
        image=torch.from_numpy(task.image.copy()),
        trunks=trunks,
        steps=steps,
        pitch=task.pitch,
    )
