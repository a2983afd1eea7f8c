"""What the unmodified model answers: probability of the gold answer, and whether its first token comes out on top."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from harness.activations.masked_token import padded_sentences
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerStatistics:
    """How the model answers one query.

    Attributes:
        answer_probability: of the answer's first token after the query.
        joint_probability: of all its tokens, each after the gold ones before it (teacher-forced).
        top_token_is_answer: whether the most probable next token is the answer's first: the query is *known*.
    """

    answer_probability: float
    joint_probability: float
    top_token_is_answer: bool


def answer_statistics(model: LoadedModel, queries: Sequence[EncodedQuery]) -> list[AnswerStatistics]:
    """What the model answers to every query.

    A causal model is run on queries with their gold answers behind them, padded on the right; a masked one on sentences
    whose answer is one token.

    Args:
        model: the model to run.
        queries: at least one query; lengths may differ.

    Returns:
        One entry a query, in order.
    """
    return _at_mask_tokens(model, queries) if model.family.masked else _behind_queries(model, queries)


@torch.no_grad()
def _at_mask_tokens(model: LoadedModel, queries: Sequence[EncodedQuery]) -> list[AnswerStatistics]:
    ids, attended, position = padded_sentences(model, queries)
    hidden = model.model.base_model(input_ids=ids, attention_mask=attended).last_hidden_state
    logits = model.logits(model.final_norm(hidden[torch.arange(len(queries)), position.to(hidden.device)]))
    log_p = logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(-1).cpu()
    found: list[AnswerStatistics] = []
    for query, row in zip(queries, log_p, strict=True):
        (answer,) = query.answer_ids
        p = float(row[answer].exp())
        top = int(row.argmax()) == answer
        found.append(AnswerStatistics(answer_probability=p, joint_probability=p, top_token_is_answer=top))
    return found


@torch.no_grad()
def _behind_queries(model: LoadedModel, queries: Sequence[EncodedQuery]) -> list[AnswerStatistics]:
    inputs = [query.prompt_ids + query.answer_ids[:-1] for query in queries]
    ids = torch.zeros(len(inputs), max(map(len, inputs)), dtype=torch.long)
    for row, tokens in zip(ids, inputs, strict=True):
        row[: len(tokens)] = torch.tensor(tokens)
    hidden = model.model.base_model(input_ids=ids.to(model.device), use_cache=False).last_hidden_state
    owner = torch.tensor([i for i, query in enumerate(queries) for _ in query.answer_ids])
    position = torch.tensor([len(q.prompt_ids) - 1 + j for q in queries for j in range(len(q.answer_ids))])
    target = torch.tensor([token for query in queries for token in query.answer_ids], device=model.device)
    logits = model.logits(hidden[owner.to(model.device), position.to(model.device)])
    log_p = logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(-1)
    chosen = log_p.gather(1, target[:, None]).squeeze(1).cpu()
    top = (log_p.argmax(-1) == target).cpu()
    result: list[AnswerStatistics] = []
    start = 0
    for query in queries:
        part = slice(start, start + len(query.answer_ids))
        result.append(
            AnswerStatistics(
                answer_probability=float(chosen[start].exp()),
                joint_probability=float(chosen[part].sum().exp()),
                top_token_is_answer=bool(top[start]),
            )
        )
        start = part.stop
    return result
