"""Answer probability of rows and its gradient, without keeping a vocabulary-sized array longer than needed."""

from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

# Logits are made for so many rows at once: enough for a matrix product at full speed (measured: 320 rows of a
# vocabulary of 50,257 run almost twice as fast as 80), or for 16 MiB of them where the vocabulary is small; on a GPU
# 512 MiB.
_CHUNK_ROWS = 320
_CHUNK_ELEMENTS = {"cpu": 1 << 22, "cuda": 1 << 27}


@torch.no_grad()
def log_probability_and_gradient(
    head: nn.Linear,
    hidden: Float[Tensor, "rows d_model"],
    answer: Int[Tensor, " rows"],
    *,
    softcap: float | None = None,
    gradient: bool = True,
) -> tuple[Float[Tensor, " rows"], Float[Tensor, "rows d_model"] | None]:
    """log p(answer) of every row and d log p / d hidden.

    With logits z = W h + b the gradient is W_answer - softmax(z) W: two matrix products, and no graph. The softmax is
    never taken below float32. The gradient is that of the logarithm, so that it does not underflow where p is tiny.
    Where the model caps its logits, z = c tanh(z' / c), each of them counts 1 - (z / c)^2 times.

    Args:
        head: the vocabulary projection.
        hidden: normed hidden states, in the dtype of the weights.
        answer: token id of each row's answer.
        softcap: c where the model caps its logits; None where it does not.
        gradient: whether the gradient is wanted.

    Returns:
        Log probabilities (float32, or float64 where the weights are) and the gradient in the weights' dtype, or None.
    """
    weight, bias, n_rows = head.weight, cast(Tensor | None, head.bias), hidden.shape[0]
    vocabulary = weight.shape[0]
    log_probability = hidden.new_empty(n_rows, dtype=torch.promote_types(hidden.dtype, torch.float32))
    slope = torch.empty_like(hidden) if gradient else None
    elements = _CHUNK_ELEMENTS.get(hidden.device.type, _CHUNK_ELEMENTS["cpu"])
    n_chunks = -(-n_rows // max(_CHUNK_ROWS, elements // vocabulary))
    scratch = hidden.new_empty(-(-n_rows // n_chunks) * vocabulary)
    slopes = [None] * n_chunks if slope is None else slope.tensor_split(n_chunks)
    parts = (tensor.tensor_split(n_chunks) for tensor in (hidden, answer[:, None], log_probability))
    for rows, token, log_p, of_rows in zip(*parts, slopes, strict=True):
        # Vocabulary first: the product is faster so, and one array serves every chunk.
        logits = torch.mm(weight, rows.t(), out=scratch[: len(rows) * vocabulary].view(vocabulary, -1)).t()
        if bias is not None:
            logits += bias
        logits = logits.to(log_probability.dtype)
        damping = None if softcap is None else _cap_(logits, softcap)
        chosen = logits.gather(1, token)
        largest = logits.amax(dim=1, keepdim=True)
        odds = logits.sub_(largest).exp_()
        total = odds.sum(dim=1, keepdim=True)
        torch.sub(chosen - largest, total.log(), out=log_p[:, None])
        if of_rows is not None:
            towards = weight[token.squeeze(1)]
            if damping is not None:
                odds *= damping
                towards = towards * damping.gather(1, token).to(hidden.dtype)
            expected = (odds.to(hidden.dtype) @ weight).div_(total.to(hidden.dtype))
            torch.sub(towards, expected, out=of_rows)
    return log_probability, slope


def _cap_(logits: Tensor, softcap: float) -> Tensor:
    """Caps logits in place: z becomes c tanh(z / c); returns d capped / d uncapped."""
    logits.div_(softcap).tanh_()
    damping = 1 - logits.square()
    logits.mul_(softcap)
    return damping
