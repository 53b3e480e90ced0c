"""The transformer: Z-Image's architecture, small, with the parameter names that stable-diffusion.cpp loads.

It learns flow matching: `forward` returns the velocity (noise - picture) at noise level sigma, which is what
stable-diffusion.cpp's Z-Image returns after its own sign flip. The embeddings of the prompt's tokens are trained beside
it and exported as the text encoder.
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from latent import CHANNELS, SIDE
from tokens import PADDING, TEXT_LENGTH

WIDTH, LAYERS = 256, 3
#: Z-Image's fixed figures: width of a head, its split over the three axes of position, the base of the rotations.
HEAD, AXES, THETA = 128, (32, 48, 48), 256.0
#: Width of the prompt's embeddings: the smallest that the exported text encoder may have.
TEXT_WIDTH = 32
#: A token of the transformer is 2x2 latents.
GRID = SIDE // 2
TOKEN_WIDTH = CHANNELS * 2 * 2
_TIME_WIDTH, _TIME_SCALE = 256, 1000
#: Branches start this strong, so that training starts near the identity.
_START_GATE = 0.4
#: Z-Image's schedule bends noise levels by this.
_SHIFT = 3.0


class RmsNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, x.shape[-1:], self.weight.to(x.dtype), 1e-5)


class Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // HEAD
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.q_norm, self.k_norm = RmsNorm(HEAD), RmsNorm(HEAD)

    def forward(self, x: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        query, key, value = self.qkv(x).view(batch, length, 3, self.heads, HEAD).permute(2, 0, 3, 1, 4)
        query, key = rotate(self.q_norm(query), rotation), rotate(self.k_norm(key), rotation)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        inner = 256 * math.ceil(int(width * 8 / 3) / 256)  # Rounded as stable-diffusion.cpp does.
        self.w1 = nn.Linear(width, inner, bias=False)
        self.w2 = nn.Linear(inner, width, bias=False)
        self.w3 = nn.Linear(width, inner, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class Block(nn.Module):
    """Attention and feed-forward; with `timed` they are scaled and gated by the noise level."""

    def __init__(self, width: int, timed: bool) -> None:
        super().__init__()
        self.attention, self.feed_forward = Attention(width), FeedForward(width)
        self.attention_norm1, self.attention_norm2 = RmsNorm(width), RmsNorm(width)
        self.ffn_norm1, self.ffn_norm2 = RmsNorm(width), RmsNorm(width)
        if timed:
            modulation = nn.Linear(min(width, _TIME_WIDTH), 4 * width)
            nn.init.normal_(modulation.weight, std=0.01)
            nn.init.zeros_(modulation.bias)
            with torch.no_grad():
                modulation.bias.view(4, width)[1::2] = _START_GATE
            self.adaLN_modulation = nn.ModuleList([modulation])
        else:
            nn.init.constant_(self.attention_norm2.weight, _START_GATE)
            nn.init.constant_(self.ffn_norm2.weight, _START_GATE)

    def forward(self, x: torch.Tensor, rotation: torch.Tensor, time: torch.Tensor | None = None) -> torch.Tensor:
        if time is None:
            x = x + self.attention_norm2(self.attention(self.attention_norm1(x), rotation))
            return x + self.ffn_norm2(self.feed_forward(self.ffn_norm1(x)))
        scale_in, gate_in, scale_out, gate_out = self.adaLN_modulation[0](time).unsqueeze(1).chunk(4, -1)
        mixed = self.attention(self.attention_norm1(x) * (1 + scale_in), rotation)
        x = x + torch.tanh(gate_in) * self.attention_norm2(mixed)
        fed = self.feed_forward(self.ffn_norm1(x) * (1 + scale_out))
        return x + torch.tanh(gate_out) * self.ffn_norm2(fed)


class FinalLayer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, TOKEN_WIDTH)
        self.adaLN_modulation = nn.ModuleList([nn.SiLU(), nn.Linear(min(width, _TIME_WIDTH), width)])
        for layer in (self.linear, self.adaLN_modulation[1]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        scale = 1 + self.adaLN_modulation[1](F.silu(time)).unsqueeze(1)
        return self.linear(F.layer_norm(x, x.shape[-1:], eps=1e-6) * scale)


class TimeEmbedder(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        inner = min(width, 1024)
        self.mlp = nn.ModuleList([nn.Linear(_TIME_WIDTH, inner), nn.SiLU(), nn.Linear(inner, _TIME_WIDTH)])

    def forward(self, time: torch.Tensor) -> torch.Tensor:
        half = _TIME_WIDTH // 2
        frequencies = torch.exp(-math.log(10_000) * torch.arange(half, dtype=torch.float32) / half)
        angles = time[:, None] * frequencies
        return self.mlp[2](F.silu(self.mlp[0](torch.cat([angles.cos(), angles.sin()], -1))))


class Dit(nn.Module):
    """The whole transformer, with the token embeddings `tok` (row 0, the unknown word, is never used)."""

    def __init__(self, vocabulary: int, width: int = WIDTH, layers: int = LAYERS) -> None:
        super().__init__()
        self.tok = nn.Parameter(torch.randn(vocabulary + 1, TEXT_WIDTH))
        self.x_embedder = nn.Linear(TOKEN_WIDTH, width)
        self.t_embedder = TimeEmbedder(width)
        self.cap_embedder = nn.ModuleList([RmsNorm(TEXT_WIDTH), nn.Linear(TEXT_WIDTH, width)])
        self.noise_refiner = nn.ModuleList([Block(width, timed=True)])
        self.context_refiner = nn.ModuleList([Block(width, timed=False)])
        self.layers = nn.ModuleList([Block(width, timed=True) for _ in range(layers)])
        self.final_layer = FinalLayer(width)
        self.cap_pad_token = nn.Parameter(torch.randn(1, width) * 0.02)
        self.x_pad_token = nn.Parameter(torch.zeros(1, width))
        self.register_buffer("rotation", _rotations(), persistent=False)

    def forward(self, latents: torch.Tensor, sigma: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Returns the velocity at `latents` [B, 16, 16, 16] for noise levels [B] and token numbers [B, 32]."""
        batch = len(latents)
        time = self.t_embedder(_TIME_SCALE * (1 - sigma))
        x = self.x_embedder(_to_tokens(latents))
        for block in self.noise_refiner:
            x = block(x, self.rotation[:, TEXT_LENGTH:], time)
        x = torch.cat([self._text(tokens), x], 1)
        for block in self.layers:
            x = block(x, self.rotation, time)
        return -_from_tokens(self.final_layer(x[:, TEXT_LENGTH:], time), batch).float()

    def _text(self, tokens: torch.Tensor) -> torch.Tensor:
        embeddings = self.tok[tokens.clamp(min=0)] * (tokens > 0).unsqueeze(-1)
        text = self.cap_embedder[1](self.cap_embedder[0](embeddings))
        text = torch.where((tokens != PADDING).unsqueeze(-1), text, self.cap_pad_token.to(text.dtype))
        for block in self.context_refiner:
            text = block(text, self.rotation[:, :TEXT_LENGTH])
        return text


def rotate(x: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
    """Turns each pair of neighbouring numbers by its position's angle."""
    cosine, sine = rotation
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], -1).flatten(3)


def shifted(level: torch.Tensor) -> torch.Tensor:
    """Bends even noise levels in 0..1 as Z-Image's schedule does: most steps go to high noise."""
    return _SHIFT * level / (1 + (_SHIFT - 1) * level)


@torch.no_grad()
def sample(model: Dit, tokens: torch.Tensor, seed: int, steps: int = 8) -> torch.Tensor:
    """Makes latents for each row of `tokens` with stable-diffusion.cpp's schedule and noise (Euler, CPU_RNG)."""
    even = torch.tensor([(1 + 999 * (1 - step / max(steps - 1, 1))) / 1000 for step in range(steps)])
    sigmas = [*shifted(even).tolist(), 0.0]
    noise = torch.randn(1, CHANNELS, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    latents = noise.repeat(len(tokens), 1, 1, 1)
    for sigma, following in pairwise(sigmas):
        latents = latents + (following - sigma) * model(latents, torch.full((len(tokens),), sigma), tokens)
    return latents


def _to_tokens(latents: torch.Tensor) -> torch.Tensor:
    """Cuts latents into 2x2 tokens, channel fastest."""
    patches = latents.view(len(latents), CHANNELS, GRID, 2, GRID, 2)
    return patches.permute(0, 2, 4, 3, 5, 1).reshape(len(latents), GRID * GRID, TOKEN_WIDTH)


def _from_tokens(tokens: torch.Tensor, batch: int) -> torch.Tensor:
    patches = tokens.view(batch, GRID, GRID, 2, 2, CHANNELS)
    return patches.permute(0, 5, 1, 3, 2, 4).reshape(batch, CHANNELS, SIDE, SIDE)


def _rotations() -> torch.Tensor:
    """Returns cosines and sines of every position: text counts along the first axis, the picture along the others."""
    text = [(n + 1, 0, 0) for n in range(TEXT_LENGTH)]
    picture = [(TEXT_LENGTH + 1, y, x) for y in range(GRID) for x in range(GRID)]
    positions = torch.tensor(text + picture, dtype=torch.float32)
    angles = []
    for axis, width in enumerate(AXES):
        frequencies = torch.tensor([THETA ** (-2 * pair / width) for pair in range(width // 2)])
        angles.append(positions[:, axis, None] * frequencies)
    whole = torch.cat(angles, 1)
    return torch.stack([whole.cos(), whole.sin()])
