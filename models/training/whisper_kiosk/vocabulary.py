"""The tokens, in Whisper's layout: byte-level BPE, special ones, then timestamps (added by the conversion)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from whisper_kiosk.dimensions import SPECIAL, TEXT_VOCABULARY

if TYPE_CHECKING:
    import tokenizers

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def make_tokenizer(lines: list[str]) -> "tokenizers.Tokenizer":
    """Learn the byte pairs of written sentences."""
    import tokenizers

    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=TEXT_VOCABULARY,
        show_progress=False,
        min_frequency=2,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(_reading(lines), trainer)
    tokenizer.add_tokens([f"<unused{i}>" for i in range(TEXT_VOCABULARY - tokenizer.get_vocab_size())])
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer


def _reading(lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield " " + line
    # faster-whisper suppresses the bare space token, so " a", " b", … must exist: make them frequent.
    for letter in LETTERS:
        for _ in range(50000):
            yield f" {letter}"
