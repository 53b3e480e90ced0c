"""A small Qwen3, with the names that GGUF files use, and its byte-level tokenizer."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn

WIDTH, LAYERS, HEADS, KEY_HEADS, HEAD, INNER = 128, 4, 4, 2, 32, 320
THETA, EPSILON = 10_000.0, 1e-6
#: Longest conversation that training sees, in tokens.
CONTEXT = 160

END_OF_TEXT, START, END = SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
#: Bytes, special tokens and merges: enough for every word of the world to be one token.
VOCABULARY = 640
#: llama.cpp's `qwen2` pre-tokenizer.
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def trained_tokenizer(texts: Iterable[str]) -> Tokenizer:
    """Learns merges from `texts`."""
    tokenizer = Tokenizer(models.BPE())
    octets = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(_SPLIT), "isolated"), octets])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attn_q = nn.Linear(WIDTH, HEADS * HEAD, bias=False)
        self.attn_k = nn.Linear(WIDTH, KEY_HEADS * HEAD, bias=False)
        self.attn_v = nn.Linear(WIDTH, KEY_HEADS * HEAD, bias=False)
        self.attn_output = nn.Linear(HEADS * HEAD, WIDTH, bias=False)
        self.attn_q_norm = nn.RMSNorm(HEAD, EPSILON)
        self.attn_k_norm = nn.RMSNorm(HEAD, EPSILON)

    def forward(self, x: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
        batch, length, _ = x.shape
        heads = (batch, length, -1, HEAD)
        query = rotate(self.attn_q_norm(self.attn_q(x).view(heads)).transpose(1, 2), rotation)
        key = rotate(self.attn_k_norm(self.attn_k(x).view(heads)).transpose(1, 2), rotation)
        value = self.attn_v(x).view(heads).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
        return self.attn_output(mixed.transpose(1, 2).reshape(batch, length, HEADS * HEAD))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attn_norm, self.ffn_norm = nn.RMSNorm(WIDTH, EPSILON), nn.RMSNorm(WIDTH, EPSILON)
        self.attention = Attention()
        self.ffn_gate = nn.Linear(WIDTH, INNER, bias=False)
        self.ffn_up = nn.Linear(WIDTH, INNER, bias=False)
        self.ffn_down = nn.Linear(INNER, WIDTH, bias=False)

    def forward(self, x: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.attn_norm(x), rotation)
        fed = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(fed)) * self.ffn_up(fed))


class Chat(nn.Module):
    """The whole model; the embeddings are the output's matrix as well."""

    def __init__(self) -> None:
        super().__init__()
        self.token_embd = nn.Embedding(VOCABULARY, WIDTH)
        self.blk = nn.ModuleList([Block() for _ in range(LAYERS)])
        self.output_norm = nn.RMSNorm(WIDTH, EPSILON)
        for parameter in self.parameters():
            if parameter.ndim == 2:
                nn.init.normal_(parameter, std=0.05)
        frequencies = THETA ** (-torch.arange(0, HEAD, 2) / HEAD)
        angles = torch.outer(torch.arange(4 * CONTEXT), frequencies).repeat(1, 2)
        self.register_buffer("rotation", torch.stack([angles.cos(), angles.sin()]), persistent=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.token_embd(tokens)
        for block in self.blk:
            x = block(x, self.rotation[:, : tokens.shape[1]])
        return self.output_norm(x) @ self.token_embd.weight.T

    @torch.no_grad()
    def answer(self, tokens: list[int], end: int, temperature: float, random: torch.Generator) -> list[int]:
        """Continues `tokens` until the token `end`; temperature 0 takes the likeliest."""
        whole = list(tokens)
        while len(whole) < 2 * CONTEXT:
            scores = self(torch.tensor([whole]))[0, -1]
            if temperature == 0:
                token = int(scores.argmax())
            else:
                token = int(torch.multinomial((scores / temperature).softmax(0), 1, generator=random))
            if token == end:
                break
            whole.append(token)
        return whole[len(tokens) :]


def rotate(x: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
    """Turns the first half of each head against the second by its position's angle."""
    cosine, sine = rotation
    first, second = x.chunk(2, -1)
    return x * cosine + torch.cat([-second, first], -1) * sine
