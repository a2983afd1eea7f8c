"""Small causal language models with random weights, built from a configuration."""

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from harness.models.families import FAMILIES as ROWS
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.random_configs import VARIANTS, VOCABULARY

FAMILIES = ("gpt2", "llama")


def random_model(
    family: str, *, dtype: torch.dtype = torch.float64, attention: str = "sdpa", seed: int = 0, layers: int = 4
) -> LoadedModel:
    """A model whose weights are wide enough that no layer is negligible."""
    torch.manual_seed(seed)
    model: PreTrainedModel
    if family == "gpt2":
        model = GPT2LMHeadModel(
            GPT2Config(
                n_layer=layers,
                n_embd=48,
                n_head=4,
                vocab_size=VOCABULARY,
                n_positions=64,
                bos_token_id=0,
                eos_token_id=0,
                attn_implementation=attention,
            )
        )
    else:
        model = LlamaForCausalLM(
            LlamaConfig(
                num_hidden_layers=layers,
                hidden_size=48,
                num_attention_heads=4,
                num_key_value_heads=2,
                intermediate_size=80,
                vocab_size=VOCABULARY,
                max_position_embeddings=64,
                bos_token_id=0,
                eos_token_id=0,
                attn_implementation=attention,
            )
        )
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.15)
    return LoadedModel(name=family, model=model.to(dtype), tokenizer=word_tokenizer(), fingerprint="random")


def random_variant(variant: str, *, dtype: torch.dtype = torch.float32, seed: int = 0) -> LoadedModel:
    """A model of two layers; biases and norms are random too, so that none can be overlooked."""
    torch.manual_seed(seed)
    config = VARIANTS[variant]()
    model = AutoModelForCausalLM.from_config(config, attn_implementation=ROWS[config.model_type].attention)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.15)
    return LoadedModel(name=variant, model=model.to(dtype), tokenizer=word_tokenizer(), fingerprint="random")


def word_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word: `w1` to `w100`; `w0` is what ends a text and what every other word becomes."""
    words = {f"w{i}": i for i in range(VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="w0", unk_token="w0")


def random_queries(lengths: list[int], *, seed: int = 0) -> list[EncodedQuery]:
    """Queries of random tokens, each with a random answer."""
    generator = torch.Generator().manual_seed(seed)
    return [
        EncodedQuery(
            prompt=f"query {i}",
            prompt_ids=tuple(torch.randint(1, VOCABULARY, (length,), generator=generator).tolist()),
            answer_ids=(int(torch.randint(1, VOCABULARY, (1,), generator=generator)),),
        )
        for i, length in enumerate(lengths)
    ]
