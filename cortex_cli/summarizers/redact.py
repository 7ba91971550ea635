"""Secrets out of what is sent to a model and of what a summary keeps.

The detectors are those of the package detect-secrets, keyed ones and patterns; its entropy detectors stay
out, since they eat hashes and ids, which summaries are there to keep. A few newer key forms are added here.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple


class Redacted(NamedTuple):
    """A text without its secrets."""

    text: str
    secrets: int
    """Secrets that were taken out, repetitions included."""


_OTHER_KEYS = (
    ("Anthropic Key", re.compile(r"\bsk-ant-[\w-]{20,}")),
    ("OpenAI Key", re.compile(r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{32,}")),
    ("Google Key", re.compile(r"\bAIza[\w-]{35}")),
    ("Hugging Face Token", re.compile(r"\bhf_[A-Za-z0-9]{30,}")),
    ("GitHub Token", re.compile(r"\bgithub_pat_\w{22,}")),
    ("Bearer Token", re.compile(r"(?i:authorization\W{1,4}bearer)\s+([\w.~+/=-]{16,})")),
    (
        "Secret Variable",
        re.compile(
            r"(?m)(?:^|[\s;&\"'`])(?:export\s+)?[A-Z0-9_]*(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PWD)=([^\s\"'`$<{(]{8,})"
        ),
    ),
)
"""Forms that detect-secrets does not know (yet). Sources: the vendors' documentation of their key prefixes."""

_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)

_KEYED = re.compile(r"(?i)api_?key|_key|passw|pwd|secret|contrase|db_?pass|key_?pass")
"""Lines without these words are no matter for the keyed detector, which is slow."""

_NOT_A_VALUE = re.compile(r"[\w.\[\]]+\(|\$|<|\{|\*{3}|\.\.\.|\[redacted")
"""Beginnings of what stands behind `password =` and is no password: a call, a variable, a placeholder."""

MIN_KEYED_CHARS = 6
"""A shorter value behind a keyed name is rather `none`, `true` or a type."""

_LEFT_OUT = (
    "Base64HighEntropyString",
    "HexHighEntropyString",
    "IPPublicDetector",
    "KeywordDetector",
    "PrivateKeyDetector",
)


def redact(text: str) -> Redacted:
    """Take secrets out of a text; each leaves `[redacted: KIND]`. Idempotent."""
    count = 0
    for kind, secret in sorted(set(find_secrets(text)), key=lambda found: -len(found[1])):
        times = text.count(secret)
        text = text.replace(secret, f"[redacted: {kind}]")
        count += times
    return Redacted(text, count)


def find_secrets(text: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, secret) for every secret in a text, some of them more than once."""
    yield from (("Private Key", match.group()) for match in _PRIVATE_KEY.finditer(text))
    for kind, pattern in _OTHER_KEYS:
        yield from ((kind, match.group(pattern.groups)) for match in pattern.finditer(text))
    for kind, detector in _detectors():
        yield from ((kind, secret) for secret in detector.analyze_string(text) if secret and "[redacted" not in secret)
    for line in text.splitlines():
        if _KEYED.search(line):
            found = _keyword_detector().analyze_string(line)
            yield from (("Secret Keyword", secret) for secret in found if _is_value(secret))


def _is_value(secret: str | None) -> bool:
    return (
        secret is not None and len(secret) >= MIN_KEYED_CHARS and " " not in secret and not _NOT_A_VALUE.match(secret)
    )


@cache
def _detectors() -> tuple[tuple[str, Any], ...]:
    # costs 0.2 s, and only runs that write a summary need it
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class  # noqa: PLC0415

    found: dict[str, Any] = get_mapping_from_secret_type_to_class()
    return tuple((kind, plugin()) for kind, plugin in found.items() if plugin.__name__ not in _LEFT_OUT)


@cache
def _keyword_detector() -> Any:
    from detect_secrets.plugins.keyword import KeywordDetector  # noqa: PLC0415 - start-up time, as above

    return KeywordDetector()
