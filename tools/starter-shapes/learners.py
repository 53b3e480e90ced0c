"""What a step of training does, for the transformer and for the decoder."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import nn

from decoder import Decoder
from dit import Dit, shifted
from latent import Latents, draw
from scene import RESOLUTION, prompt_of, sample_scene
from tokens import Vocabulary
from training import Draw, Phase

#: Token embeddings meet only some of the pictures and so learn at a higher rate.
_TOKEN_RATE = 3
#: Pixels near an edge count this much more than others.
_EDGE_WEIGHT = 3


class DitLearner:
    """Flow matching: from a picture mixed with noise to the direction between them."""

    def __init__(self, latents: Latents, seed: int, compiled: bool = True) -> None:
        torch.manual_seed(seed)
        self.latents, self.vocabulary = latents, Vocabulary()
        self.model = Dit(len(self.vocabulary))
        self._forward = torch.compile(self.model) if compiled else self.model

    def optimizers(self, rate: float) -> list[torch.optim.Optimizer]:
        """Muon for the matrices of the blocks, AdamW for the rest."""
        matrices = [parameter for name, parameter in self.model.named_parameters() if _is_block_matrix(name, parameter)]
        others = [parameter for parameter in self.clipped() if parameter is not self.model.tok]
        muon = torch.optim.Muon(matrices, lr=rate, momentum=0.95, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
        groups = [{"params": others, "lr": rate}, {"params": [self.model.tok], "lr": _TOKEN_RATE * rate}]
        return [muon, torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.0)]

    def clipped(self) -> Iterable[nn.Parameter]:
        """Muon's steps have a fixed length: only the others need it."""
        return [parameter for name, parameter in self.model.named_parameters() if not _is_block_matrix(name, parameter)]

    def loss(self, phase: Phase, draw_: Draw) -> tuple[torch.Tensor, float]:
        """Noise levels are spread evenly over the batch, then bent as the schedule of sampling is."""
        scenes = [sample_scene(draw_.python, phase.mix) for _ in range(phase.batch)]
        pictures = draw(scenes, draw_.python, phase.jitter)
        prompts = [prompt_of(scene, draw_.python) for scene in scenes]
        tokens = torch.tensor([self.vocabulary.encode(prompt, draw_.python) for prompt in prompts])
        clean = self.latents.encode(pictures)
        noise = draw_.normal(*clean.shape)
        sigma = shifted((torch.arange(phase.batch) + draw_.uniform(phase.batch)) / phase.batch)
        velocity = noise - clean
        with torch.autocast("cpu", dtype=torch.bfloat16):
            guess = self._forward(clean + velocity * sigma.view(-1, 1, 1, 1), sigma, tokens)
        loss = (guess - velocity).pow(2).mean()
        return loss, loss.item()


class DecoderLearner:
    """Pictures from their latents, judged by absolute difference, most of all around edges."""

    def __init__(self, latents: Latents, seed: int) -> None:
        torch.manual_seed(seed)
        self.latents = latents
        self.model = Decoder(latents).to(memory_format=torch.channels_last)

    def optimizers(self, rate: float) -> list[torch.optim.Optimizer]:
        """AdamW for all that is not part of the solution made by hand."""
        return [torch.optim.AdamW(self.clipped(), lr=rate, betas=(0.9, 0.97), weight_decay=0.0)]

    def clipped(self) -> Iterable[nn.Parameter]:
        """Lists what is trained."""
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    def loss(self, phase: Phase, draw_: Draw) -> tuple[torch.Tensor, float]:
        """The figure is the plain difference in 255ths."""
        scenes = [sample_scene(draw_.python, phase.mix) for _ in range(phase.batch)]
        pictures = draw(scenes, draw_.python, phase.jitter)
        latents = self.latents.encode(pictures)
        latents = latents + phase.noise * draw_.uniform(phase.batch, 1, 1, 1) * draw_.normal(*latents.shape)
        difference = (self.model(latents.to(memory_format=torch.channels_last)) - pictures).abs()
        return (difference * _edge_weights(pictures)).mean(), difference.mean().item() * 127.5


def _is_block_matrix(name: str, parameter: nn.Parameter) -> bool:
    return parameter.ndim == 2 and ("layers." in name or "refiner." in name)


def _edge_weights(pictures: torch.Tensor) -> torch.Tensor:
    contrast = (F.max_pool2d(pictures, 3, 1, 1) - pictures).amax(1, keepdim=True)
    weights = 1 + _EDGE_WEIGHT * F.max_pool2d(contrast, 9, 1, 4).clamp(0, 1)
    weights[:, :, :: RESOLUTION - 1, :: RESOLUTION - 1] = 0  # The decoder's spikes sit in the four corner pixels.
    return weights
