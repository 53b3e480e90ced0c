"""The loop of training: phases counted in steps, averaged weights, and checkpoints that it goes on from after any stop.

What a step draws depends on the phase's seed and the step's number alone, so a run that was cut off and one that was
not see the same pictures.
"""

import os
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from scene import PLAIN, Jitter, Mix

#: Checkpoints are this many seconds apart: a cut costs no more.
_SAVE_EVERY = 60.0
#: Steps between two lines of the log.
_LOG_EVERY = 25
#: The learning rate never falls below this share, so that the last steps still average something.
_LAST_RATE = 0.01


@dataclass(frozen=True)
class Phase:
    """One stretch of training with its own optimizer, starting from the averaged weights of the one before."""

    steps: int
    batch: int
    #: Highest learning rate; it climbs for `warm_up` steps, stays for the share `hold`, then falls evenly.
    rate: float
    seed: int
    jitter: Jitter
    mix: Mix = PLAIN
    warm_up: int = 30
    hold: float = 0.45
    #: The averaged weights forget older ones at this pace.
    average: float = 0.99
    #: Noise on the decoder's input, because the transformer's latents are not exact.
    noise: float = 0.0

    def rate_at(self, step: int) -> float:
        """Returns the learning rate of a step, counted from 0."""
        climb = min(1.0, (step + 1) / self.warm_up)
        done = step / self.steps
        fall = 1.0 if done < self.hold else 1 - (done - self.hold) / (1 - self.hold)
        return self.rate * climb * (fall * (1 - _LAST_RATE) + _LAST_RATE)


class Draw:
    """All that is random in one step."""

    def __init__(self, seed: int, step: int) -> None:
        self.python = random.Random(f"{seed}/{step}")
        self.torch = torch.Generator().manual_seed(seed * 1_000_003 + step)

    def normal(self, *shape: int) -> torch.Tensor:
        """Draws from the normal distribution."""
        return torch.randn(*shape, generator=self.torch)

    def uniform(self, *shape: int) -> torch.Tensor:
        """Draws evenly from 0..1."""
        return torch.rand(*shape, generator=self.torch)


class Learner(Protocol):
    """What is trained."""

    model: nn.Module

    def optimizers(self, rate: float) -> list[torch.optim.Optimizer]:
        """Makes fresh optimizers whose groups have their learning rates for `rate`."""

    def loss(self, phase: Phase, draw: Draw) -> tuple[torch.Tensor, float]:
        """Returns the loss of one batch, and a figure for the log that phases have in common."""

    def clipped(self) -> Iterable[nn.Parameter]:
        """Lists the parameters whose gradients are clipped together."""


@dataclass
class Checkpoint:
    """Where training stands: `step` steps of phase number `phase` are done."""

    phase: int
    step: int
    model: dict[str, torch.Tensor]
    average: dict[str, torch.Tensor]
    optimizers: list[dict]

    @classmethod
    def load(cls, path: Path) -> "Checkpoint":
        """Reads what `save` wrote."""
        return cls(**torch.load(path))

    def save(self, path: Path) -> None:
        """Replaces the file at once: a stop in between leaves the old one."""
        fresh = path.with_suffix(".new")
        torch.save(vars(self), fresh)
        os.replace(fresh, path)


def fit(learner: Learner, phases: list[Phase], path: Path, log: Callable[[str], None] = print) -> None:
    """Trains `learner` through `phases`, or through what the checkpoint at `path` says is left of them."""
    start = Checkpoint.load(path) if path.exists() else None
    if start:
        learner.model.load_state_dict(start.model)
    for number, phase in enumerate(phases):
        if start and number < start.phase:
            continue
        resumed = start if start and start.phase == number and start.step else None
        average = _run_phase(learner, number, phase, path, resumed, log)
        learner.model.load_state_dict(average)
        Checkpoint(number + 1, 0, average, average, []).save(path)


def _run_phase(
    learner: Learner,
    number: int,
    phase: Phase,
    path: Path,
    resumed: Checkpoint | None,
    log: Callable[[str], None],
) -> dict[str, torch.Tensor]:
    model, optimizers = learner.model, learner.optimizers(phase.rate)
    highest = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    average = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    first = 0
    if resumed:
        first, average = resumed.step, resumed.average
        for optimizer, state in zip(optimizers, resumed.optimizers, strict=True):
            optimizer.load_state_dict(state)

    began = saved = time.monotonic()
    figures = []
    for step in range(first, phase.steps):
        share = phase.rate_at(step) / phase.rate
        for optimizer, rates in zip(optimizers, highest, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * share
        loss, figure = learner.loss(phase, Draw(phase.seed, step))
        loss.backward()
        nn.utils.clip_grad_norm_(learner.clipped(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        model.zero_grad(set_to_none=True)
        _blend(average, model.state_dict(), min(phase.average, (step + 1) / (step + 21)))

        figures.append((loss.item(), figure))
        if (step + 1) % _LOG_EVERY == 0 or step + 1 == phase.steps:
            mean_loss, mean_figure = (sum(column) / len(figures) for column in zip(*figures, strict=True))
            seconds = time.monotonic() - began
            log(f"phase {number} step {step + 1} {seconds:.0f}s loss {mean_loss:.4f} figure {mean_figure:.4f}")
            figures.clear()
        if time.monotonic() - saved > _SAVE_EVERY:
            states = [optimizer.state_dict() for optimizer in optimizers]
            Checkpoint(number, step + 1, model.state_dict(), average, states).save(path)
            saved = time.monotonic()
    return average


@torch.no_grad()
def _blend(average: dict[str, torch.Tensor], current: dict[str, torch.Tensor], keep: float) -> None:
    torch._foreach_lerp_(list(average.values()), [current[name] for name in average], 1 - keep)
