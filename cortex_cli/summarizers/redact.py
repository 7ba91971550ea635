"""Secrets out of what is sent to a model and of what a summary keeps.

The patterns are those of the package detect-secrets, keyed ones and key forms; its entropy detectors stay
out, since they eat hashes and ids, which summaries are there to keep. A few newer key forms are added here.
A secret is taken out where it stands; elsewhere only if it cannot be taken for a word.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from cortex_cli.messages import Message, Part
from cortex_cli.summarizers.needles import Letters, Needle, letters_of, needle_of

SEEN_CHARS = 8_000
"""Of each end of a long result; more than a model is ever sent of it, by the length of a private key."""


class Redacted(NamedTuple):
    """A text without its secrets."""

    text: str
    secrets: int
    """Secrets that were taken out, repetitions included."""


class Found(NamedTuple):
    """Where a secret stands."""

    start: int
    end: int
    kind: str


def _key_form(prefix: str, rest: str) -> re.Pattern[str]:
    """Return the pattern of a key that begins a word; in JSON it may stand right behind an escaped line end.

    What stands in front is looked at behind the prefix: a pattern that begins with letters is found much faster.
    """
    return re.compile(rf"{prefix}(?:(?<![A-Za-z0-9_]{prefix})|(?<=\\[nrt]{prefix})){rest}")


_OTHER_KEYS = (
    ("Anthropic Key", _key_form("sk-ant-", r"[\w-]{20,}")),
    ("OpenAI Key", _key_form("sk-", r"(?:proj-|svcacct-)?[A-Za-z0-9_-]{32,}")),
    ("Google Key", _key_form("AIza", r"[\w-]{35}")),
    ("Hugging Face Token", _key_form("hf_", r"[A-Za-z0-9]{30,}")),
    ("GitHub Token", _key_form("github_pat_", r"\w{22,}")),
    ("JSON Web Token", _key_form("eyJ", r"[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}")),
    ("Bearer Token", re.compile(r"authorization\W{1,4}bearer\s+([\w.~+/=-]{16,})", re.IGNORECASE)),
    (
        "Secret Variable",
        re.compile(
            r"(?:^|[\s;&\"'`])(?:export\s+)?[A-Z0-9_]*(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PWD)=([^\s\"'`$<{(\\]{8,})",
            re.MULTILINE,
        ),
    ),
)
"""Forms that detect-secrets does not know (yet). Sources: the vendors' documentation of their key prefixes."""

_NAME = r"(?:passwo?r?d|passwd|pwd|secret|api[_-]?key|access[_-]?key|access[_-]?token|auth[_-]?token|private[_-]?key)"
_BARE_KEYED = re.compile(
    rf"(?i){_NAME}(?:\\?[\"'])?[ \t]*[:=][ \t]*(?:\\[\"']|(?<![\"']))(?P<value>(?=[^\s\\]*\d)(?=[^\s\\]*[a-z])"
    r"[^\s\\\"'`$<{(\[,;]{8,})(?=\\[\"']|[\s,;]|\\n|\Z)"
)
"""A value without quotes (YAML, .ini), or with escaped ones (JSON in JSON); it has letters and digits."""

_HEAD = r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
_PRIVATE_KEY = re.compile(
    rf"{_HEAD}(?:(?!-----BEGIN ).){{1,16000}}?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
    rf"|{_HEAD}(?:[^\n]{{0,16}}\n?[^\n]{{0,16}}?[A-Za-z0-9+/=]{{40,}})+",
    re.DOTALL,
)
"""Whole, or its beginning where the end was cut off; prose about such a key has no lines of base64."""

_KEYED = re.compile(r"api_?key|_key|passw|pwd|secret|contrase|db_?pass|key_?pass")
"""In small letters. Text far from these words is no matter for the keyed detector, which is slow."""

_QUOTE = re.compile(r"[\"'`]")

_BEFORE, _BEHIND = 120, 300
"""Characters around such a word that are looked at; within its line."""

_NOT_A_VALUE = re.compile(r"[\w.\[\]]+\(|\$|<|\{|\*{3}|\.\.\.|\[redacted")
"""Beginnings of what stands behind `password =` and is no password: a call, a variable, a placeholder."""

MIN_KEYED_CHARS = 6
"""A shorter value behind a keyed name is rather `none`, `true` or a type."""

MIN_REPEATED_CHARS = 8
"""A secret this long, of letters and digits, is taken out wherever else it stands; others may be words."""

MIN_GROUP_CHARS = 8
"""A group of a detector's pattern that is shorter is a prefix of the secret, not the secret."""

_LEFT_OUT = (
    "Base64HighEntropyString",
    "HexHighEntropyString",
    "IPPublicDetector",
    "KeywordDetector",
    "PrivateKeyDetector",
)


def redact(text: str) -> Redacted:
    """Take secrets out of a text; each leaves `[redacted: KIND]`. Idempotent."""
    (clean,), count = redact_all([text])
    return Redacted(clean, count)


def redact_messages(
    messages: Sequence[Message], others: Sequence[str] = ()
) -> tuple[tuple[Message, ...], tuple[str, ...], int]:
    """Take secrets out of everything that may be sent; of long results and arguments, only the ends are.

    Args:
        messages: Whose parts are sent.
        others: Texts that are sent with them.

    Returns:
        Messages, texts, and how many secrets were taken out.
    """
    parts = [part for message in messages for part in message.parts]
    ends = [text for part in parts for text in _ends(part)]
    clean, count = redact_all([*ends, *others])
    if not count:
        return tuple(messages), tuple(others), 0
    texts = iter(clean)
    done = tuple(
        message._replace(parts=tuple(_with_ends(part, [next(texts) for _ in _ends(part)]) for part in message.parts))
        for message in messages
    )
    return done, tuple(texts), count


def _ends(part: Part) -> tuple[str, ...]:
    if part.kind == "text" or len(part.text) <= 2 * SEEN_CHARS:
        return (part.text,)
    return (part.text[:SEEN_CHARS], part.text[-SEEN_CHARS:])


def _with_ends(part: Part, ends: Sequence[str]) -> Part:
    """Put clean ends in; what stands between them was not looked at and must never be sent."""
    between = " " * (len(part.text) - 2 * SEEN_CHARS) if len(ends) == 2 else ""
    return part._replace(text=between.join(ends))


def redact_all(texts: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """Take secrets out of texts that belong together: what is known of one holds for all.

    Returns:
        The texts, and how many secrets were taken out.
    """
    clean, count = _redact_once(texts)
    more = count
    while more:  # what stood against a secret may be known as one now
        clean, more = _redact_once(clean)
        count += more
    return clean, count


def _redact_once(texts: Sequence[str]) -> tuple[tuple[str, ...], int]:
    found = [list(find_secrets(text)) for text in texts]
    known: dict[str, str] = {}
    for text, spans in zip(texts, found, strict=True):
        known |= {text[one.start : one.end]: one.kind for one in spans if _is_unmistakable(text[one.start : one.end])}
    done = [_without(text, spans, known) for text, spans in zip(texts, found, strict=True)]
    return tuple(clean.text for clean in done), sum(clean.secrets for clean in done)


def find_secrets(text: str) -> Iterator[Found]:
    """Yield where secrets stand, in no order; they may overlap."""
    letters = letters_of(text)
    for detector in _own_detectors():
        for match in detector.matches(letters):
            yield Found(*match.span(match.re.groups), detector.kind)
    for detector in _detectors():
        for match in detector.matches(letters):
            yield from _trimmed(text, match, detector.kind)
    for start, end in _near_keywords(letters):
        yield from _keyed(text, start, end)


def _without(text: str, spans: list[Found], known: dict[str, str]) -> Redacted:
    for secret, kind in known.items():
        at = text.find(secret)
        while at >= 0:
            spans.append(Found(at, at + len(secret), kind))
            at = text.find(secret, at + len(secret))
    pieces: list[str] = []
    done = count = 0
    for start, end, kind in sorted(spans, key=lambda one: (one.start, -one.end)):
        if end <= done or start >= end or "[redacted" in text[max(0, start - 1) : end]:
            continue
        if start >= done:
            pieces += (text[done:start], f"[redacted: {kind}]")
            count += 1
        done = end  # what overlaps the one before leaves with it
    return Redacted("".join((*pieces, text[done:])), count) if count else Redacted(text, 0)


def _is_unmistakable(secret: str) -> bool:
    return len(secret) >= MIN_REPEATED_CHARS and not secret.isalpha() and not secret.isdigit() and " " not in secret


def _trimmed(text: str, match: re.Match[str], kind: str) -> Iterator[Found]:
    """Narrow a hit to the secret: the pattern's own group where it has one, no quotes around."""
    groups = [match.span(at) for at in range(1, match.re.groups + 1) if match[at]]
    start, end = max(groups, key=lambda span: span[1] - span[0], default=match.span())
    if end - start < MIN_GROUP_CHARS and kind != "Basic Auth Credentials":
        start, end = match.span()
    while start < end and text[start] in " \t\r\n=:\"'":
        start += 1
    while start < end and text[end - 1] in " \t\r\n\"'":
        end -= 1
    is_word = kind == "Artifactory Credentials" and not any(char.isdigit() for char in text[start:end])
    if not is_word and not _is_inside(text, start, end):
        yield Found(start, end, kind)


def _is_inside(text: str, start: int, end: int) -> bool:
    """Tell whether a hit is a piece of something longer: of a hash, or of base64."""
    before, behind = text[max(0, start - 2) : start], text[end : end + 1]
    is_escape = len(before) == 2 and before[0] == "\\" and before[1] in "nrt"
    return behind.isalnum() or (before[-1:].isalnum() and not is_escape)


def _near_keywords(letters: Letters) -> Iterator[tuple[int, int]]:
    """Yield the surroundings of the words that announce a secret; none twice."""
    text = letters.text
    done = 0
    for hit in _KEYED.finditer(letters.small):
        if hit.end() <= done:
            continue
        line_start = text.rfind("\n", max(0, hit.start() - _BEFORE), hit.start()) + 1
        line_end = text.find("\n", hit.end(), hit.end() + _BEHIND)
        done = line_end if line_end >= 0 else min(len(text), hit.end() + _BEHIND)
        yield line_start or max(0, hit.start() - _BEFORE), done


def _keyed(text: str, start: int, end: int) -> Iterator[Found]:
    window = text[start:end]
    hits = [match.span("value") for match in _BARE_KEYED.finditer(window)]
    quoted = _keyed_patterns() if _QUOTE.search(window) else ()  # they are slow, and all of them want a quote
    for pattern, group in quoted:
        hits += [match.span(group) for match in pattern.finditer(window)]
    for at, until in hits:
        value = window[at:until].rstrip("\\")
        if len(value) >= MIN_KEYED_CHARS and " " not in value and not _NOT_A_VALUE.match(value):
            yield Found(start + at, start + at + len(value), "Secret Keyword")


class Detector(NamedTuple):
    """A pattern of secrets."""

    kind: str
    pattern: re.Pattern[str]
    needle: Needle | None
    """What every match holds, where that is known."""

    def matches(self, letters: Letters) -> Iterator[re.Match[str]]:
        """Return what the pattern finds; many are slow, and most texts hold no match of any."""
        if self.needle is None or self.needle.is_in(letters):
            return self.pattern.finditer(letters.text)
        return iter(())


@cache
def _own_detectors() -> tuple[Detector, ...]:
    return tuple(Detector(kind, form, needle_of(form)) for kind, form in (("Private Key", _PRIVATE_KEY), *_OTHER_KEYS))


@cache
def _detectors() -> tuple[Detector, ...]:
    # costs 0.2 s, and only runs that write a summary need it
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class  # noqa: PLC0415

    plugins: dict[str, Any] = get_mapping_from_secret_type_to_class()
    kinds = {kind: plugin for kind, plugin in plugins.items() if plugin.__name__ not in _LEFT_OUT}
    return tuple(Detector(kind, form, needle_of(form)) for kind, plugin in kinds.items() for form in plugin.denylist)


@cache
def _keyed_patterns() -> tuple[tuple[re.Pattern[str], int], ...]:
    from detect_secrets.plugins.keyword import (  # noqa: PLC0415 - start-up time, as above
        QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP,
    )

    return tuple(QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP.items())
