#!/usr/bin/env python3
"""What transformers says with the weights of the tiny language models: greedy tokens and vectors of texts.

usage: llm.py DIRECTORY > crates/engine-llama/tests/engine/golden/llm.json

DIRECTORY holds the files that `cargo run -p tiny-models --example tiny_gguf` writes: qwen3-7.gguf, llama-11.gguf, ...
The weights are made anew here, by weights.py, and compared with the files to the bit;
only the tokenizer is read from them.
"""

import json
import pathlib
import sys

import gguf
import numpy as np
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

import weights

CASES = [("qwen3", 7), ("qwen3", 21), ("llama", 11)]
PROMPTS = [
    "<|im_start|>user\nhello world, what is the weather in this city?<|im_end|>\n<|im_start|>assistant\n",
    "the quick brown fox jumps over the lazy dog 123 times",
]
TOKENS = 32
SIZE = {"embedding": 64, "blocks": 2, "heads": 4, "kv_heads": 2, "head": 16, "feed_forward": 160}
# llama.cpp's `qwen2` pre-tokenizer.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def tensors(architecture, seed, vocabulary):
    """Every tensor, by its GGUF name, as (outputs, inputs)."""
    e, h = SIZE["embedding"], SIZE["head"]
    q, kv, ff = SIZE["heads"] * h, SIZE["kv_heads"] * h, SIZE["feed_forward"]
    out = {}

    def matrix(name, inputs, outputs):
        deviation = np.float32(1.0) / np.sqrt(np.float32(inputs))
        out[name] = weights.tensor(seed, name, inputs * outputs, deviation).reshape(outputs, inputs)

    matrix("output.weight", e, vocabulary)
    out["output_norm.weight"] = np.ones(e, np.float32)
    name = "token_embd.weight"
    out[name] = weights.tensor(seed, name, e * vocabulary, 1.0).reshape(vocabulary, e)
    for block in range(SIZE["blocks"]):
        for part, inputs, outputs in [
            ("attn_q", e, q), ("attn_k", e, kv), ("attn_v", e, kv), ("attn_output", q, e),
            ("ffn_gate", e, ff), ("ffn_up", e, ff), ("ffn_down", ff, e),
        ]:
            matrix(f"blk.{block}.{part}.weight", inputs, outputs)
        for part in ["attn_norm", "ffn_norm"]:
            out[f"blk.{block}.{part}.weight"] = np.ones(e, np.float32)
        if architecture == "qwen3":
            for part in ["attn_q_norm", "attn_k_norm"]:
                out[f"blk.{block}.{part}.weight"] = np.ones(h, np.float32)
    return out


def compare(reader, mine):
    theirs = {tensor.name: tensor for tensor in reader.tensors}
    assert theirs.keys() == mine.keys(), theirs.keys() ^ mine.keys()
    for name, array in mine.items():
        assert np.array_equal(np.array(theirs[name].data).reshape(array.shape), array), name


def permuted(array, heads):
    """From llama.cpp's order of rotated pairs (one beside the other) to transformers' (halves)."""
    outputs, inputs = array.shape
    return array.reshape(heads, outputs // heads // 2, 2, inputs).swapaxes(1, 2).reshape(outputs, inputs)


def model(architecture, arrays, vocabulary):
    settings = dict(
        vocab_size=vocabulary, hidden_size=SIZE["embedding"], intermediate_size=SIZE["feed_forward"],
        num_hidden_layers=SIZE["blocks"], num_attention_heads=SIZE["heads"], num_key_value_heads=SIZE["kv_heads"],
        head_dim=SIZE["head"], rms_norm_eps=1e-6, rope_theta=10000.0, max_position_embeddings=2048,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, tie_word_embeddings=False,
    )
    if architecture == "qwen3":
        made = Qwen3ForCausalLM(Qwen3Config(**settings))
    else:
        made = LlamaForCausalLM(LlamaConfig(**settings))
    names = {
        "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
        "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm", "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
    }
    outer = {
        "token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
        "output.weight": "lm_head.weight",
    }
    state = {}
    for name, array in arrays.items():
        if name in outer:
            state[outer[name]] = torch.from_numpy(array)
            continue
        _, block, part, _ = name.split(".")
        if architecture == "llama" and part in ("attn_q", "attn_k"):
            array = permuted(array, SIZE["heads"] if part == "attn_q" else SIZE["kv_heads"])
        state[f"model.layers.{block}.{names[part]}.weight"] = torch.from_numpy(array.copy())
    made.load_state_dict(state)
    return made.eval()


def tokenizer(reader):
    tokens = reader.get_field("tokenizer.ggml.tokens").contents()
    kinds = reader.get_field("tokenizer.ggml.token_type").contents()
    merges = [tuple(merge.split(" ")) for merge in reader.get_field("tokenizer.ggml.merges").contents()]
    made = Tokenizer(models.BPE(vocab={token: at for at, token in enumerate(tokens)}, merges=merges))
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([
        AddedToken(token, normalized=False) for token, kind in zip(tokens, kinds)
        if kind in (gguf.TokenType.CONTROL, gguf.TokenType.USER_DEFINED)
    ])
    return made


def greedy(made, prompt):
    ids = list(prompt)
    with torch.no_grad():
        for _ in range(TOKENS):
            ids.append(int(made(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt):]


def embedded(made, prompt, pooling):
    with torch.no_grad():
        hidden = made.model(torch.tensor([prompt])).last_hidden_state[0]
    vector = hidden.mean(0) if pooling == "mean" else hidden[-1]
    return [round(float(x), 6) for x in torch.nn.functional.normalize(vector, dim=0)]


def main():
    folder = pathlib.Path(sys.argv[1])
    cases, embeddings = [], []
    for architecture, seed in CASES:
        reader = gguf.GGUFReader(folder / f"{architecture}-{seed}.gguf")
        vocabulary = len(reader.get_field("tokenizer.ggml.tokens").data)
        arrays = tensors(architecture, seed, vocabulary)
        compare(reader, arrays)
        made, words = model(architecture, arrays, vocabulary), tokenizer(reader)
        for prompt in PROMPTS:
            ids = words.encode(prompt).ids
            cases.append({
                "architecture": architecture, "seed": seed, "prompt": prompt, "prompt_tokens": ids,
                "tokens": greedy(made, ids),
            })
        for pooling in ["mean", "last"]:
            text = PROMPTS[1]
            vector = embedded(made, words.encode(text).ids, pooling)
            embeddings.append({
                "architecture": architecture, "seed": seed, "pooling": pooling, "text": text, "vector": vector,
            })
    print("{")
    for name, entries, end in [("cases", cases, ","), ("embeddings", embeddings, "")]:
        print(f'"{name}": [')
        print(",\n".join(json.dumps(entry) for entry in entries))
        print("]" + end)
    print("}")


main()
