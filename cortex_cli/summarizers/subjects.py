"""How the subjects of two claims stand to each other: apart, narrower, and the phrases that carry them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cortex_cli.summarizers.claims import CHANGES, DETERMINERS, VERB_ENDINGS, Claim
from cortex_cli.summarizers.common_words import word_set
from cortex_cli.summarizers.lexicon import CONTRAST_GROUP, HEADERS, PHRASES
from cortex_cli.summarizers.salience import PIVOT, REQUEST
from cortex_cli.summarizers.words import Word, stem

_PREPOSITIONS = frozenset(("for", "of", "in", "on", "at", "per", "from", "with", "during"))
_TIES = word_set("for as of")
_TOWARDS = word_set("to into as")
_SAME: Mapping[str, frozenset[str]] = {
    stem(word): frozenset(map(stem, words))
    for words in (("start", "begin", "open"), ("end", "finish", "close"))
    for word in words
}
"""Stems of words that contrast with others and mean the same."""
_CONTRASTS: Mapping[str, int] = {stem(word): group for word, group in CONTRAST_GROUP.items()}


def are_apart(was: Claim, now: Claim) -> bool:
    """Tell whether names or contrasting words set the subjects apart."""
    if was.labels and now.labels and not was.labels & now.labels:
        return True
    if "new" in [word.low for word in now.words] and "old" in [word.low for word in was.words]:
        return True
    groups = [_CONTRASTS[one] for one in _own(now.subject, was.subject) if one in _CONTRASTS]
    return bool(groups) and any(_CONTRASTS.get(one) in groups for one in _own(was.subject, now.subject))


def _own(subject: frozenset[str], other: frozenset[str]) -> Iterator[str]:
    """Yield the words that only one of two subjects has; `begins` is the same as `start`."""
    for one in subject - other:
        if one not in _SAME or other.isdisjoint(_SAME[one]):
            yield one


def narrowing(claim: Claim, shared: frozenset[str]) -> set[str]:
    """Find words that narrow the shared ones: beside them (`export` limit), or behind `for` and `of`."""
    found: set[str] = set()
    topics, words = claim.topics, claim.words
    last = len(topics) - 1
    for at, one in enumerate(topics):
        if one not in shared:
            continue
        before = at - 1
        if before > 0 and not topics[before] and words[before].stem and not words[before].closes:
            before -= 1  # `home changing room`: a cue of change that is part of a name
        if before > 0 and words[before].low == "of":
            before -= 1  # `front of house manager`
        if before >= 0 and topics[before] and topics[before] not in shared and not words[before].closes:
            found.add(topics[before])
        if at < last:
            low, following = words[at + 1].low, topics[at + 1]
            if following and following not in shared and not low.endswith(VERB_ENDINGS):
                found.add(following)
            elif low in _PREPOSITIONS:
                found.update(each for each in topics[at + 2 : at + 4] if each and each not in shared)
    return found


def is_reworded(was: Claim, now: Claim) -> bool:
    """Tell whether a change may name the same thing in other words: `the kiln goes up to 900`, `the kiln temperature`.

    What it adds to the shared words only says which kind of value it is, or it adds nothing to two of them.
    """
    shared = was.subject & now.subject
    if not shared or not (now.subject - shared <= _ATTRIBUTES or was.subject - shared <= _ATTRIBUTES):
        return False
    if (narrowing(was, shared) - _ATTRIBUTES) and not (len(shared) > 1 and now.subject == shared):
        return False
    return not narrowing(now, shared) - _ATTRIBUTES


_ATTRIBUTES = frozenset(
    map(
        stem,
        word_set(
            """number price cost fee quote amount total size capacity count date deadline time start name code version
            value temperature duration length id hour"""
        ),
    )
)
"""Nouns that say what kind of value something has."""


def phrases(claim: Claim) -> set[tuple[str, ...]]:
    """Return the runs of subject words next to its values: `staging port` of `the staging port is 8473`.

    Behind the value punctuation parts them, unless the verb comes next (`Dana, that's the approver`).
    """
    if claim.known_phrases is None:
        claim.known_phrases = _phrases(claim.topics, claim.words, claim.said_at)
        if changed := _object_of_change(claim):
            claim.known_phrases.add(changed)
    return claim.known_phrases


def _phrases(topics: Sequence[str], words: Sequence[Word], said_at: Iterable[int]) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for at in said_at:
        start = at + 1
        while start < len(topics) and not topics[start] and (not words[start - 1].closes or words[start].cues & PIVOT):
            start += 1
        behind = start < len(topics) and topics[start] != "" and not words[start - 1].closes
        if behind:
            found.add(_run(topics, start, 1))
        if behind and any(word.low in _TIES for word in words[at + 1 : start]):
            continue  # in `the vendor quoted 5 for the lease` the lease is what it is about
        stop = next((i for i in range(at - 1, -1, -1) if topics[i]), -1)
        if stop >= 0:
            found.add(_run(topics, stop, -1)[::-1])
    return found


def _object_of_change(claim: Claim) -> tuple[str, ...]:
    """Return what a command of change is about: the cheese supplier of `rub out the cheese supplier on the board`."""
    words, last = claim.words, len(claim.words) - 1
    if not any(at and (words[at - 1].low in _TOWARDS or words[at - 1].cues & PIVOT) for at in claim.said_at):
        return ()  # `update the parsers to include X` is work to do, no other value
    at = 0
    while at < last and (words[at].cues & REQUEST or (words[at].closes and words[at].low in HEADERS)):
        at += 1
    if at < last and PHRASES.get(words[at].low, {}).get(words[at + 1].low, 0) & CHANGES:
        at += 2
    elif words[at].cues & CHANGES:
        at += 1
    else:
        return ()
    if at < last and words[at].low in DETERMINERS:
        at += 1
    return _run(claim.topics, at, 1)


def _run(topics: Sequence[str], at: int, step: int) -> tuple[str, ...]:
    run: list[str] = []
    while 0 <= at < len(topics) and topics[at]:
        run.append(topics[at])
        at += step
    return tuple(run)
