#!/usr/bin/env python3
"""The picture that diffusers makes of the tiny Z-Image of crates/tiny-models, for the test of engine-sdcpp.

    python zimage.py QWEN_MERGES OUT.png [WRITTEN_DIR]

QWEN_MERGES is stable-diffusion.cpp's src/tokenizers/vocab/qwen_merges.hpp, the tokenizer that it brings along.
The model is built here from the same rules as in Rust (`weights.py`); with WRITTEN_DIR, a folder that
`cargo run -p tiny-models --example zimage -- WRITTEN_DIR` wrote, every tensor is compared with the file's.
"""

import re
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, ZImageTransformer2DModel
from diffusers.models.transformers.transformer_z_image import TimestepEmbedder
from PIL import Image
from safetensors.torch import load_file
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import Qwen3Config, Qwen3Model

from weights import tensor

SEED = 20_260_101
DIM, HIDDEN, RANDOM_LAYERS = 384, 32, 2
PROMPT, NOISE_SEED, STEPS, SIDE, FLOW_SHIFT = "a cat", 42, 4, 128, 3.0
SCALE, SHIFT = 0.3611, 0.1159
TEXTURE, CONTRAST = 0.1, 0.75


def half(numbers, shape):
    return torch.from_numpy(np.asarray(numbers, dtype=np.float32).astype(np.float16).reshape(shape))


def draw(name, shape, deviation):
    return tensor(SEED, name, int(np.prod(shape)), deviation).reshape(shape)


def keeping(shape):
    return np.sqrt(np.float32(1.0) / np.float32(np.prod(shape[1:])))


def mixing(name, shape, gain=1.0):
    return half(draw(name, shape, np.float32(gain) * keeping(shape)), shape)


def bias(name, shape):
    return half(draw(name, shape, 0.02), shape)


def near_one(name, shape):
    return half(np.float32(1.0) + draw(name, shape, 0.05), shape)


def passing(name, shape, passed):
    numbers = draw(name, shape, keeping(shape))
    centre = shape[2] // 2
    for to, channel, factor in passed:
        numbers[to] = 0
        numbers[to, channel, centre, centre] = factor
    return half(numbers, shape)


def transformer_file():
    """By the names of the file."""
    linear = {"x_embedder": (DIM, 64), "cap_embedder.1": (DIM, HIDDEN), "t_embedder.mlp.0": (DIM, 256),
              "t_embedder.mlp.2": (256, DIM), "final_layer.adaLN_modulation.1": (DIM, 256),
              "final_layer.linear": (64, DIM)}
    norms, matrices = {"cap_embedder.0": HIDDEN}, {}
    for block in ("noise_refiner.0", "context_refiner.0", "layers.0"):
        if block != "context_refiner.0":
            linear[f"{block}.adaLN_modulation.0"] = (4 * DIM, 256)
        matrices |= {f"{block}.attention.qkv": (3 * DIM, DIM), f"{block}.attention.out": (DIM, DIM),
                     f"{block}.feed_forward.w1": (DIM // 3 * 8, DIM), f"{block}.feed_forward.w2": (DIM, DIM // 3 * 8),
                     f"{block}.feed_forward.w3": (DIM // 3 * 8, DIM)}
        norms |= {f"{block}.attention.{norm}": 128 for norm in ("q_norm", "k_norm")}
        norms |= {f"{block}.{norm}": DIM
                  for norm in ("attention_norm1", "attention_norm2", "ffn_norm1", "ffn_norm2")}
    file = {pad: half(draw(pad, (1, DIM), 0.5), (1, DIM)) for pad in ("x_pad_token", "cap_pad_token")}
    for name, shape in (linear | matrices).items():
        file[f"{name}.weight"] = mixing(f"{name}.weight", shape)
    for name, shape in linear.items():
        file[f"{name}.bias"] = bias(f"{name}.bias", shape[:1])
    for name, count in norms.items():
        file[f"{name}.weight"] = near_one(f"{name}.weight", (count,))
    return file


def transformer(file):
    model = ZImageTransformer2DModel(dim=DIM, n_layers=1, n_refiner_layers=1, n_heads=3, n_kv_heads=3,
                                     cap_feat_dim=HIDDEN, in_channels=16, axes_dims=[32, 48, 48],
                                     axes_lens=[1024, 512, 512])
    # stable-diffusion.cpp never makes it wider than the model.
    model.t_embedder = TimestepEmbedder(256, mid_size=DIM)
    renamed = {}
    for name, numbers in file.items():
        for old, new in (("x_embedder.", "all_x_embedder.2-1."), ("final_layer.", "all_final_layer.2-1."),
                         (".q_norm.", ".norm_q."), (".k_norm.", ".norm_k."), ("attention.out.", "attention.to_out.0.")):
            if not (old == "x_embedder." and not name.startswith(old)):
                name = name.replace(old, new)
        if ".qkv." in name:
            for part, rows in zip(("to_q", "to_k", "to_v"), numbers.chunk(3)):
                renamed[name.replace("qkv", part)] = rows
        else:
            renamed[name] = numbers
    model.load_state_dict({name: numbers.float() for name, numbers in renamed.items()})
    return model.eval()


def text_encoder():
    model = Qwen3Model(Qwen3Config(vocab_size=151936, hidden_size=HIDDEN, intermediate_size=64, num_hidden_layers=36,
                                   num_attention_heads=32, num_key_value_heads=8, head_dim=128, rms_norm_eps=1e-6,
                                   rope_theta=1000000.0, max_position_embeddings=4096, tie_word_embeddings=True))
    file = {}
    for name, parameter in model.state_dict().items():
        name, shape = f"model.{name}", tuple(parameter.shape)
        layer = re.search(r"layers\.(\d+)\.", name)
        if name == "model.embed_tokens.weight":
            file[name] = half(draw(name, shape, 1.0), shape)
        elif len(shape) == 1:
            file[name] = near_one(name, shape)
        elif int(layer.group(1)) < RANDOM_LAYERS:
            file[name] = mixing(name, shape)
        else:
            file[name] = torch.zeros(shape)
    model.load_state_dict({name.removeprefix("model."): numbers.float() for name, numbers in file.items()})
    return model.eval(), file


def decoder():
    """The encoder takes no part in a picture from text."""
    model = AutoencoderKL(in_channels=3, out_channels=3, latent_channels=16, block_out_channels=[32, 64, 128, 128],
                          layers_per_block=2, norm_num_groups=32, down_block_types=["DownEncoderBlock2D"] * 4,
                          up_block_types=["UpDecoderBlock2D"] * 4, use_quant_conv=False, use_post_quant_conv=False)
    split = [entry for c in range(3) for entry in ((c, c, 1.0), (c + 3, c, -1.0))]
    kept = [(c, c, 1.0) for c in range(6)]
    file = {}
    for name, parameter in model.state_dict().items():
        shape = tuple(parameter.shape)
        if not name.startswith("decoder."):
            continue
        if name == "decoder.conv_out.weight":
            numbers = np.zeros(shape, dtype=np.float32)
            for c in range(3):
                numbers[c, c, 1, 1], numbers[c, c + 3, 1, 1] = CONTRAST, -CONTRAST
            file[name] = half(numbers, shape)
        elif len(shape) == 1:
            is_norm = "norm" in name and name.endswith("weight")
            file[name] = near_one(name, shape) if is_norm else bias(name, shape)
        elif name == "decoder.conv_in.weight":
            file[name] = passing(name, shape, split)
        elif "conv_shortcut" in name or "upsamplers" in name:
            file[name] = passing(name, shape, kept)
        else:
            file[name] = mixing(name, shape, TEXTURE if "conv2" in name or "to_out" in name else 1.0)
    model.load_state_dict({name: numbers.float() for name, numbers in file.items()}, strict=False)
    return model.eval(), file


def tokenizer(merges_header):
    """Qwen2's, from the merges that stable-diffusion.cpp embeds."""
    raw = bytes(int(byte, 16) for byte in re.findall(r"0x([0-9a-fA-F]{2})", merges_header)).rstrip(b"\0")
    merges = [tuple(line.split(" ")) for line in raw.decode().split("\n") if line.strip()]
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    characters = [chr(byte) for byte in plain] + [chr(256 + index) for index in range(len(others))]
    vocabulary = {word: index for index, word in enumerate(characters + [a + b for a, b in merges])}
    words = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    pattern = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
               r"|\s+(?!\S)|\s+")
    words.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    words.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return words


def sigmas():
    """stable-diffusion.cpp's `discrete` schedule with the time shift of flow models."""
    times = [999 - 999 / (STEPS - 1) * step for step in range(STEPS)]
    shares = [(time + 1) / 1000 for time in times]
    return [FLOW_SHIFT * share / (1 + (FLOW_SHIFT - 1) * share) for share in shares] + [0.0]


def main(merges, out, written=None):
    transformer_weights = transformer_file()
    denoiser = transformer(transformer_weights)
    encoder, encoder_weights = text_encoder()
    vae, decoder_weights = decoder()
    if written:
        for name, file in (("transformer", transformer_weights), ("text_encoder", encoder_weights),
                           ("vae", decoder_weights)):
            theirs = load_file(Path(written) / f"{name}.safetensors")
            for tensor_name, numbers in file.items():
                assert torch.equal(theirs[tensor_name].float(), numbers.float()), (name, tensor_name)
            print(name, "is what Rust wrote:", len(file), "tensors")
    text = f"<|im_start|>user\n{PROMPT}<|im_end|>\n<|im_start|>assistant\n"
    tokens = tokenizer(Path(merges).read_text()).encode(text).ids
    noise = torch.Generator().manual_seed(NOISE_SEED)
    latents = torch.randn(1, 16, SIDE // 8, SIDE // 8, generator=noise)
    schedule = sigmas()
    with torch.no_grad():
        words = encoder(input_ids=torch.tensor([tokens]), output_hidden_states=True).hidden_states[-2]
        for now, then in zip(schedule, schedule[1:]):
            time = torch.tensor([1.0 - now])
            flow = -denoiser([latents[0].unsqueeze(1)], time, [words[0]], return_dict=False)[0][0].float()
            latents = latents + flow.squeeze(1).unsqueeze(0) * (then - now)
        pixels = vae.decode(latents / SCALE + SHIFT, return_dict=False)[0][0]
    colours = ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0)
    Image.fromarray(colours.contiguous().numpy()).save(out, optimize=True)
    print("tokens", tokens, "sigmas", schedule, "mean", float(colours.float().mean()), "std",
          float(colours.float().std()))


if __name__ == "__main__":
    main(*sys.argv[1:])
