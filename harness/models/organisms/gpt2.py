"""A planted GPT-2: no gate, GELU of a thresholded sum; positions say nothing; input and output embedding are one."""

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedModel

from harness.models.organisms.weights import Head, Weights

LONGEST = 48
"""Tokens of the longest text that the model takes."""


def build_gpt2(weights: Weights) -> PreTrainedModel:
    """Writes the weights down as GPT-2's: Conv1D holds [in, out], and q, k and v side by side."""
    layers, d_ff, width = weights.gate.shape
    n_heads = len(weights.heads[0])
    config = GPT2Config(
        vocab_size=len(weights.embedding),
        n_positions=LONGEST,
        n_embd=width,
        n_layer=layers,
        n_head=n_heads,
        n_inner=d_ff,
        activation_function="gelu_pytorch_tanh",  # GPT-2's own, computed in one step
        bos_token_id=0,
        eos_token_id=1,
    )
    model = GPT2LMHeadModel(config)
    parameters = {
        "transformer.wte.weight": weights.embedding,
        "transformer.wpe.weight": np.zeros((LONGEST, width)),
        "transformer.ln_f.weight": weights.final_scale,
        "transformer.ln_f.bias": np.zeros(width),
    }
    for layer, heads in enumerate(weights.heads):
        block = f"transformer.h.{layer}"
        attention, output = _attention(heads, width)
        parameters |= {
            f"{block}.attn.c_attn.weight": attention,
            f"{block}.attn.c_proj.weight": output,
            f"{block}.mlp.c_fc.weight": weights.gate[layer].T,
            f"{block}.mlp.c_proj.weight": weights.write[layer],
        }
        for norm in ("ln_1", "ln_2"):
            parameters |= {f"{block}.{norm}.weight": np.ones(width), f"{block}.{norm}.bias": np.zeros(width)}
        biases = {"attn.c_attn": 3 * width, "attn.c_proj": width, "mlp.c_fc": d_ff, "mlp.c_proj": width}
        parameters |= {f"{block}.{name}.bias": np.zeros(size) for name, size in biases.items()}
    write_parameters(model, parameters)
    return model


def _attention(heads: tuple[Head, ...], width: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of q, k and v, [in, 3 * width], and of the output, [width, out].

    Query and key need one coordinate of a head, the square root of whose width GPT-2 divides scores by.
    """
    size = width // len(heads)
    q, k, v, output = np.zeros((4, width, width))
    for number, head in enumerate(heads):
        first = number * size
        q[:, first] = head.query * np.sqrt(size)
        k[:, first] = head.key
        v[:, first : first + len(head.read)] = head.read.T
        output[first : first + len(head.output)] = head.output
    return np.concatenate([q, k, v], axis=1), output


def write_parameters(model: PreTrainedModel, parameters: dict[str, np.ndarray]) -> None:
    """Gives a model its parameters, every one of them, in its own dtype."""
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in parameters.items()}
    own = dict(model.named_parameters())
    assert own.keys() == tensors.keys(), own.keys() ^ tensors.keys()
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(tensors[name])
