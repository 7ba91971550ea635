"""Which earlier statement a later one replaces.

Losing a live value is worse than keeping a stale one. So a statement is dropped only where the later one is
about the same subject, has a value of the same kind, and no contrasting word (`primary` / `backup`) stands
between; in doubt it is only marked as earlier.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Literal, NamedTuple

from cortex_cli.summarizers.claims import Claim, claims_of, tells_change
from cortex_cli.summarizers.nearest import Nearest
from cortex_cli.summarizers.salience import MUST, NEGATE, ORDER, PERMIT, RETRACT, UPDATE, Unit
from cortex_cli.summarizers.subjects import are_apart, is_reworded, narrowing, phrases

Grade = Literal["dropped", "marked", "partly"]
"""Dropped: surely replaced. Marked: perhaps. Partly: it says more than what is replaced, which is marked in it."""

LOOK_BACK = 12
"""Earlier statements with the same word that a change is compared with."""

MOST_ECHOES = 3
"""Claims with the same value behind one that are looked at for an echo."""

PAIRS_BACK = 3
"""Earlier statements with the same two words side by side that any statement is compared with."""

MOST_SHARED = 0.6
"""Share of the smaller subject that must be common, where both have words of their own."""

FOLLOWING_WORDS = 4
"""Words behind a value from which on a mark stands behind the value, not behind the sentence."""

_RULES = MUST | NEGATE
_LIFTS = RETRACT | PERMIT
_CHANGES = UPDATE | _LIFTS
_FORBIDS = frozenset(("never", "don't", "avoid", "without", "unless", "if"))


class Replacement(NamedTuple):
    """An earlier statement and the later one that holds in its place."""

    earlier: int
    later: int
    grade: Grade
    ends: tuple[int, ...] = ()
    """Positions of the last words of what is replaced, where more follows: a mark belongs there."""


class _Index:
    """Earlier claims by what they are about and what they say of it."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        self.nearest = Nearest(claims)
        self._by_subject: dict[frozenset[str], int] = {}
        self._by_stem: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        self._by_pair: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._by_value: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, position: int, claim: Claim) -> None:
        """Remember a claim."""
        self._by_subject[claim.subject] = position
        for family in claim.families:
            by_stem = self._by_stem[family]
            for stem in claim.subject:
                by_stem[stem].append(position)
        for pair in claim.pairs:
            self._by_pair[pair].append(position)
        for values in claim.values.values():
            for value in values:
                self._by_value[value].append(position)

    def candidates(self, claim: Claim) -> set[int]:
        """Find claims that might be about the same; more of them where a change is told."""
        tells = claim.cues & _CHANGES
        if not tells and not claim.values:
            return set()
        same = self._by_subject.get(claim.subject)
        found = {same} if same is not None else set()
        for value in claim.gone:
            if value in self._by_value:
                found.update(self._by_value[value][-LOOK_BACK:])
        if tells:
            families = claim.families if not claim.cues & _LIFTS else (*claim.families, "rule")
            rows = [self._by_stem[family] for family in families if family in self._by_stem]
            near = [row[stem][-LOOK_BACK:] for row in rows for stem in claim.subject if stem in row]
            if len(claim.subject) > 2:
                met: set[int] = set()
                for positions in near:  # no position stands in a row twice
                    found.update(met.intersection(positions))
                    met.update(positions)
            else:
                found.update(*near)
        else:
            for pair in claim.pairs:
                if pair in self._by_pair:
                    found.update(self._by_pair[pair][-PAIRS_BACK:])
        return found

    def echoes(self, at: int, claims: Sequence[Claim], units: Sequence[Unit]) -> Iterator[int]:
        """Find what the other side said right behind a claim with the same value: `Understood, the port is 8080.`."""
        said = units[claims[at].position].statement
        for value in {value for values in claims[at].values.values() for value in values}:
            row = self._by_value[value]
            behind = bisect_right(row, at)
            for other in row[behind : behind + MOST_ECHOES]:
                echo = units[claims[other].position].statement
                if echo.message == said.message + 1 and echo.speaker == "assistant" != said.speaker:
                    yield other


def find_replacements(units: Sequence[Unit]) -> list[Replacement]:
    """Compare statements in the order they were made.

    Args:
        units: Oldest first.

    Returns:
        One entry per statement that no longer holds; positions in `units`.
    """
    claims: list[Claim] = []
    fates: dict[int, _Fate] = {}
    gone: set[int] = set()
    index = _Index(claims)
    for position, unit in enumerate(units):
        of_unit = claims_of(unit, position)
        for claim in of_unit:
            found = _found(unit, claim, units, claims, index, gone)
            for candidate, grade in found:
                echoes = index.echoes(candidate, claims, units) if grade == "dropped" else ()
                for at in {candidate, *echoes} - gone:
                    fates[at] = _Fate(position, grade)
                    gone.add(at)
        for claim in of_unit:  # two of one sentence hold side by side
            index.add(len(claims), claim)
            claims.append(claim)
    return _by_statement(claims, fates, units)


def _found(
    unit: Unit, claim: Claim, units: Sequence[Unit], claims: Sequence[Claim], index: _Index, gone: Set[int]
) -> list[tuple[int, Grade]]:
    """Find what a claim replaces; where nothing surely is, a change marks what it shares the rarest words with."""
    candidates = index.candidates(claim) - gone
    found: list[tuple[int, Grade]] = []
    if candidates and (claim.cues & RETRACT or _FORBIDS.isdisjoint([word.low for word in claim.words[:4]])):
        found = list(_replaced(unit, claim, units, claims, sorted(candidates)))
    if not found and claim.values and unit.statement.speaker == "user" and tells_change(claim.words, claim.cues):
        return [(at, "marked") for at in index.nearest.find(claim, gone)]
    return found


class _Fate(NamedTuple):
    """What becomes of a claim."""

    later: int
    """The statement that replaces it."""
    grade: Grade


def _by_statement(claims: Sequence[Claim], fates: Mapping[int, _Fate], units: Sequence[Unit]) -> list[Replacement]:
    """Return what becomes of statements: one of several claims is replaced by parts."""
    gone: defaultdict[int, list[int]] = defaultdict(list)
    for at in fates:
        gone[claims[at].position].append(at)
    found: list[Replacement] = []
    for position, of_unit in gone.items():
        later = max(fates[at].later for at in of_unit)
        grades = {fates[at].grade for at in of_unit}
        if len(of_unit) < claims[of_unit[0]].beside + 1:
            found.append(Replacement(position, later, "partly", tuple(claims[at].end for at in of_unit)))
        elif grades == {"dropped"}:
            found.append(Replacement(position, later, "dropped"))
        else:
            found.append(Replacement(position, later, "marked", _end_inside(units[position], claims[of_unit[0]])))
    return found


def _end_inside(unit: Unit, claim: Claim) -> tuple[int, ...]:
    """Return the last word of a statement's value where so much follows that a mark at its end would be misread."""
    at = max(claim.said_at, default=-1)
    ends = [value.at + value.text.count(" ") for value in unit.values if value.at == at]
    return tuple(end for end in ends if len(claim.words) - end > FOLLOWING_WORDS and not claim.beside)


def _replaced(
    unit: Unit, claim: Claim, units: Sequence[Unit], claims: Sequence[Claim], candidates: Sequence[int]
) -> Iterator[tuple[int, Grade]]:
    """Judge candidates together: of the same subject and of wider or narrower ones, the same subject is meant.

    Where several others come into question, none is: the change may be about any of them.
    """
    same: list[tuple[int, Grade]] = []
    others: list[tuple[int, Grade]] = []
    phrases: set[frozenset[str]] = set()
    change = bool(claim.gone) or tells_change(claim.words, claim.cues)
    lifts = bool(claim.cues & _LIFTS)
    is_user = unit.statement.speaker == "user"
    for candidate in candidates:
        other = claims[candidate]
        differing, is_named = _compared(other, claim) if other.values and claim.values else (0, False)
        if not (differing or is_named or (lifts and other.cues & _RULES) or (change and _are_alike(other, claim))):
            continue
        old = units[other.position]
        if not change and not is_user and old.statement.speaker == "user":
            continue  # nobody else overrules the user by the way
        if change and is_named and not other.subject.isdisjoint(claim.subject):
            grade: Grade | None = "dropped"
        else:
            grade = _judge(old, other, unit, claim, change=change, differing=differing)
        is_new_wording = grade is None
        if is_new_wording and change and differing and is_reworded(other, claim):
            grade = "marked"
        if grade is None or are_apart(other, claim):
            continue
        if not is_new_wording and ((change and is_named) or _same_thing(other, claim)):
            same.append((candidate, grade))
        else:
            others.append((candidate, grade))
            phrases.add(other.subject)
    yield from same or (others if len(phrases) == 1 else ())


def _same_thing(was: Claim, now: Claim) -> bool:
    """Tell whether nothing narrows what both are about."""
    if was.subject == now.subject:
        return True
    shared = was.subject & now.subject
    return not (narrowing(was, shared) or narrowing(now, shared))


def _judge(old: Unit, was: Claim, new: Unit, now: Claim, *, change: bool, differing: int) -> Grade | None:
    """Decide whether the later statement replaces the earlier one; `differing`: see `_compared`."""
    if differing:
        return None if not change and _names_only(was, now) else _by_values(was, now, change, differing)
    if change and was.free and now.free and was.subject == now.subject and was.free != now.free:
        is_rule = (old.cues | new.cues) & (MUST | NEGATE)
        return "dropped" if len(was.subject) > 1 and not is_rule else "marked"
    if change and _is_variant(was, now) and not was.subject.isdisjoint(now.subject):
        return "marked"
    return _by_permission(old, was, new, now)


def _names_only(was: Claim, now: Claim) -> bool:
    """Tell whether they differ in names alone, in sentences that may both hold (`ask Mo before ...`, `ask Kim ...`)."""
    return was.values.keys() & now.values.keys() == {"label"} and not (was.is_plain and now.is_plain)


def _are_alike(was: Claim, now: Claim) -> bool:
    """Tell whether one may replace the other without a value: both speak in plain words, or begin with one verb."""
    return bool(was.free and now.free) or was.words[0].low == now.words[0].low


def _is_variant(was: Claim, now: Claim) -> bool:
    """Tell whether two commands of one verb differ by one word: `use tabs for ...`, `use spaces for ...`."""
    first, second = was.words[0], now.words[0]
    alike = first.low == second.low and bool(first.cues & ORDER)
    return alike and len(was.subject - now.subject) == 1 == len(now.subject - was.subject)


def _compared(was: Claim, now: Claim) -> tuple[int, bool]:
    """Compare values by their classes.

    Returns:
        How many classes both have and have nothing in common in, and whether the later statement names the old value
        beside a new one (`from 8080 to 9001`).
    """
    differing, is_named = 0, False
    for family, old in was.values.items():
        new = now.values.get(family)
        if new is None:
            continue
        if not old.isdisjoint(new):
            is_named |= old < new
        elif family in _WITH_UNITS and _share_head(old, new):
            is_named |= len(new) > 1
        else:
            differing += 1
    return differing, is_named


_WITH_UNITS = ("amount", "label")
"""Classes of values that are the same without their last words: `3.4 seconds` and `3.4`, `Dana Berg` and `Dana`."""


def _share_head(some: Set[str], others: Set[str]) -> bool:
    """Tell whether a value of one begins one of the other."""
    return any(one.startswith(f"{other} ") or other.startswith(f"{one} ") for one in some for other in others)


def _by_values(was: Claim, now: Claim, change: bool, differing: int) -> Grade | None:
    shared = was.subject & now.subject
    both_state = was.is_state and now.is_state
    if was.subject == now.subject:
        return "dropped" if change or (len(shared) > 1 and both_state) else None
    if not shared or not (change or (both_state and differing == 1)):
        return None
    before, after = phrases(was), phrases(now)
    same = max(map(len, before & after), default=0)
    if not change and same < 2:
        return None
    narrows_old, narrows_new = narrowing(was, shared), narrowing(now, shared)
    if (narrows_old and narrows_new) or _have_own_names(before, after):
        return None
    smaller = min(len(was.subject), len(now.subject))
    if same > 1 and not narrows_old and not narrows_new:
        return "dropped"
    if not change or not _touch(before, shared) or not _touch(after, shared):
        return None
    if len(shared) == 1:
        return "dropped" if same and not narrows_old and not narrows_new else None
    if narrows_new or (narrows_old and not _shortens(after, before)):
        return "marked" if not narrows_old else None
    return "dropped" if len(shared) / smaller > MOST_SHARED else "marked"


def _have_own_names(before: set[tuple[str, ...]], after: set[tuple[str, ...]]) -> bool:
    """Tell whether beside a shared phrase each has one of its own: `the crane cycle is 5 with immediate effect`."""
    common = before & after
    if not common:
        return False
    own, other = before - common, after - common
    return bool(own and other) and {word for one in own for word in one}.isdisjoint(
        word for one in other for word in one
    )


def _touch(near: set[tuple[str, ...]], shared: frozenset[str]) -> bool:
    """Tell whether shared words stand next to the values."""
    return any(not shared.isdisjoint(phrase) for phrase in near)


def _shortens(after: set[tuple[str, ...]], before: set[tuple[str, ...]]) -> bool:
    """Tell whether the later name is the end of the earlier one: `report deadline` of `quarterly report deadline`."""
    return any(long[-len(short) :] == short for short in after if short for long in before)


def _by_permission(old: Unit, was: Claim, new: Unit, now: Claim) -> Grade | None:
    """A ban that is lifted, a rule that is taken back."""
    if not new.cues & (RETRACT | PERMIT) or not old.cues & (MUST | NEGATE) or new.cues & NEGATE & ~RETRACT:
        return None
    if new.words[0].low == "only":
        return None  # `only Omar may publish` is a ban too
    shared = old.content & new.content
    if len(shared) < 2 or not was.subject & now.subject:
        return None
    overlap = len(shared) / min(len(old.content), len(new.content))
    if overlap > MOST_SHARED and new.cues & (RETRACT | UPDATE):
        return "dropped"
    return "marked" if overlap > MOST_SHARED - 0.1 else None
