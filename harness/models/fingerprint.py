"""Content hashes of a model's files: what tells two models with the same prompts apart."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from transformers import PreTrainedTokenizerBase

_BLOCK = 1 << 22


def weights_fingerprint(folder: Path) -> str:
    """Hash of the configuration and of every byte of the weights; about a gigabyte a second."""
    return _digest([folder / "config.json", *sorted(folder.glob("*.safetensors"))])


def tokenizer_fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    """Hash of the vocabulary and of what a probing text becomes, which tells most of a tokenizer's rules."""
    digest = hashlib.blake2b(digest_size=16)
    for token, index in sorted(tokenizer.get_vocab().items()):
        digest.update(f"{token}\x1f{index}\x1e".encode())
    probe = tokenizer("The capital of  Île-de-France's 1st region is\n[Paris], isn't it? 東京")["input_ids"]
    digest.update(repr(probe).encode())
    return digest.hexdigest()


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        digest.update(f"{path.name}\x1f{path.stat().st_size}\x1e".encode())
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
