"""The three files that stable-diffusion.cpp loads, and back.

Most of a text encoder and a VAE encoder is missing from this model; the loader wants their tensors all the same. They
are zeros, stored in one byte each (F8), and vanish in the zip.
"""

import zipfile
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from decoder import autoencoder
from dit import TEXT_WIDTH
from tokens import Vocabulary

TRANSFORMER, TEXT_ENCODER, VAE = FILES = ["transformer.safetensors", "text_encoder.safetensors", "vae.safetensors"]

#: Figures of the Qwen3 text encoder that stable-diffusion.cpp builds for Z-Image.
_VOCABULARY, _LAYERS, _QUERY, _KEY, _HEAD = 151_936, 36, 4096, 1024, 128
_EMBEDDINGS = "model.embed_tokens.weight"
#: Widths of the VAE encoder that it builds.
_ENCODER_WIDTHS = [128, 256, 512, 512]
#: Zip entries carry this time, so that the same weights make the same file.
_TIME = (2026, 1, 1, 0, 0, 0)

Tensors = dict[str, torch.Tensor]


def export(dit: Tensors, decoder: Tensors, folder: Path) -> None:
    """Writes the three files of a trained transformer and decoder."""
    folder.mkdir(parents=True, exist_ok=True)
    dit = dict(dit)
    tokens = dit.pop("tok")
    # Matrices in 16 bits; what stable-diffusion.cpp adds or multiplies in 32 stays in 32.
    transformer = {
        name: _half(tensor) if tensor.ndim == 2 and "pad_token" not in name else _single(tensor)
        for name, tensor in dit.items()
    }
    save_file(transformer, folder / TRANSFORMER)
    save_file(_text_encoder(tokens), folder / TEXT_ENCODER)
    save_file(_vae(decoder), folder / VAE)


def pack(folder: Path, archive: Path) -> None:
    """Zips the three files."""
    with zipfile.ZipFile(archive, "w") as packed:
        for name in FILES:
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, (folder / name).read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=9)


def unpack(archive: Path, folder: Path) -> None:
    """Takes the three files, and nothing else, out of a zip."""
    with zipfile.ZipFile(archive) as packed:
        for name in FILES:
            packed.extract(name, folder)


def import_weights(folder: Path) -> tuple[Tensors, Tensors]:
    """Reads the weights of transformer and decoder back from exported files, as exact as 16 bits are."""
    rows = load_file(folder / TEXT_ENCODER)[_EMBEDDINGS][torch.tensor(Vocabulary().qwen_ids)]
    tokens = torch.cat([torch.zeros(1, TEXT_WIDTH), rows.float()])
    dit = {name: tensor.float() for name, tensor in load_file(folder / TRANSFORMER).items()} | {"tok": tokens}
    decoder = {
        "inner." + name.removeprefix("decoder."): tensor.float()
        for name, tensor in load_file(folder / VAE).items()
        if name.startswith("decoder.")
    }
    return dit, decoder


def _text_encoder(tokens: torch.Tensor) -> Tensors:
    """A Qwen3 whose layers add nothing: its hidden states are the embeddings of the world's tokens."""
    embeddings = torch.zeros(_VOCABULARY, TEXT_WIDTH)
    # The encoder's last normalisation would do this; done here it is exact in 16 bits.
    embeddings[torch.tensor(Vocabulary().qwen_ids)] = F.rms_norm(tokens[1:].float(), (TEXT_WIDTH,))
    tensors = {_EMBEDDINGS: _half(embeddings), "model.norm.weight": torch.ones(TEXT_WIDTH, dtype=torch.float16)}
    matrices = {
        "self_attn.q_proj": (_QUERY, TEXT_WIDTH),
        "self_attn.k_proj": (_KEY, TEXT_WIDTH),
        "self_attn.v_proj": (_KEY, TEXT_WIDTH),
        "self_attn.o_proj": (TEXT_WIDTH, _QUERY),
        "mlp.gate_proj": (TEXT_WIDTH, TEXT_WIDTH),
        "mlp.up_proj": (TEXT_WIDTH, TEXT_WIDTH),
        "mlp.down_proj": (TEXT_WIDTH, TEXT_WIDTH),
    }
    norms = {
        "self_attn.q_norm": _HEAD,
        "self_attn.k_norm": _HEAD,
        "input_layernorm": TEXT_WIDTH,
        "post_attention_layernorm": TEXT_WIDTH,
    }
    for layer in range(_LAYERS):
        for name, shape in matrices.items():
            tensors[f"model.layers.{layer}.{name}.weight"] = _zeros(shape)
        for name, width in norms.items():
            tensors[f"model.layers.{layer}.{name}.weight"] = torch.ones(width, dtype=torch.float16)
    return tensors


def _vae(decoder: Tensors) -> Tensors:
    with torch.device("meta"):
        encoder = autoencoder(_ENCODER_WIDTHS).encoder.state_dict()
    zeros = {f"encoder.{name}": _zeros(tensor.shape) for name, tensor in encoder.items()}
    trained = {
        "decoder." + name.removeprefix("inner."): _half(tensor) if tensor.ndim > 1 else _single(tensor)
        for name, tensor in decoder.items()
    }
    return zeros | trained


def _zeros(shape: tuple[int, ...]) -> torch.Tensor:
    kind = torch.float8_e4m3fn if len(shape) > 1 else torch.float16
    return torch.zeros(shape, dtype=kind)


def _half(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to(torch.float16).contiguous().clone()


def _single(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().float().contiguous().clone()
