"""The latent space: sixteen numbers for each 8x8 patch, by principal components instead of a trained encoder.

The transformer learns to make these latents and the decoder to read them. The exported VAE has no encoder, so nothing
outside of training ever needs this projection.
"""

import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from scene import RESOLUTION, Jitter, Scene, render, sample_scene

CHANNELS = 16
PATCH = 8
#: Side of a latent picture.
SIDE = RESOLUTION // PATCH

#: Pictures that the components are found from, and how they stray: other figures make another latent space.
_PICTURES, _SEED, _JITTER = 1500, 1, Jitter(4.0, 0.07)
#: Flat patches count this much against patches with an edge: three components already say all of a flat patch.
_FLAT_WEIGHT = 0.1
#: Spread of the first component, and how much the spread of the others follows their own.
_SPREAD, _SPREAD_POWER = 1.5, 0.4


class Latents:
    """An orthonormal projection of 8x8x3 patches with a gain for each component, and back."""

    def __init__(self, basis: torch.Tensor, gain: torch.Tensor) -> None:
        self.basis, self.gain = basis, gain

    @classmethod
    def fitted(cls) -> "Latents":
        """Finds the components of the world's pictures; the same on every machine up to rounding."""
        rng = random.Random(_SEED)
        pictures = np.stack([render(sample_scene(rng), rng, _JITTER) for _ in range(_PICTURES)])
        patches = _patches(torch.from_numpy(pictures)).reshape(-1, 3 * PATCH * PATCH)
        weight = torch.where(patches.var(1) > 1e-9, 1.0, _FLAT_WEIGHT)[:, None]
        _, vectors = torch.linalg.eigh((patches * weight).T @ patches / len(patches))
        basis = vectors.flip(1)[:, :CHANNELS].contiguous()
        spread = (patches @ basis).std(0)
        return cls(basis, _SPREAD * (spread / spread[0]) ** _SPREAD_POWER / spread)

    @classmethod
    def load(cls, path: Path) -> "Latents":
        """Reads what `save` wrote."""
        return cls(**torch.load(path))

    def save(self, path: Path) -> None:
        """Keeps the projection: every later step of training needs the very same."""
        torch.save({"basis": self.basis, "gain": self.gain}, path)

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """Projects [B, 3, H, W] to [B, 16, H / 8, W / 8]."""
        latents = _patches(pictures) @ self.basis * self.gain
        return latents.transpose(1, 2).reshape(len(pictures), CHANNELS, *(side // PATCH for side in pictures.shape[2:]))

    def linear_decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Returns the pictures that the components alone can say: what the decoder has to beat."""
        height, width = (side * PATCH for side in latents.shape[2:])
        patches = latents.flatten(2).transpose(1, 2) / self.gain @ self.basis.T
        return F.fold(patches.transpose(1, 2), (height, width), PATCH, stride=PATCH)

    def mean_colour(self) -> torch.Tensor:
        """Returns the [3, 16] matrix from a latent to the mean colour of its patch."""
        return self.basis.view(3, PATCH * PATCH, CHANNELS).mean(1) / self.gain


def draw(scenes: list[Scene], rng: random.Random, jitter: Jitter) -> torch.Tensor:
    """Draws a batch of pictures: [B, 3, RESOLUTION, RESOLUTION]."""
    return torch.from_numpy(np.stack([render(scene, rng, jitter) for scene in scenes]))


def _patches(pictures: torch.Tensor) -> torch.Tensor:
    return F.unfold(pictures, PATCH, stride=PATCH).transpose(1, 2)
