"""Prompts to token ids, exactly as stable-diffusion.cpp's Qwen tokenizer and chat template make them.

The model knows only the few words of its world, so `tokens.json` lists their Qwen token ids and no tokenizer is needed.
Any other word becomes `UNKNOWN`, whose embedding is zero in training as it is in the exported file.

`python tokens.py MERGES` writes the list anew; MERGES is stable-diffusion.cpp's `src/tokenizers/vocab/qwen_merges.hpp`.
"""

import json
import random
import re
import sys
from pathlib import Path

from scene import prompt_of, sample_scene

#: Longest prompt that training sees, template included; the transformer's text part has this many places.
TEXT_LENGTH = 32
UNKNOWN = 0
PADDING = -1

_LIST = Path(__file__).with_name("tokens.json")
#: A word with the space before it, or one other character: never split differently by Qwen's own rules.
_PIECE = re.compile(r" ?[A-Za-z]+|[^A-Za-z]")


class Vocabulary:
    """Numbers the tokens of the world from 1; `qwen_ids[n - 1]` is the row of token `n` in the text encoder's file."""

    def __init__(self) -> None:
        listed = json.loads(_LIST.read_text())
        template = listed["before"] + listed["after"]
        self.qwen_ids = sorted(set(template).union(*listed["pieces"].values()))
        number = {qwen: n for n, qwen in enumerate(self.qwen_ids, 1)}
        self._before = [number[token] for token in listed["before"]]
        self._after = [number[token] for token in listed["after"]]
        self._pieces = {piece: [number[token] for token in ids] for piece, ids in listed["pieces"].items()}

    def __len__(self) -> int:
        return len(self.qwen_ids)

    def encode(self, prompt: str, noise: random.Random | None = None) -> list[int]:
        """Numbers the tokens of `prompt` in the chat template, padded; `noise` sometimes puts unknown words in."""
        tokens = [token for piece in _PIECE.findall(prompt) for token in self._pieces.get(piece, [UNKNOWN])]
        if noise is not None and noise.random() < 0.15:
            for _ in range(noise.randint(1, 3)):
                tokens.insert(noise.randint(0, len(tokens)), UNKNOWN)
        room = TEXT_LENGTH - len(self._before) - len(self._after)
        whole = self._before + tokens[:room] + self._after
        return whole + [PADDING] * (TEXT_LENGTH - len(whole))


def _pieces_of_the_world() -> list[str]:
    rng = random.Random(0)
    prompts = (prompt_of(sample_scene(rng, held_out=rng.random() < 0.1), rng) for _ in range(20_000))
    return sorted({piece for prompt in prompts for piece in _PIECE.findall(prompt)})


def _qwen_tokenizer(merges_header: Path):
    """Builds Qwen2's byte-level BPE from the merges that stable-diffusion.cpp compiles in."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    octets = bytes(int(octet, 16) for octet in re.findall(r"0x([0-9a-fA-F]{2})", merges_header.read_text()))
    lines = octets.rstrip(b"\0").decode().split("\n")
    merges = [tuple(line.split(" ")) for line in lines if line.strip()]
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(octet) for octet in visible] + [chr(256 + n) for n in range(256 - len(visible))]
    vocabulary = {piece: n for n, piece in enumerate(letters + ["".join(pair) for pair in merges])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    words = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
        r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    octet_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(words), "isolated"), octet_level])
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return tokenizer


def _write_list(merges_header: Path) -> None:
    tokenizer = _qwen_tokenizer(merges_header)
    listed = {
        "before": tokenizer.encode("<|im_start|>user\n").ids,
        "after": tokenizer.encode("<|im_end|>\n<|im_start|>assistant\n").ids,
        "pieces": {piece: tokenizer.encode(piece).ids for piece in _pieces_of_the_world()},
    }
    lines = ",\n".join(f"    {json.dumps(piece)}: {ids}" for piece, ids in listed["pieces"].items())
    head = f'{{\n  "before": {listed["before"]},\n  "after": {listed["after"]},\n  "pieces": {{\n'
    _LIST.write_text(f"{head}{lines}\n  }}\n}}\n")


if __name__ == "__main__":
    _write_list(Path(sys.argv[1]))
