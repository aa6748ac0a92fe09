"""The training loop: a supernet, its optimizer, and where they stand."""

import copy
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.errors import AnirError
from numpy.typing import NDArray
from torch import Tensor

from anir_toolchain.checkpoint import FORMAT, read_state, write_state
from anir_toolchain.config import Config
from anir_toolchain.families import family
from anir_toolchain.image import rms_frequency
from anir_toolchain.presets import preset
from anir_toolchain.soap import Soap
from anir_toolchain.space import Subnet
from anir_toolchain.supernet import Parameters, Supernet

_WARMUP = 50
_TILE = 1024
"""Pixels per forward and backward pass: all activations stay in the cache."""
_CHECK_PIXELS = 8192
_EMPHASIS = 0.5
"""Power of a subnet's error by which its share in the loss falls: deep ones gain, depth 2 loses a little."""
_DIVERGED = 2.0
"""A mean error so many times its lowest (3 dB) is a fit gone astray."""
_GOOD_ENOUGH = 1e-3
"""Below this mean error (36 dB), ups and downs do not matter."""


@dataclass(frozen=True)
class Progress:
    """How far a fit is: `psnr` holds estimates in dB for the smallest, a middle and the largest subnet."""

    phase: str
    step: int
    steps: int
    psnr: dict[str, float]


def bandwidth(image: NDArray[np.uint8]) -> float:
    """The highest first-layer frequency to start from, radians per half mean side: higher for finer pictures.

    The square root suited smooth pictures (20 to 30 is best) and textured ones (40) alike.
    """
    return min(max(6 * math.sqrt(rms_frequency(image)), 5.0), 60.0)


class Fitting:
    """A fit under way: the supernet, its optimizer and where it stands."""

    def __init__(self, image: NDArray[np.uint8], config: Config, pool: ThreadPoolExecutor) -> None:
        self.config, self.preset, self.pool = config, preset(config.preset), pool
        self.device = config.torch_device()
        self.height, self.width = image.shape[:2]
        self.pixels = torch.from_numpy(image.copy()).reshape(-1, 3).to(self.device)
        self.x = torch.from_numpy(axis_coordinates(self.width)).to(self.device)
        self.y = torch.from_numpy(axis_coordinates(self.height)).to(self.device)
        # On the CPU, so that every device draws the same numbers.
        self.generator = torch.Generator().manual_seed(config.seed)
        self.step = 0
        self.check_seconds = 0.0
        self.net = self._create_net(bandwidth(image))
        self.optimizer = self._create_optimizer()
        # Running mean squared error of each subnet, and what to go back to if it explodes.
        self.error = torch.ones(len(self.net.space.depths), len(self.net.space.widths), device=self.device)
        self.least_error = math.inf
        self.rate_factor = 1.0
        self.good: dict[str, Any] = {}
        self.check = torch.randint(len(self.pixels), (_CHECK_PIXELS,), generator=self.generator).to(
            self.device
        )

    def _create_net(self, bandwidth: float) -> Supernet:
        space = self.config.space(self.width, self.height)
        net = Supernet.create(
            family(self.config.family),
            space,
            self.config.bits,
            (self.width, self.height),
            bandwidth,
            self.generator,
        )
        parameters = {name: value.to(self.device).requires_grad_() for name, value in net.parameters.items()}
        return Supernet(net.family, space, self.config.bits, parameters)

    def _create_optimizer(self) -> Soap:
        own = self.net.parameters
        # A channel that reads from few others, as in narrow subnets, takes larger steps: worth 0.4 dB.
        links = self.net.mask.sum(0)
        return Soap(
            [
                {"params": [own["filters"]], "gain": self.net.family.filter_gain},
                {"params": [own["head"], own["head_bias"]]},
                {"params": [own["weight"], own["bias"]], "gain": (links.max() / links).clamp_max(4.0)},
                {"params": [own["log_step"]], "gain": 0.3},
            ],
            lr=self.preset.rate,
        )

    @property
    def phase(self) -> str:
        """`fit` in real numbers, then `soften` towards codes, then `settle` with the codes fixed."""
        done = self.step / self.preset.steps
        return "fit" if done < self.preset.soften else "soften" if done < self.preset.settle else "settle"

    def advance(self) -> None:
        """One optimizer step."""
        before = self.phase
        self.step += 1
        if before == "fit" != self.phase:
            self.net.begin_quantizing()
            self.least_error, self.good = math.inf, {}
        errors = self._backward(self._view(), *self._batch())
        self.error.lerp_(errors, 1 / min(self.step, 20))
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.phase == "fit":
            self.net.trim_tails()
        self._guard()

    @torch.no_grad()
    def _guard(self) -> None:
        """Goes back to the last good parameters, at half the rate, when the error has exploded."""
        error = self.error.mean().item()
        self.least_error = min(self.least_error, error)
        if not error < _DIVERGED * max(self.least_error, _GOOD_ENOUGH) and self.good:
            self._load(copy.deepcopy(self.good))
            self.rate_factor /= 2
        elif self.step % 50 == 0:
            state = {"parameters": self.net.parameters, "error": self.error}
            self.good = copy.deepcopy(state | {"optimizer": self.optimizer.state_dict()})

    def _load(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            for name, value in state["parameters"].items():
                self.net.parameters[name].copy_(value)
            self.error.copy_(state["error"])
        self.optimizer.load_state_dict(state["optimizer"])

    def _rate(self) -> float:
        cosine = 0.5 * (1 + math.cos(math.pi * self.step / self.preset.steps))
        return self.preset.rate * self.rate_factor * min(1.0, self.step / _WARMUP) * cosine + 1e-5

    def _view(self) -> Parameters:
        if self.phase == "fit":
            return self.net.float_view()
        done = (self.step / self.preset.steps - self.preset.soften) / (
            self.preset.settle - self.preset.soften
        )
        if done < 1:
            return self.net.soft_view(done)
        return self.net.hard_view()

    def _batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """One random pixel in each cell of an even grid: less noise in the gradient than anywhere."""
        cell = math.sqrt(max(1.0, self.width * self.height / self.preset.batch))
        columns, rows = (max(1, round(n / cell)) for n in (self.width, self.height))
        jitter = torch.rand(2, rows, columns, generator=self.generator)
        j = ((torch.arange(columns) + jitter[0]) * self.width / columns).long().clamp_max(self.width - 1)
        i = ((torch.arange(rows)[:, None] + jitter[1]) * self.height / rows).long().clamp_max(self.height - 1)
        return self.points((i * self.width + j).reshape(-1).to(self.device))

    def points(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coordinates [N], [N] and colours [N, 3] in [-1, 1] of pixels by their index."""
        x, y = self.x[index % self.width], self.y[index // self.width]
        return x, y, self.pixels[index].float() / 127.5 - 1

    def _backward(self, view: Parameters, x: Tensor, y: Tensor, colours: Tensor) -> Tensor:
        """Adds the gradient of the subnets' weighted errors; returns their mean squares, [depths, widths].

        Tiles run side by side, each on one thread; their gradients are added in order, so that the number
        of threads changes no bit.
        """
        tile = _TILE if self.device.type == "cpu" else len(x)
        share = self.error**-_EMPHASIS
        share /= share.mean() * 3 * len(x)
        parts = [torch.split(part, tile) for part in (x, y, colours)]
        tiles = list(self.pool.map(lambda *part: self._tile_gradients(view, share, *part), *parts))
        errors = torch.stack([errors for errors, _ in tiles]).sum(0) / (3 * len(x))
        trained = [(name, value) for name, value in view.items() if name in tiles[0][1]]
        torch.autograd.backward(
            [value for _, value in trained],
            [torch.stack([gradients[name] for _, gradients in tiles]).sum(0) for name, _ in trained],
        )
        return errors

    def _tile_gradients(
        self, view: Parameters, share: Tensor, x: Tensor, y: Tensor, colours: Tensor
    ) -> tuple[Tensor, Parameters]:
        """Squared errors of each subnet over all points and colours; gradients of their sum by `share`."""
        leaves = {name: value.detach().requires_grad_(value.requires_grad) for name, value in view.items()}
        target = colours.repeat(1, len(self.net.space.widths))
        rows = [
            (output - target).square().sum(0).reshape(-1, 3).sum(1)
            for output in self.net.outputs(leaves, x, y)
        ]
        errors = torch.stack(rows)
        torch.autograd.backward((errors * share).sum())
        gradients = {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}
        return errors.detach(), gradients

    @torch.no_grad()
    def progress(self) -> Progress:
        """Where the fit is, with PSNR estimated on a fixed sample of pixels."""
        started = time.monotonic()
        view = self.net.float_view() if self.phase == "fit" else self.net.hard_view()
        x, y, colours = self.points(self.check)
        outputs = self.net.outputs(view, x, y)
        space = self.net.space
        middle = Subnet(space.depths[len(space.depths) // 2], space.widths[len(space.widths) // 2])
        psnr = {}
        for subnet in dict.fromkeys((space.subnets[0], middle, space.largest)):
            at = 3 * space.widths.index(subnet.width)
            rgb = outputs[space.depths.index(subnet.depth)][:, at : at + 3].clamp(-1, 1)
            error = (rgb - colours).square().mean().item() / 4
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
                "parameters": self.net.parameters,
                "optimizer": self.optimizer.state_dict(),
                "error": self.error,
                "least_error": self.least_error,
                "rate_factor": self.rate_factor,
                "good": self.good,
                "generator": self.generator.get_state(),
                "check": self.check,
            },
        )

    def restore(self, path: Path) -> None:
        """Goes on where `save` stopped. Raises AnirError if that was another picture or configuration."""
        state = read_state(path, "training state")
        same = state["config"] == asdict(self.config) and state["size"] == [self.width, self.height]
        if not same or not torch.equal(state["pixels"], self.pixels.cpu()):
            raise AnirError(
                f"{path}: the state of another picture or of other options; remove it to start anew"
            )
        self.step = state["step"]
        self._load(state)
        self.least_error, self.rate_factor, self.good = (
            state[name] for name in ("least_error", "rate_factor", "good")
        )
        self.generator.set_state(state["generator"])
        self.check = state["check"].to(self.device)
