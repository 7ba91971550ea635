"""What the script of a replay's page draws: lists over calls, and the texts that were cut, each of them once."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

from cortex_cli.pages.document import packed

ROLES = ("overhead", "system", "user", "assistant", "tool")
"""Of what a request is stacked, lowest first."""

SHOWN_CHARS = (2_000, 1_000, 700, 500, 350, 250, 180, 120, 80, 0)
"""Of a text that was cut, the most that keeps the page light."""

MOST_BYTES = 1_250_000
"""Of the packed data: with the library, the styles and the tables the page stays below 1.5 MB. Source: issue 8."""

WEIGHING_LEVEL = 6
"""Of compression: quicker than what is packed in the end, and next to nothing larger."""

MICRO = 1e-6
"""Dollars are told in millionths."""


def replay_data(sessions: Sequence[Mapping[str, Any]]) -> str:
    """Return the packed data of replayed sessions, with as much of the texts as keeps it light."""
    tables = [_Table(_pieces(session)) for session in sessions]
    numbers = [_session(session, table) for session, table in zip(sessions, tables, strict=True)]
    room = MOST_BYTES - len(packed(numbers))
    limit = next((limit for limit in SHOWN_CHARS if sum(table.weigh(limit) for table in tables) <= room), 0)
    told = [{**one, "texts": table.shown(limit)} for one, table in zip(numbers, tables, strict=True)]
    return packed({"sessions": told})


def _pieces(session: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for strategy in session["strategies"]:
        for call in strategy["calls"]:
            yield from call.get("pieces", ())


def _texts(piece: Mapping[str, Any]) -> tuple[str, str]:
    return piece["before"], piece["after"]


def _session(report: Mapping[str, Any], table: "_Table") -> dict[str, Any]:
    strategies = report["strategies"]
    longest: list[Mapping[str, Any]] = max((one["calls"] for one in strategies), key=len, default=[])
    return {
        "window": report["window"],
        "roles": ROLES,
        "messages": _steps(call["message"] for call in longest),
        "times": _steps(round(call["time"]) for call in longest),
        "strategies": [_strategy(one, table) for one in strategies],
        "said": [_steps(iter(column)) for column in zip(*table.said.values(), strict=True)],
        "kinds": [*table.kinds],
    }


def _strategy(strategy: Mapping[str, Any], table: "_Table") -> dict[str, Any]:
    calls = strategy["calls"]
    prices = [call["usd"] for call in calls]
    spent = None if None in prices else _steps(round(total / MICRO) for total in accumulate(prices))
    before = (0, *(call["tokens"] for call in calls))
    return {
        "name": strategy["name"],
        "cost": strategy["cost_usd"],
        "kept": strategy["facts_ratio"],
        "front": strategy["front"],
        "failed": bool(strategy["failure"]),
        "spent": spent,
        "cached": [call["cached"] - tokens for call, tokens in zip(calls, before, strict=False)],
        "facts_known": _steps(call["facts_known"] for call in calls),
        "facts_lost": _steps(call["facts_known"] - call["facts_kept"] for call in calls),
        "roles": {role: _steps(call["by_role"].get(role, 0) for call in calls) for role in ROLES},
        "breaks": [at for at, call in enumerate(calls) if call["cache_break"]],
        "cuts": [[at, call["cut"], *table.cut(call.get("pieces", ()))] for at, call in enumerate(calls) if call["cut"]],
    }


def _steps(values: Iterator[int]) -> list[int]:
    """Return how each value differs from the one before: small numbers, and many of them alike."""
    return [after - before for before, after in pairwise((0, *values))]


class _Table:
    """Texts, kinds and recorded messages that the cuts of all strategies name by number."""

    def __init__(self, pieces: Iterator[Mapping[str, Any]]) -> None:
        self.kinds: dict[str, int] = {}
        self.texts: dict[str, int] = {}
        self.said: dict[int, list[int]] = {}
        """By position of a recorded message: that, kind, tokens, text, characters of all of it."""
        for piece in sorted(pieces, key=lambda piece: piece["message"]):  # likes stand together, and pack well
            told = self._told(piece)
            if piece["message"] >= 0:
                self.said.setdefault(piece["message"], _as_said(told))

    def _told(self, piece: Mapping[str, Any]) -> list[int]:
        kind = self.kinds.setdefault(piece["kind"], len(self.kinds))
        before, after = map(self._text, _texts(piece))
        sizes = piece["tokens_before"], piece["tokens_after"]
        return [piece["message"], kind, *sizes, before, piece["before_chars"], after, piece["after_chars"]]

    def _text(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))

    def shown(self, limit: int) -> list[str]:
        """Return the beginnings of all texts."""
        return [text[:limit] for text in self.texts]

    def weigh(self, limit: int) -> int:
        """Return about how many bytes these take, packed."""
        whole = "\0".join(self.shown(limit)).encode(errors="replace")
        return len(zlib.compress(whole, WEIGHING_LEVEL)) * 4 // 3

    def cut(self, pieces: Sequence[Mapping[str, Any]]) -> tuple[list[int], list[int]]:
        """Return the recorded messages that left, as first ones and counts; and all else, eight numbers each."""
        left: list[int] = []
        others: list[int] = []
        for piece in pieces:
            told = self._told(piece)
            position, after = told[0], told[3]
            if position < 0 or after or _as_said(told) != self.said[position]:
                others += told
            elif left and position == left[-2] + left[-1]:
                left[-1] += 1
            else:
                left += [position, 1]
        return left, others


def _as_said(told: Sequence[int]) -> list[int]:
    position, kind, before, _, text, chars, *_ = told
    return [position, kind, before, text, chars]
