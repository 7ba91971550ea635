"""How large a text is for a model: exact counts, a heuristic, and estimates for media.

Importing this costs nothing: vocabularies and tokenizers load when `make_counter` is asked for one.
"""

from cortex_cli.tokens.counters import (
    CHARS_PER_TOKEN,
    Counter,
    ExactCounter,
    HeuristicCounter,
    count_messages,
    counted_texts,
    estimate_tokens,
    largest_message,
    make_counter,
    message_sizes,
    tokenizer_names,
)
from cortex_cli.tokens.media import estimate_media_tokens

__all__ = [
    "CHARS_PER_TOKEN",
    "Counter",
    "ExactCounter",
    "HeuristicCounter",
    "count_messages",
    "counted_texts",
    "estimate_media_tokens",
    "estimate_tokens",
    "largest_message",
    "make_counter",
    "message_sizes",
    "tokenizer_names",
]
