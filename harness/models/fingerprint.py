"""Content hashes of a model's files: what tells two models with the same prompts apart."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from harness.models.files import weight_files

_BLOCK = 1 << 22


def weights_fingerprint(folder: Path) -> str:
    """Hash of the configuration and of every byte of the weights; about a gigabyte a second."""
    return _digest([folder / "config.json", *weight_files(folder)])


def code_fingerprint(folder: Path) -> str:
    """Hash of the Python files that came with a model."""
    return _digest(sorted(folder.glob("*.py")))


def tokenizer_fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    """Hash of the vocabulary, of which tokens are special, and of what a probing text becomes.

    The text tells most of a tokenizer's rules. Which token ends a text is part of what some localizers compute, and
    nothing in the vocabulary.
    """
    digest = hashlib.blake2b(digest_size=16)
    for token, index in sorted(tokenizer.get_vocab().items()):
        digest.update(f"{token}\x1f{index}\x1e".encode())
    probe = tokenizer("The capital of  Île-de-France's 1st region is\n[Paris], isn't it? 東京")["input_ids"]
    special = (tokenizer.eos_token_id, tokenizer.mask_token_id, sorted(tokenizer.all_special_ids))
    digest.update(repr((probe, special)).encode())
    return digest.hexdigest()


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        digest.update(f"{path.name}\x1f{path.stat().st_size}\x1e".encode())
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
