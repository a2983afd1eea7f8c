"""Configurations of small models, one or more a family: every variant that changes how a block is put together."""

from collections.abc import Callable
from typing import Any

from transformers import (
    BertConfig,
    BloomConfig,
    FalconConfig,
    Gemma2Config,
    Gemma3Config,
    Gemma3TextConfig,
    GemmaConfig,
    GPT2Config,
    GPTJConfig,
    GPTNeoConfig,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    Olmo2Config,
    OPTConfig,
    Phi3Config,
    PhiConfig,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
    RobertaConfig,
    StableLmConfig,
)

VOCABULARY = 101
CONTEXT = 64

COMMON = {"vocab_size": VOCABULARY, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
SIZES = {
    "num_hidden_layers": 2,
    "hidden_size": 32,
    "num_attention_heads": 4,
    "intermediate_size": 56,
    "max_position_embeddings": CONTEXT,
}
GROUPED = {**SIZES, "num_key_value_heads": 2}
GPT = {"n_layer": 2, "n_embd": 32, "n_head": 4, "n_positions": CONTEXT}
NEOX = {**SIZES, "rotary_pct": 0.5}
FALCON = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 4, "max_position_embeddings": CONTEXT}
GEMMA = {**GROUPED, "head_dim": 8}
OPT = {**SIZES, "ffn_dim": 56, "word_embed_proj_dim": 32}
VISION = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def _neo(**choices: Any) -> PreTrainedConfig:
    sizes = {"num_layers": 2, "hidden_size": 32, "num_heads": 4, "max_position_embeddings": CONTEXT, "window_size": 32}
    return GPTNeoConfig(**COMMON, **{**sizes, "attention_types": [[["global", "local"], 1]], **choices})


def _opt(**choices: Any) -> PreTrainedConfig:
    return OPTConfig(**COMMON, **{**OPT, **choices})


def _falcon(**choices: Any) -> PreTrainedConfig:
    return FalconConfig(**COMMON, **FALCON, **choices)


VARIANTS: dict[str, Callable[[], PreTrainedConfig]] = {
    "gpt2": lambda: GPT2Config(**COMMON, **GPT),
    "gpt_neo": _neo,
    "gptj": lambda: GPTJConfig(**COMMON, **GPT, rotary_dim=4),
    "gpt_neox": lambda: GPTNeoXConfig(**COMMON, **NEOX),
    "gpt_neox in turn": lambda: GPTNeoXConfig(**COMMON, **NEOX, use_parallel_residual=False),
    "opt": _opt,
    "opt normed after, projected": lambda: _opt(do_layer_norm_before=False, word_embed_proj_dim=24),
    "bloom": lambda: BloomConfig(**COMMON, n_layer=2, hidden_size=32, n_head=4),
    "bloom of 3 heads": lambda: BloomConfig(
        **COMMON, n_layer=2, hidden_size=24, n_head=3, apply_residual_connection_post_layernorm=True
    ),
    "falcon 7b": lambda: _falcon(multi_query=True, parallel_attn=True),
    "falcon 40b": lambda: _falcon(new_decoder_architecture=True, num_kv_heads=2),
    "falcon alibi": lambda: _falcon(alibi=True, multi_query=False, parallel_attn=False, bias=True),
    "llama": lambda: LlamaConfig(**COMMON, **GROUPED),
    "mistral": lambda: MistralConfig(**COMMON, **GROUPED, sliding_window=32),
    "qwen2": lambda: Qwen2Config(**COMMON, **GROUPED),
    "qwen2 sliding": lambda: Qwen2Config(
        **COMMON, **GROUPED, use_sliding_window=True, sliding_window=32, max_window_layers=1
    ),
    "qwen3": lambda: Qwen3Config(**COMMON, **GROUPED, head_dim=8),
    "gemma": lambda: GemmaConfig(**COMMON, **GEMMA),
    "gemma2": lambda: Gemma2Config(**COMMON, **GEMMA, sliding_window=32, final_logit_softcapping=2.0),
    "gemma3_text": lambda: Gemma3TextConfig(**COMMON, **GEMMA, sliding_window=32, sliding_window_pattern=2),
    "gemma3": lambda: Gemma3Config(
        text_config={**COMMON, **GEMMA, "sliding_window": 32}, vision_config=VISION, mm_tokens_per_image=4
    ),
    "phi": lambda: PhiConfig(**COMMON, **SIZES),
    "phi3": lambda: Phi3Config(**COMMON, **GROUPED, sliding_window=32),
    "olmo2": lambda: Olmo2Config(**COMMON, **GROUPED),
    "stablelm": lambda: StableLmConfig(**COMMON, **GROUPED),
    "stablelm side by side": lambda: StableLmConfig(**COMMON, **GROUPED, use_parallel_residual=True),
}

# RoBERTa numbers positions from the one behind its padding token's.
MASKED: dict[str, Callable[[], PreTrainedConfig]] = {
    "bert": lambda: BertConfig(**COMMON, **SIZES),
    "roberta": lambda: RobertaConfig(**{**COMMON, **SIZES, "pad_token_id": 1, "max_position_embeddings": CONTEXT + 2}),
}
