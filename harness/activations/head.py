"""Answer probability of rows and its gradient, without keeping a vocabulary-sized array longer than needed."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

# Logits held at once: 16 MiB of float32. Arrays beyond 32 MiB are mapped afresh by the allocator of Linux every time,
# which was measured to cost up to ten times the product itself; far below this the product loses speed.
_CHUNK_ELEMENTS = 1 << 22


@torch.no_grad()
def log_probability_and_gradient(
    head: nn.Linear, hidden: Float[Tensor, "rows d_model"], answer: Int[Tensor, " rows"], *, gradient: bool = True
) -> tuple[Float[Tensor, " rows"], Float[Tensor, "rows d_model"] | None]:
    """log p(answer) of every row and d log p / d hidden.

    With logits z = W h + b the gradient is W_answer - softmax(z) W: two matrix products, and no graph. The softmax is
    never taken below float32. The gradient is that of the logarithm, so that it does not underflow where p is tiny.

    Args:
        head: the vocabulary projection.
        hidden: normed hidden states, in the dtype of the weights.
        answer: token id of each row's answer.
        gradient: whether the gradient is wanted.

    Returns:
        Log probabilities (float32, or float64 where the weights are) and the gradient in the weights' dtype, or None.
    """
    wide = torch.promote_types(hidden.dtype, torch.float32)
    log_probability = torch.empty(hidden.shape[0], dtype=wide, device=hidden.device)
    slope = torch.empty_like(hidden) if gradient else None
    chunk = max(1, _CHUNK_ELEMENTS // head.weight.shape[0])
    for start in range(0, hidden.shape[0], chunk):
        part = slice(start, start + chunk)
        logits = head(hidden[part]).to(wide)
        chosen = logits.gather(1, answer[part, None])
        largest = logits.amax(dim=1, keepdim=True)
        odds = logits.sub_(largest).exp_()  # in place: one pass over the vocabulary, one exponential an entry
        total = odds.sum(dim=1, keepdim=True)
        log_probability[part] = (chosen - largest - total.log()).squeeze(1)
        if slope is not None:
            slope[part] = head.weight[answer[part]] - (odds.to(hidden.dtype) @ head.weight) / total.to(hidden.dtype)
    return log_probability, slope
