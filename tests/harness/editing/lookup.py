"""A model that can be worked out by hand: a LLaMA of one layer in which neuron t holds what follows token t.

Embeddings and head are the identity, attention writes nothing, neuron t is active where the token is t alone, with the
activation A, and its slice is WRITES / A at the token that follows t. So behind token t the residual stream is

    e_t + WRITES e_next(t),

and the logits are that vector in the length sqrt(d).
"""

import math

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from harness.models.loaded import LoadedModel
from tests.random_models import word_tokenizer

WORDS = 12
WRITES = 3.0
ROOT = math.sqrt(WORDS)
A = ROOT / (1 + math.exp(-ROOT)) * ROOT  # silu(gate) * up, both sqrt(12) after the norm of a one-hot vector


def follows(token: int) -> int:
    return (token + 4) % WORDS


def lookup_model() -> LoadedModel:
    model = LlamaForCausalLM(
        LlamaConfig(
            num_hidden_layers=1,
            hidden_size=WORDS,
            intermediate_size=WORDS,
            num_attention_heads=1,
            num_key_value_heads=1,
            vocab_size=WORDS,
            max_position_embeddings=64,
            rms_norm_eps=1e-14,
            tie_word_embeddings=False,
            bos_token_id=0,
            eos_token_id=0,
        )
    ).double()
    layer = model.model.layers[0]
    with torch.no_grad():
        for weight in (model.model.embed_tokens.weight, model.lm_head.weight, layer.mlp.gate_proj.weight):
            weight.copy_(torch.eye(WORDS))
        layer.mlp.up_proj.weight.copy_(torch.eye(WORDS))
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
        for token in range(WORDS):
            layer.mlp.down_proj.weight[follows(token), token] = WRITES / A
    return LoadedModel(name="lookup", model=model, tokenizer=word_tokenizer(), fingerprint="lookup")


def probabilities(stream: dict[int, float]) -> list[float]:
    """Softmax of the residual stream in the length sqrt(d): what follows, by hand."""
    length = math.sqrt(sum(value**2 for value in stream.values()))
    powers = [math.exp(ROOT * stream.get(token, 0.0) / length) for token in range(WORDS)]
    return [power / sum(powers) for power in powers]
