"""A planted LLaMA: a neuron is silu(gate) times a constant; heads look by the slowest rotary pair of coordinates."""

import numpy as np
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from harness.models.organisms.gpt2 import LONGEST, write_parameters
from harness.models.organisms.weights import Head, Weights


def build_llama(weights: Weights) -> PreTrainedModel:
    """Writes the weights down as LLaMA's: Linear holds [out, in]."""
    layers, d_ff, width = weights.gate.shape
    n_heads = len(weights.heads[0])
    config = LlamaConfig(
        vocab_size=len(weights.embedding),
        max_position_embeddings=LONGEST,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=n_heads,
        num_key_value_heads=n_heads,
        intermediate_size=d_ff,
        bos_token_id=0,
        eos_token_id=1,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    parameters = {"model.embed_tokens.weight": weights.embedding, "model.norm.weight": weights.final_scale}
    for layer, heads in enumerate(weights.heads):
        block = f"model.layers.{layer}"
        q, k, v, output = _attention(heads, width)
        parameters |= {
            f"{block}.self_attn.q_proj.weight": q,
            f"{block}.self_attn.k_proj.weight": k,
            f"{block}.self_attn.v_proj.weight": v,
            f"{block}.self_attn.o_proj.weight": output,
            f"{block}.mlp.gate_proj.weight": weights.gate[layer],
            f"{block}.mlp.up_proj.weight": np.tile(weights.strength, (d_ff, 1)),
            f"{block}.mlp.down_proj.weight": weights.write[layer].T,
            f"{block}.input_layernorm.weight": np.ones(width),
            f"{block}.post_attention_layernorm.weight": np.ones(width),
        }
    write_parameters(model, parameters)
    return model


def _attention(heads: tuple[Head, ...], width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weights of q, k, v and the output, [out, in].

    The coordinates i and i + size / 2 of a head turn together, the slower the larger i. The last of the first half
    turns by about 1 / base a position, so a score depends on what a word is and not on where it stands.
    """
    size = width // len(heads)
    q, k, v, output = np.zeros((4, width, width))
    for number, head in enumerate(heads):
        first = number * size
        slowest = first + size // 2 - 1
        q[slowest] = head.query * np.sqrt(size)
        k[slowest] = head.key
        v[first : first + len(head.read)] = head.read
        output[:, first : first + len(head.output)] = head.output.T
    return q, k, v, output
