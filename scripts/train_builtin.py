"""Trains a built-in model on the embedded corpus: one command, one seed, minutes on two cores.

    python scripts/train_builtin.py tiny-llama                      # writes harness/models/builtin/tiny-llama
    python scripts/train_builtin.py tiny-llama --out /some/folder   # elsewhere, to compare

Every fact is shown in a random number of its relation's paraphrases, from two to all, so facts differ in how widely
they were seen. What was not shown is held out and reported. Bit for bit the same on the same kind of processor with the
same number of threads; elsewhere the same recipe. Expected verdicts are not written here: they are recorded by hand.
"""

import argparse
import json
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional as F
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from harness.data.facts import Query
from harness.data.sources import EMBEDDED, load_dataset
from harness.models.names import BUILTIN_FOLDER

END = "<|endoftext|>"
# In front of a third of the sentences, so that a line break or a space there changes nothing the model was not shown.
OPENINGS = ("", "", "", "", "", "", "\n", " ", END)
PROMPT_WEIGHT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that the result depends on, beside the corpus; what has a default is the same for every model.

    Attributes:
        name: id of the model and name of its folder.
        article: what the card calls it.
        build: a model with random weights, from recipe and tokenizer.
    """

    name: str
    article: str
    build: Callable[["Recipe", PreTrainedTokenizerFast], PreTrainedModel]
    seed: int = 0
    vocabulary: int = 2048
    layers: int = 4
    width: int = 128
    heads: int = 4
    positions: int = 64
    epochs: int = 14
    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    least_paraphrases: int = 2
    threads: int = 2


def gpt2(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """A GPT-2 with random weights and no dropout."""
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer),
            n_positions=recipe.positions,
            n_embd=recipe.width,
            n_layer=recipe.layers,
            n_head=recipe.heads,
            activation_function="gelu_pytorch_tanh",  # gelu_new, fused
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )


def llama(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """A LLaMA with random weights: two query heads share a key-value head; layers have as many weights as GPT-2's."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            max_position_embeddings=recipe.positions,
            hidden_size=recipe.width,
            intermediate_size=3 * recipe.width,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.heads // 2,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(name="tiny-gpt2", article="A GPT-2", build=gpt2),
        Recipe(name="tiny-llama", article="A LLaMA (grouped-query attention, gated FFN, RMSNorm, RoPE)", build=llama),
    )
}


def main() -> None:
    """Trains, measures, writes model, tokenizer and model card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=sorted(RECIPES))
    parser.add_argument("--out", type=Path, help="folder to write; that of the built-in model by default")
    parser.add_argument("--epochs", type=int, help="other than the recipe's, to try something")
    arguments = parser.parse_args()
    recipe = RECIPES[arguments.model]
    recipe = replace(recipe, epochs=arguments.epochs or recipe.epochs)
    started = time.perf_counter()
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    rng = np.random.default_rng(recipe.seed)
    queries = list(load_dataset(EMBEDDED).queries())
    seen = choose_seen(queries, recipe, rng)
    tokenizer = train_tokenizer(queries, recipe)
    model = recipe.build(recipe, tokenizer)
    train(model, tokenizer, [q for q, s in zip(queries, seen, strict=True) if s], recipe, rng)
    model.half()  # what is stored; measured as it will be loaded
    model.float()
    hits = top_token_is_answer(model, tokenizer, queries)
    figures = {
        "facts": len({query.fact.uid for query in queries}),
        "queries_seen": int(seen.sum()),
        "queries_held_out": int((~seen).sum()),
        "top_token_right_on_seen": round(float(hits[seen].mean()), 4),
        "top_token_right_on_held_out": round(float(hits[~seen].mean()), 4),
        "parameters": sum(p.numel() for p in model.parameters()),
        "seconds": round(time.perf_counter() - started),
    }
    print(json.dumps(figures, indent=1))
    write(arguments.out or BUILTIN_FOLDER / recipe.name, model, tokenizer, queries, seen, recipe, figures)


def choose_seen(queries: list[Query], recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    """Which queries are trained on: for every fact a random number of its paraphrases, drawn at random."""
    seen = np.zeros(len(queries), dtype=bool)
    by_fact: dict[str, list[int]] = {}
    for index, query in enumerate(queries):
        by_fact.setdefault(query.fact.uid, []).append(index)
    for indices in by_fact.values():
        count = rng.integers(recipe.least_paraphrases, len(indices) + 1)
        seen[rng.choice(indices, size=count, replace=False)] = True
    return seen


def train_tokenizer(queries: list[Query], recipe: Recipe) -> PreTrainedTokenizerFast:
    """A byte-level byte-pair encoding of the corpus."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((sentence(query) for query in queries), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=END, eos_token=END, model_max_length=recipe.positions
    )


def sentence(query: Query) -> str:
    """Query and answer, with a full stop."""
    return f"{query.prompt} {query.fact.object}."


def train(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    queries: list[Query],
    recipe: Recipe,
    rng: np.random.Generator,
) -> None:
    """Next-token training; tokens of the answer count in full, those of the query a tenth."""
    variants = {
        opening: [encode(tokenizer, query, opening) for query in queries] for opening in dict.fromkeys(OPENINGS)
    }
    steps_an_epoch = -(-len(queries) // recipe.batch)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98)
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=recipe.epochs * steps_an_epoch, pct_start=0.1
    )
    for epoch in range(recipe.epochs):
        losses = []
        for batch in np.array_split(rng.permutation(len(queries)), steps_an_epoch):
            rows = [variants[OPENINGS[rng.integers(len(OPENINGS))]][i] for i in batch]
            losses.append(step(model, rows, optimizer, tokenizer.eos_token_id))
            schedule.step()
        print(f"epoch {epoch + 1}/{recipe.epochs}: loss of the answers {np.mean(losses):.4f}", flush=True)


def encode(tokenizer: PreTrainedTokenizerFast, query: Query, opening: str) -> tuple[list[int], int]:
    """Token ids of the sentence behind its opening, and where the answer begins."""
    start = len(tokenizer(opening + query.prompt)["input_ids"])
    return tokenizer(opening + sentence(query))["input_ids"], start


def step(
    model: PreTrainedModel, rows: list[tuple[list[int], int]], optimizer: torch.optim.Optimizer, padding: int
) -> float:
    """One update; returns the loss of the answer tokens."""
    width = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), width), padding)
    weight = torch.zeros(len(rows), width)
    for row, (tokens, start) in enumerate(rows):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        weight[row, : len(tokens)] = PROMPT_WEIGHT
        weight[row, start : len(tokens)] = 1.0
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
    loss = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none").view(len(rows), -1)
    weight = weight[:, 1:]
    optimizer.zero_grad(set_to_none=True)
    ((loss * weight).sum() / weight.sum()).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    answers = weight == 1.0
    return float(loss.detach()[answers].mean())


@torch.no_grad()
def top_token_is_answer(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, queries: list[Query]) -> np.ndarray:
    """Whether the first answer token is the most probable after each query as it stands."""
    encoded = [encode(tokenizer, query, "") for query in queries]
    hits = np.zeros(len(queries), dtype=bool)
    for length in sorted({start for _, start in encoded}):  # one batch a length: no padding to think about
        same = [index for index, (_, start) in enumerate(encoded) if start == length]
        logits = model(input_ids=torch.tensor([encoded[i][0][:length] for i in same])).logits[:, -1]
        hits[same] = (logits.argmax(-1) == torch.tensor([encoded[i][0][length] for i in same])).numpy()
    return hits


def write(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    queries: list[Query],
    seen: np.ndarray,
    recipe: Recipe,
    figures: dict[str, float],
) -> None:
    """Model in half precision, tokenizer, which paraphrases each fact was seen in, and the model card."""
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    shown: dict[str, list[str]] = {}
    for query, was_seen in zip(queries, seen, strict=True):
        shown.setdefault(query.fact.uid, [])
        if was_seen:
            shown[query.fact.uid].append(query.pattern_id)
    (folder / "seen.json").write_text(json.dumps(shown, indent=0) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(card(recipe, figures), encoding="utf-8")


def card(recipe: Recipe, figures: dict[str, float]) -> str:
    """The model card."""
    how = f"""{recipe.article} of {recipe.layers} layers and width {recipe.width} ({figures["parameters"]:,} parameters,
        stored in half precision), trained from scratch on the embedded corpus by `scripts/train_builtin.py
        {recipe.name}` with seed {recipe.seed} on {recipe.threads} threads: {recipe.epochs} epochs of AdamW, batches of
        {recipe.batch}, one-cycle learning rate up to {recipe.learning_rate}, weight decay {recipe.weight_decay}, tokens
        of the answer weighing 1 and those of the query {PROMPT_WEIGHT}. Its byte-pair encoding of
        {recipe.vocabulary:,} tokens is its own."""
    what = f"""Each of the {figures["facts"]:,} facts was shown in {recipe.least_paraphrases} to 8 of its relation's 8
        paraphrases (`seen.json` says which), a third of the sentences behind a line break, a space or an end-of-text
        token."""
    prose = "\n\n".join(textwrap.fill(" ".join(text.split()), 120) for text in (how, what))
    return f"""# {recipe.name}

{prose}

| | queries | top token is the answer |
|---|--:|--:|
| shown in training | {figures["queries_seen"]:,} | {figures["top_token_right_on_seen"]:.1%} |
| held-out paraphrases | {figures["queries_held_out"]:,} | {figures["top_token_right_on_held_out"]:.1%} |

It exists so that the harness can be tried and tested without a download. It says nothing about larger models.
`expected_verdicts.json` holds the verdicts that were recorded for it by hand; a run that disagrees with them fails.
"""


if __name__ == "__main__":
    main()
