"""GPT-2 and LLaMA written out in plain torch, one query at a time, from nothing but a model's weights.

Attention weights pass through a function on their way to the values. Nothing here calls transformers or the harness.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Edit = Callable[[int, Tensor], Tensor]
"""(layer, weights [heads, tokens, tokens]) -> weights."""


@dataclass(frozen=True)
class Handwritten:
    logits: Tensor  # [tokens, vocab]
    neurons: Tensor  # [layers, d_ff] at the last token
    maps: Tensor  # [layers, heads, tokens, tokens], as the values met them


def forward(family: str, weights: Mapping[str, Tensor], ids: Sequence[int], *, heads: int, edit: Edit) -> Handwritten:
    return {"gpt2": _gpt2, "llama": _llama}[family](weights, torch.tensor(list(ids)), heads, edit)


def _gpt2(w: Mapping[str, Tensor], ids: Tensor, heads: int, edit: Edit) -> Handwritten:
    x = w["transformer.wte.weight"][ids] + w["transformer.wpe.weight"][: len(ids)]
    maps, neurons = [], []
    for layer in range(_layers(w, "transformer.h.")):
        p = f"transformer.h.{layer}."
        h = _layer_norm(x, w, p + "ln_1")
        q, k, v = (h @ w[p + "attn.c_attn.weight"] + w[p + "attn.c_attn.bias"]).chunk(3, dim=-1)
        mixed, a = _attention(_split(q, heads), _split(k, heads), _split(v, heads), layer, edit)
        x = x + mixed @ w[p + "attn.c_proj.weight"] + w[p + "attn.c_proj.bias"]
        h = _layer_norm(x, w, p + "ln_2") @ w[p + "mlp.c_fc.weight"] + w[p + "mlp.c_fc.bias"]
        h = 0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))
        x = x + h @ w[p + "mlp.c_proj.weight"] + w[p + "mlp.c_proj.bias"]
        maps.append(a)
        neurons.append(h[-1])
    logits = _layer_norm(x, w, "transformer.ln_f") @ w["lm_head.weight"].T
    return Handwritten(logits, torch.stack(neurons), torch.stack(maps))


def _llama(w: Mapping[str, Tensor], ids: Tensor, heads: int, edit: Edit) -> Handwritten:
    x = w["model.embed_tokens.weight"][ids]
    width = x.shape[1] // heads
    angles = torch.arange(len(ids))[:, None] * 10_000 ** (-torch.arange(0, width, 2) / width)[None]
    cos, sin = (torch.cat([f(angles), f(angles)], dim=-1).to(x.dtype) for f in (torch.cos, torch.sin))
    maps, neurons = [], []
    for layer in range(_layers(w, "model.layers.")):
        p = f"model.layers.{layer}."
        h = _rms_norm(x, w[p + "input_layernorm.weight"])
        kv_heads = w[p + "self_attn.k_proj.weight"].shape[0] // width
        q = _rotated(_split(h @ w[p + "self_attn.q_proj.weight"].T, heads), cos, sin)
        k = _rotated(_split(h @ w[p + "self_attn.k_proj.weight"].T, kv_heads), cos, sin)
        v = _split(h @ w[p + "self_attn.v_proj.weight"].T, kv_heads)
        # query head i reads key and value head i // (heads a group)
        group = torch.arange(heads) // (heads // kv_heads)
        mixed, a = _attention(q, k[group], v[group], layer, edit)
        x = x + mixed @ w[p + "self_attn.o_proj.weight"].T
        h = _rms_norm(x, w[p + "post_attention_layernorm.weight"])
        gate = h @ w[p + "mlp.gate_proj.weight"].T
        h = gate * torch.sigmoid(gate) * (h @ w[p + "mlp.up_proj.weight"].T)
        x = x + h @ w[p + "mlp.down_proj.weight"].T
        maps.append(a)
        neurons.append(h[-1])
    logits = _rms_norm(x, w["model.norm.weight"]) @ w["lm_head.weight"].T
    return Handwritten(logits, torch.stack(neurons), torch.stack(maps))


def _attention(q: Tensor, k: Tensor, v: Tensor, layer: int, edit: Edit) -> tuple[Tensor, Tensor]:
    tokens = q.shape[1]
    scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[2])
    scores = scores.masked_fill(torch.ones(tokens, tokens).triu(1).bool(), -math.inf)
    odds = (scores - scores.amax(-1, keepdim=True)).exp()
    weights = edit(layer, odds / odds.sum(-1, keepdim=True))
    return (weights @ v).transpose(0, 1).reshape(tokens, -1), weights


def _split(x: Tensor, heads: int) -> Tensor:
    return x.view(len(x), heads, -1).transpose(0, 1)


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    low, high = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-high, low], dim=-1) * sin


def _layer_norm(x: Tensor, w: Mapping[str, Tensor], name: str) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * w[name + ".weight"] + w[name + ".bias"]


def _rms_norm(x: Tensor, weight: Tensor) -> Tensor:
    return x / (x.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * weight


def _layers(w: Mapping[str, Tensor], prefix: str) -> int:
    return 1 + max(int(name[len(prefix) :].split(".")[0]) for name in w if name.startswith(prefix))
