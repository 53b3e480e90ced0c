#!/usr/bin/env python3
"""Trains the starter model: see README.md.

    train.py all                  every stage below, from nothing to starter-shapes.zip
    train.py latents              finds the latent space (seconds)
    train.py dit                  trains the transformer and the prompt's embeddings
    train.py decoder              trains the decoder
    train.py export               writes the three files and their zip
    train.py import ZIP           takes exported weights as the start of phases that are added to the lists below
    train.py prompts --out FILE   writes the held-out prompts that the judge asks for
    train.py paint --out DIR      makes the pictures of held-out prompts with torch

A stage that was stopped goes on where it was; one that is done is skipped.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image

import export
from decoder import Decoder
from dit import Dit, sample
from latent import Latents
from learners import DecoderLearner, DitLearner
from scene import HARD, Jitter, held_out_prompts
from tokens import Vocabulary
from training import Checkpoint, Phase, fit

#: Sets of held-out prompts: (seed, count). The first is the one whose figures the README states.
PROMPT_SETS = [(2024, 96), (7, 192)]
#: Seed of the first picture's noise.
FIRST_NOISE = 1000

_WIDE, _NARROW = Jitter(4.0, 0.07), Jitter(1.5, 0.02)
DIT_PHASES = [
    Phase(1151, 64, 2e-3, seed=0, jitter=_WIDE, warm_up=80, average=0.997),
    Phase(639, 64, 2e-3, seed=2, jitter=_NARROW, warm_up=80, average=0.997),
    Phase(836, 64, 1.5e-3, seed=5, jitter=_NARROW, warm_up=80, average=0.997),
]
DECODER_PHASES = [
    Phase(382, 6, 1e-3, seed=1, jitter=_WIDE, noise=0.12, hold=0.5),
    Phase(1850, 6, 1.2e-3, seed=32, jitter=Jitter(3.0, 0.05), mix=HARD, noise=0.05),
]


def main() -> None:
    """Runs the stage that the command line names."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    if arguments.smoke:
        with tempfile.TemporaryDirectory() as folder:
            _smoke(Training(Path(folder), smoke=True))
        return
    training = Training(arguments.work)
    match arguments.stage:
        case "import":
            training.work.mkdir(parents=True, exist_ok=True)
            training.start_from(Path(arguments.file))
        case "prompts":
            arguments.out.write_text(held_out_json())
        case "paint":
            arguments.out.mkdir(parents=True, exist_ok=True)
            training.paint(arguments.out, arguments.set)
        case "all":
            for stage in (training.latents, training.dit, training.decoder, training.export):
                stage()
        case stage:
            getattr(training, stage)()


class Training:
    """The stages over one working folder."""

    def __init__(self, work: Path, smoke: bool = False) -> None:
        self.work, self.smoke = work, smoke
        self.model = work / "model"
        self.archive = work / "starter-shapes.zip"

    def latents(self) -> Latents:
        """Finds the latent space, or reads it."""
        path = self.work / "latents.pt"
        if not path.exists():
            self.work.mkdir(parents=True, exist_ok=True)
            Latents.fitted().save(path)
        return Latents.load(path)

    def dit(self) -> None:
        """Trains the transformer."""
        learner = DitLearner(self.latents(), DIT_PHASES[0].seed, compiled=not self.smoke)
        fit(learner, self._phases(DIT_PHASES), self.work / "dit.pt")

    def decoder(self) -> None:
        """Trains the decoder."""
        learner = DecoderLearner(self.latents(), DECODER_PHASES[0].seed)
        fit(learner, self._phases(DECODER_PHASES), self.work / "decoder.pt")

    def export(self) -> None:
        """Writes the files of the averaged weights, also in the middle of training."""
        dit, decoder = (Checkpoint.load(self.work / name).average for name in ("dit.pt", "decoder.pt"))
        export.export(dit, decoder, self.model)
        export.pack(self.model, self.archive)
        for path in [*(self.model / name for name in export.FILES), self.archive]:
            print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")

    def start_from(self, archive: Path) -> None:
        """Makes checkpoints of exported weights, with every phase done: phases added to the lists go on from there."""
        export.unpack(archive, self.model)
        dit, decoder = export.import_weights(self.model)
        Checkpoint(len(DIT_PHASES), 0, dit, dit, []).save(self.work / "dit.pt")
        Checkpoint(len(DECODER_PHASES), 0, decoder, decoder, []).save(self.work / "decoder.pt")

    @torch.no_grad()
    def paint(self, out: Path, prompt_set: int, limit: int | None = None) -> None:
        """Makes the pictures of a set of held-out prompts, 1/255 from stable-diffusion.cpp's at most."""
        dit_weights, decoder_weights = export.import_weights(self.model)
        vocabulary, latents = Vocabulary(), self.latents()
        dit, decoder = Dit(len(vocabulary)), Decoder(latents)
        dit.load_state_dict(dit_weights)
        decoder.load_state_dict(decoder_weights)
        seed, count = PROMPT_SETS[prompt_set]
        for number, (_, prompt) in enumerate(held_out_prompts(count, seed)[:limit]):
            tokens = torch.tensor([vocabulary.encode(prompt)])
            picture = decoder(sample(dit, tokens, FIRST_NOISE + number))[0].clamp(-1, 1)
            octets = ((picture + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
            Image.fromarray(octets).save(out / f"{number:03}.png")

    def _phases(self, phases: list[Phase]) -> list[Phase]:
        if not self.smoke:
            return phases
        return [dataclasses.replace(phase, steps=2, batch=2, warm_up=1) for phase in phases]


def held_out_json() -> str:
    """Returns the sets of held-out prompts and what their pictures must show, one prompt a line."""
    sets = []
    for seed, count in PROMPT_SETS:
        lines = []
        for scene, prompt in held_out_prompts(count, seed):
            shows = dataclasses.asdict(scene) | {
                "size": scene.size or "medium",
                "position": scene.position or "middle",
            }
            lines.append("      " + json.dumps({"prompt": prompt, "scene": shows}))
        pictures = ",\n".join(lines)
        sets.append(f'  {{\n    "seed": {seed},\n    "pictures": [\n{pictures}\n    ]\n  }}')
    return "[\n" + ",\n".join(sets) + "\n]\n"


def _smoke(training: Training) -> None:
    """Runs all of it with two steps a phase, then checks that files and checkpoints hold the same weights."""
    began = time.monotonic()
    training.dit()
    training.decoder()
    training.export()
    kept = Checkpoint.load(training.work / "decoder.pt").average
    training.start_from(training.archive)
    training.decoder()
    for name, tensor in Checkpoint.load(training.work / "decoder.pt").average.items():
        torch.testing.assert_close(tensor, kept[name], rtol=1e-3, atol=1e-3)
    training.paint(training.work, 0, limit=1)
    with Image.open(training.work / "000.png") as picture:
        assert picture.size == (128, 128)
    print(f"the scripts work: {time.monotonic() - began:.0f} s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    stages = ["all", "latents", "dit", "decoder", "export", "import", "prompts", "paint"]
    parser.add_argument("stage", choices=stages, nargs="?", default="all")
    parser.add_argument("file", nargs="?", help="the zip that `import` reads")
    parser.add_argument("--work", type=Path, default=Path(__file__).with_name("work"), help="the working folder")
    parser.add_argument("--out", type=Path, help="where `prompts` and `paint` write")
    parser.add_argument("--set", type=int, default=0, help="which set of prompts `paint` takes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true", help="two steps of everything in a temporary folder")
    arguments = parser.parse_args()
    if arguments.stage == "import" and not arguments.file:
        parser.error("import needs the zip")
    if arguments.stage in ("prompts", "paint") and not arguments.out:
        parser.error(f"{arguments.stage} needs --out")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
