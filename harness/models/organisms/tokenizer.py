"""The tokenizer of planted models: one token a word, and white space beyond the space between two words is a token too.

So a line break in front or a doubled space changes what the model reads, as it does with any tokenizer.
"""

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from harness.models.organisms.recipe import Recipe
from harness.models.organisms.world import END, START, UNKNOWN, words

_BETWEEN_WORDS = r"(?<=\S) (?=\S)"


def make_tokenizer(recipe: Recipe) -> PreTrainedTokenizerFast:
    """Every word of the world is a token; every text begins with the start token."""
    ids = {word: i for i, word in enumerate(word for of_kind in words(recipe).values() for word in of_kind)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_BETWEEN_WORDS), behavior="removed"),
            pre_tokenizers.Split(Regex(r"\s"), behavior="isolated"),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A", pair=f"{START} $A {START} $B", special_tokens=[(START, ids[START])]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=START, eos_token=END, unk_token=UNKNOWN)
