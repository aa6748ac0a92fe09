"""The training loop: a supernet's trunks learn in step, from the same pixels."""

import math
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.errors import AnirError
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.checkpoint import FORMAT, latents_from_state, latents_state, read_state, write_state
from anir_toolchain.choosing import analyse, choose, principal_colours
from anir_toolchain.config import Config
from anir_toolchain.families import family
from anir_toolchain.image import rms_frequency
from anir_toolchain.lapped import FARTHEST, Latents, seen_by
from anir_toolchain.learner import Learner
from anir_toolchain.space import Subnet
from anir_toolchain.supernet import Trunk

_WARMUP = 50
_TILE_VALUES = 2**17
"""Pixels × channels per forward and backward pass: a layer's activations stay in the cache."""
_CHECK_PIXELS = 8192


@dataclass(frozen=True)
class Progress:
    """How far a fit is.

    Attributes:
        phase: `codes` while those of local cosines are chosen, at first, now and then, and at last; else
            `Fitting.phase`.
        step: how many are done.
        steps: how many there are.
        psnr: estimates in dB for the smallest, a middle and the largest subnet, once there are any.
    """

    phase: str
    step: int
    steps: int
    psnr: dict[str, float]


def bandwidth(image: NDArray[np.uint8]) -> float:
    """The highest first-layer frequency to start from, radians per half mean side: higher for finer pictures.

    The square root suited smooth pictures (20 to 30 is best) and textured ones (40) alike.
    """
    return min(max(5 * math.sqrt(rms_frequency(image)), 5.0), 60.0)


class Fitting:
    """A fit under way: the supernet's trunks, by width, and where they stand."""

    def __init__(self, image: NDArray[np.uint8], config: Config, pool: ThreadPoolExecutor) -> None:
        self.config, self.pool, self.kind = config, pool, family(config.family)
        self.preset = config.schedule()
        self.device = config.torch_device()
        if self.device.type == "cuda":
            # torch loads its CUDA solvers at first use, which must not be in two threads at once.
            torch.linalg.eigh(torch.eye(2, device=self.device))
        self.height, self.width = image.shape[:2]
        self.space = config.space(self.width, self.height)
        self.pixels = torch.from_numpy(image.copy()).reshape(-1, 3).to(self.device)
        self.x = torch.from_numpy(axis_coordinates(self.width)).to(self.device)
        self.y = torch.from_numpy(axis_coordinates(self.height)).to(self.device)
        # On the CPU, so that every device draws the same numbers.
        self.generator = torch.Generator().manual_seed(config.seed)
        self.step = 0
        self.check_seconds = 0.0
        self.latents: dict[Subnet, Latents] = {}
        start = bandwidth(image)
        self.learners = {width: self._create_learner(width, start) for width in self.space.widths}
        self.check = torch.randint(len(self.pixels), (_CHECK_PIXELS,), generator=self.generator).to(
            self.device
        )

    def _create_learner(self, width: int, bandwidth: float) -> Learner:
        size = (self.width, self.height)
        trunk = Trunk.create(
            self.kind, self.space.depths, width, self.config.bits, size, bandwidth, self.generator
        )
        return Learner(trunk.to(self.device))

    @cached_property
    def colours(self) -> NDArray[np.float32]:
        """Those of local cosines' planes, [RGB, planes]."""
        return principal_colours(self.pixels.reshape(self.height, self.width, 3).cpu().numpy())

    def choose_codes(self, image: NDArray[np.uint8]) -> None:
        """Chooses codes of local cosines for each subnet, before the first step."""
        bits = [self.latent_bits(subnet) for subnet in self.space.subnets]
        self.show(dict(zip(self.space.subnets, choose(analyse(image), bits, self.pool), strict=True)))

    def latent_bits(self, subnet: Subnet) -> float:
        """What the codes of a subnet may take."""
        return self.kind.latent_bits(subnet, (self.width, self.height))

    def show(self, latents: dict[Subnet, Latents]) -> None:
        """Takes these codes of local cosines for those of the subnets."""
        self.latents = latents
        planes = self.pool.map(self._framed_planes, latents.values())
        self._planes = dict(zip(latents, planes, strict=True))

    def _framed_planes(self, latents: Latents) -> Tensor:
        """What codes show at every pixel and at those around the picture, float16[H + 2 F, W + 2 F, 3]."""
        x, y = (
            axis_coordinates(pixels, pixels + 2 * FARTHEST, -FARTHEST, pixels + 2 * FARTHEST)
            for pixels in (self.width, self.height)
        )
        # A large picture has gigabytes of them.
        planes = latents.at(x, y, (self.width, self.height)).astype(np.float16, order="C")
        return torch.from_numpy(planes).to(self.device)

    def planes_of(self, subnet: Subnet) -> NDArray[np.float32]:
        """What a subnet's codes show at every pixel, float32[H, W, 3]."""
        inner = slice(FARTHEST, -FARTHEST)
        return self._planes[subnet][inner, inner].float().cpu().numpy()

    def features(self, width: int, index: Tensor) -> list[Tensor]:
        """What the channels of a width's subnets see at pixels by their index: per depth float32[N, n]."""
        subnets = [Subnet(depth, width) for depth in self.space.depths] if self.kind.has_latents else []
        reaches = {self.latents[subnet].reach for subnet in subnets}
        seen = {reach: self._seen(width, reach, index) for reach in reaches}
        return [self._planes[subnet].take(seen[self.latents[subnet].reach]).float() for subnet in subnets]

    def features_of(self, subnet: Subnet, index: Tensor) -> Tensor:
        """Those of one subnet."""
        return self._planes[subnet].take(self._seen(subnet.width, self.latents[subnet].reach, index)).float()

    def _seen(self, width: int, reach: int, index: Tensor) -> Tensor:
        """Where in its planes a subnet finds what its channels see at pixels, [N, n]."""
        stride = self.width + 2 * FARTHEST
        beside = [(down * stride + right) * reach * 3 + plane for plane, right, down in seen_by(width)]
        row = index.div(self.width, rounding_mode="floor")
        own = ((row + FARTHEST) * stride + index % self.width + FARTHEST) * 3
        seen: Tensor = own[:, None] + torch.tensor(beside, device=self.device)
        return seen

    @property
    def phase(self) -> str:
        """`fit` in real numbers, then `soften` towards codes, then `settle` with the codes fixed."""
        done = self.step / self.preset.steps
        return "fit" if done < self.preset.soften else "soften" if done < self.preset.settle else "settle"

    def advance(self) -> None:
        """One optimizer step of every trunk that is due.

        Tiles of all trunks run side by side, each on one thread, and so do what trunks do before and after.
        """
        before = self.phase
        self.step += 1
        if before == "fit" != self.phase:
            for learner in self.learners.values():
                learner.begin_quantizing()
        # The widest first: the pool ends sooner when the small tasks come last.
        widths = [width for width in reversed(self.space.widths) if self._is_due(width)]
        learners = [self.learners[width] for width in widths]
        phase, softened, rate = self.phase, self._softened(), self._rate()
        index = self._batch()
        points = self.points(index)
        views = list(self.pool.map(lambda learner: learner.view(phase, softened), learners))
        tiles = [
            [
                self.pool.submit(learner.tile_gradients, view, len(index), *part)
                for part in self._tiles(width, *points, *self.features(width, index))
            ]
            for width, learner, view in zip(widths, learners, views, strict=True)
        ]
        updates = []
        for learner, view, parts in zip(learners, views, tiles, strict=True):
            results = [part.result() for part in parts]
            updates.append(self.pool.submit(learner.update, view, results, rate))
        for update in updates:
            update.result()
        if phase == "fit":
            for learner in learners:
                learner.trunk.trim_tails()

    def _tiles(self, width: int, *parts: Tensor) -> Iterable[tuple[Tensor, ...]]:
        size = len(parts[0])
        if self.device.type == "cpu":
            size = min(size, _TILE_VALUES // width)
        return zip(*(torch.split(part, max(1, size)) for part in parts), strict=True)

    def _is_due(self, width: int) -> bool:
        """Whether a trunk takes this step: after the two narrowest, the fewer the wider it is."""
        share = min(1.0, self.space.widths[:2][-1] / width)
        return int(self.step * share) > int((self.step - 1) * share)

    def _softened(self) -> float:
        """How much of the way to codes is done, 0 to 1."""
        done = self.step / self.preset.steps - self.preset.soften
        return min(max(done / (self.preset.settle - self.preset.soften), 0.0), 1.0)

    def _rate(self) -> float:
        cosine = 0.5 * (1 + math.cos(math.pi * self.step / self.preset.steps))
        return self.preset.rate * min(1.0, self.step / _WARMUP) * cosine + 1e-5

    def _batch(self) -> Tensor:
        """Indices of one random pixel in each cell of an even grid: less noise than anywhere."""
        cell = math.sqrt(max(1.0, self.width * self.height / self.preset.batch))
        columns, rows = (max(1, round(n / cell)) for n in (self.width, self.height))
        jitter = torch.rand(2, rows, columns, generator=self.generator)
        j = ((torch.arange(columns) + jitter[0]) * self.width / columns).long().clamp_max(self.width - 1)
        i = ((torch.arange(rows)[:, None] + jitter[1]) * self.height / rows).long().clamp_max(self.height - 1)
        index: Tensor = (i * self.width + j).reshape(-1)
        return index.to(self.device)

    def points(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coordinates [N], [N] and colours [N, 3] in [-1, 1] of pixels by their index."""
        x, y = self.x[index % self.width], self.y[index // self.width]
        return x, y, self.pixels[index].float() / 127.5 - 1

    @torch.no_grad()
    def progress(self) -> Progress:
        """Where the fit is, with PSNR estimated on a fixed sample of pixels."""
        started = time.monotonic()
        x, y, colours = self.points(self.check)
        depths, widths = self.space.depths, self.space.widths
        middle = Subnet(depths[len(depths) // 2], widths[len(widths) // 2])
        psnr = {}
        for subnet in dict.fromkeys((self.space.subnets[0], middle, self.space.largest)):
            trunk = self.learners[subnet.width].trunk
            view = trunk.parameters if self.phase == "fit" else trunk.hard_view()
            features = self.features(subnet.width, self.check)
            rgb = trunk.outputs(view, x, y, features)[depths.index(subnet.depth)].clamp(-1, 1)
            error = (rgb - colours.T).square().mean().item() / 4
            psnr[subnet.name] = -10 * math.log10(max(error, 1e-10))
        self.check_seconds = time.monotonic() - started
        return Progress(self.phase, self.step, self.preset.steps, psnr)

    def save(self, path: Path) -> None:
        """Writes all that `restore` needs to go on as if nothing had happened."""
        write_state(
            path,
            {
                "anir": FORMAT,
                "kind": "training state",
                "config": asdict(self.config),
                "pixels": self.pixels.cpu(),
                "size": [self.width, self.height],
                "step": self.step,
                "trunks": {width: learner.state() for width, learner in self.learners.items()},
                "generator": self.generator.get_state(),
                "check": self.check,
                "latents": [latents_state(own) for own in self.latents.values()],
            },
        )

    def restore(self, path: Path) -> None:
        """Goes on where `save` stopped. Raises AnirError if that was another picture or configuration."""
        state = read_state(path, "training state")
        same = state["config"] == asdict(self.config) and state["size"] == [self.width, self.height]
        if not same or not torch.equal(state["pixels"], self.pixels.cpu()):
            raise AnirError(f"{path}: the state of another picture or of other options")
        self.step = state["step"]
        latents = [latents_from_state(own, (self.width, self.height)) for own in state["latents"]]
        self.show(dict(zip(self.space.subnets if latents else (), latents, strict=True)))
        for width, learner in self.learners.items():
            learner.restore(state["trunks"][width])
        self.generator.set_state(state["generator"])
        self.check = state["check"].to(self.device)
