#!/usr/bin/env python3
"""Trains the starter chat model: see README.md.

train.py [--steps N] [--out starter-chat.gguf]     trains, evaluates and writes the model
train.py --smoke                                   a few steps, to see that the script works
"""

import argparse
import json
import random
import time
from pathlib import Path

import gguf
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

import model as shape
from dialogues import Message, dialogue, first_request, understood
from model import END, END_OF_TEXT, SPECIAL, START, Chat, trained_tokenizer

STEPS, BATCH, RATE, SEED, WARM_UP = 4000, 32, 4e-3, 0, 50
#: Targets that no loss is taken of: all but the model's own words.
IGNORED = -100
#: Conversations that the tokenizer learns its words from.
TOKENIZER_TEXTS = 4000
#: Seed of the questions that the finished model is asked.
EVALUATION_SEED, QUESTIONS = 77, 100

TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--out", type=Path, default=Path("starter-chat.gguf"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    rng = random.Random(SEED)
    tokenizer = trained_tokenizer("\n".join(text for _, text in dialogue(rng)) for _ in range(TOKENIZER_TEXTS))
    chat = train(tokenizer, 5 if arguments.smoke else arguments.steps)
    for temperature in (0.0, 0.8):
        print(evaluate(chat, tokenizer, temperature, 5 if arguments.smoke else QUESTIONS))
    write_gguf(chat, tokenizer, arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB")
    if arguments.smoke:
        arguments.out.unlink()


def train(tokenizer: Tokenizer, steps: int) -> Chat:
    """Trains on conversations that are made up as it goes, on the answers alone."""
    torch.manual_seed(SEED)
    chat = Chat()
    matrices = [parameter for parameter in chat.blk.parameters() if parameter.ndim == 2]
    others = [chat.token_embd.weight, *(parameter for parameter in chat.parameters() if parameter.ndim == 1)]
    optimizers = [
        torch.optim.Muon(matrices, lr=RATE, momentum=0.95, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=RATE, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    began, losses = time.monotonic(), []
    for step in range(steps):
        tokens, targets = batch(random.Random(f"{SEED}/{step}"), tokenizer)
        loss = F.cross_entropy(chat(tokens).flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1.0, (step + 1) / WARM_UP) * (1.01 - step / steps)
            optimizer.step()
        chat.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if (step + 1) % 50 == 0 or step + 1 == steps:
            mean = sum(losses) / len(losses)
            print(f"step {step + 1} {time.monotonic() - began:.0f}s loss {mean:.4f}", flush=True)
            losses.clear()
    return chat


def batch(rng: random.Random, tokenizer: Tokenizer) -> tuple[torch.Tensor, torch.Tensor]:
    """Makes up conversations: their tokens, and for each the next one where the model speaks."""
    rows = [encoded(dialogue(rng), tokenizer) for _ in range(BATCH)]
    length = min(max(len(tokens) for tokens, _ in rows), shape.CONTEXT + 1)
    padding = tokenizer.token_to_id(END_OF_TEXT)
    tokens = torch.full((BATCH, length), padding)
    targets = torch.full((BATCH, length), IGNORED)
    for row, (ids, spoken) in enumerate(rows):
        ids, spoken = torch.tensor(ids[:length]), torch.tensor(spoken[:length])
        tokens[row, : len(ids)] = ids
        targets[row, : len(ids)] = torch.where(spoken, ids, IGNORED)
    return tokens[:, :-1], targets[:, 1:]


def encoded(messages: list[Message], tokenizer: Tokenizer) -> tuple[list[int], list[bool]]:
    """Returns the tokens of a conversation in the chat template, and which of them the model says."""
    ids, spoken = [], []
    for role, text in messages:
        own = role == "assistant"
        for part, said in ((f"{START}{role}\n", False), (f"{text}{END}", own), ("\n", False)):
            part_ids = tokenizer.encode(part).ids
            ids += part_ids
            spoken += [said] * len(part_ids)
    return ids, spoken


def evaluate(chat: Chat, tokenizer: Tokenizer, temperature: float, questions: int) -> str:
    """Asks questions and counts answers that the picture model understands, and those that grant the wish."""
    rng, noise = random.Random(EVALUATION_SEED), torch.Generator().manual_seed(EVALUATION_SEED)
    end = tokenizer.token_to_id(END)
    in_world = granted = 0
    wrong = []
    for _ in range(questions):
        wish, text, count = first_request(rng)
        prompt, _ = encoded([("user", text)], tokenizer)
        prompt += tokenizer.encode(f"{START}assistant\n").ids
        answer = tokenizer.decode(chat.answer(prompt, end, temperature, noise))
        scenes = [understood(line) for line in answer.split("\n")]
        fits = len(scenes) == count and None not in scenes
        grants = fits and all(wish.granted_by(scene) for scene in scenes)
        in_world += None not in scenes
        granted += grants
        if not grants:
            wrong.append(f"  {text!r}: {answer[:200]!r}")
    head = f"temperature {temperature}: of {questions} answers {in_world} are prompts of the world, {granted} as wished"
    return "\n".join([head, *wrong[:10]])


def write_gguf(chat: Chat, tokenizer: Tokenizer, path: Path) -> None:
    """Writes the model as llama.cpp reads it, matrices in 16 bits."""
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_name("starter-chat")
    writer.add_context_length(4 * shape.CONTEXT)
    writer.add_embedding_length(shape.WIDTH)
    writer.add_block_count(shape.LAYERS)
    writer.add_feed_forward_length(shape.INNER)
    writer.add_head_count(shape.HEADS)
    writer.add_head_count_kv(shape.KEY_HEADS)
    writer.add_key_length(shape.HEAD)
    writer.add_value_length(shape.HEAD)
    writer.add_layer_norm_rms_eps(shape.EPSILON)
    writer.add_rope_freq_base(shape.THETA)
    writer.add_rope_dimension_count(shape.HEAD)
    writer.add_vocab_size(shape.VOCABULARY)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    _add_tokenizer(writer, tokenizer)
    for name, tensor in chat.state_dict().items():
        array = tensor.numpy()
        # Block names are flat in the file; norms stay in 32 bits.
        writer.add_tensor(name.replace(".attention.", "."), array.astype("float16") if array.ndim == 2 else array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1])
    assert len(vocabulary) == shape.VOCABULARY, f"{len(vocabulary)} tokens instead of {shape.VOCABULARY}"
    tokens = [token for token, _ in vocabulary]
    kinds = [gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in tokens]
    merges = [" ".join(pair) for pair in _merges(tokenizer)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(tokens.index(END))
    writer.add_pad_token_id(tokens.index(END_OF_TEXT))
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


def _merges(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in merges]


if __name__ == "__main__":
    main()
