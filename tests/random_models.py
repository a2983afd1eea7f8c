"""Small causal language models with random weights, built from a configuration."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from harness.models.families import FAMILIES as ROWS
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.random_configs import MASKED, VARIANTS, VOCABULARY

FAMILIES = ("gpt2", "llama")
SPECIAL = ("[UNK]", "[PAD]", "[MASK]", "[CLS]", "[SEP]")


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


def norms_in_the_models_dtype(monkeypatch: pytest.MonkeyPatch) -> None:
    """LLaMA's RMSNorm computes in float32 whatever the dtype, which hides agreement beyond 1e-7 of any two methods."""

    def forward(self: LlamaRMSNorm, hidden: torch.Tensor) -> torch.Tensor:
        return self.weight * hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)

    monkeypatch.setattr(LlamaRMSNorm, "forward", forward)


def random_variant(variant: str, *, dtype: torch.dtype = torch.float32, seed: int = 0) -> LoadedModel:
    """A model of two layers; biases and norms are random too, so that none can be overlooked."""
    torch.manual_seed(seed)
    config = (VARIANTS | MASKED)[variant]()
    auto_class = AutoModelForMaskedLM if variant in MASKED else AutoModelForCausalLM
    model = auto_class.from_config(config, attn_implementation=ROWS[config.model_type].attention)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.15)
    tokenizer = cloze_tokenizer() if variant in MASKED else word_tokenizer()
    return LoadedModel(name=variant, model=model.to(dtype), tokenizer=tokenizer, fingerprint="random")


def word_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word: `w1` to `w100`; `w0` is what ends a text and what every other word becomes."""
    words = {f"w{i}": i for i in range(VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="w0", unk_token="w0")


def cloze_tokenizer(words: Sequence[str] = tuple(f"w{i}" for i in range(5, VOCABULARY))) -> PreTrainedTokenizerFast:
    """One token a word or full stop, with [CLS] in front and [SEP] behind, as BERT's."""
    vocabulary = {word: i for i, word in enumerate([*SPECIAL, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        pad_token="[PAD]",
        unk_token="[UNK]",
    )


def random_cloze(lengths: list[int], *, seed: int = 0) -> list[EncodedQuery]:
    """Sentences of random tokens with a mask token somewhere, each with a random answer."""
    generator = torch.Generator().manual_seed(seed)
    queries: list[EncodedQuery] = []
    for i, length in enumerate(lengths):
        ids = torch.randint(len(SPECIAL), VOCABULARY, (length,), generator=generator)
        ids[int(torch.randint(length, (1,), generator=generator))] = SPECIAL.index("[MASK]")
        answer = int(torch.randint(len(SPECIAL), VOCABULARY, (1,), generator=generator))
        queries.append(EncodedQuery(prompt=f"cloze {i}", prompt_ids=tuple(ids.tolist()), answer_ids=(answer,)))
    return queries


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


def with_answers(queries: Sequence[EncodedQuery], lengths: Sequence[int], *, seed: int = 1) -> list[EncodedQuery]:
    """The same queries with answers of so many random tokens."""
    generator = torch.Generator().manual_seed(seed)
    return [
        replace(query, answer_ids=tuple(torch.randint(1, VOCABULARY, (length,), generator=generator).tolist()))
        for query, length in zip(queries, lengths, strict=True)
    ]
