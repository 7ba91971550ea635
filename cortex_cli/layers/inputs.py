"""`--trim-inputs N`: long strings in the arguments of old calls are shortened; they stay valid JSON.

The written file, the patch, the pasted text of a call that was answered long ago: the two ends stay.
Source: DESIGN section 4, SPEC section 10 (signed calls).
"""

from typing import NamedTuple

from cortex_cli.layers.json_results import long_strings, put_strings
from cortex_cli.layers.results import Ask, shorten_text
from cortex_cli.layers.sizes import hot_zone_tokens
from cortex_cli.layers.thinking import finished_end
from cortex_cli.layers.view import View
from cortex_cli.messages import Change, LayerResult, Message, Part
from cortex_cli.settings import Settings
from cortex_cli.tokens import Counter, message_sizes


class OldCall(NamedTuple):
    """A call whose arguments may be shortened."""

    message: int
    """Index of its message in the view."""
    part: int
    """Position in the message's `parts`."""


def trim_inputs(view: View, settings: Settings, counter: Counter) -> LayerResult:
    """Shorten strings longer than `trim_inputs` characters in the arguments of old calls."""
    if settings.trim_inputs <= 0:
        return LayerResult(view.messages, reason="arguments stay: no length was given")
    messages = list(view.messages)
    changes: list[Change] = []
    for call in plan_inputs(view, settings, counter):
        message = messages[call.message]
        old = message.parts[call.part]
        new = _shorten_arguments(old, settings.trim_inputs, counter)
        if new is None:
            continue
        short = message.with_part(call.part, new)
        before, after = counter.count_message(message), counter.count_message(short)
        if after < before:
            messages[call.message] = short
            changes.append(Change(message, call.part, "input", before, after, old.text, new.text))
    return LayerResult(tuple(messages), tuple(changes), _reason(changes))


def plan_inputs(view: View, settings: Settings, counter: Counter) -> tuple[OldCall, ...]:
    """Find the calls that are old enough: outside the hot zone, and of a finished turn; oldest first."""
    hot = hot_zone_tokens(settings, view.budget)
    newest = finished_end(view)
    offset = view.following_tokens
    sizes = message_sizes(view.messages, counter)
    found: list[OldCall] = []
    for index in range(len(view.messages) - 1, -1, -1):
        message = view.messages[index]
        if index < newest and offset >= hot:
            found.extend(OldCall(index, at) for at in _trimmable(message, settings.trim_inputs))
        offset += sizes[index]
    return tuple(sorted(found))


def _trimmable(message: Message, chars: int) -> list[int]:
    """Find the calls with arguments that are long enough and nobody signed."""
    return [
        at
        for at, part in enumerate(message.parts)
        if part.kind == "call" and not part.signed and len(part.text) > chars
    ]


def _shorten_arguments(part: Part, chars: int, counter: Counter) -> Part | None:
    """Shorten the long strings of a call's arguments; None where there are none, or they are not JSON."""
    ask = Ask("bookend", chars // 2)
    changed = {
        path: short
        for path, value in long_strings(part.text, chars + 1).items()
        if path and (short := shorten_text(value, ask, counter)) is not None and len(short) < len(value)
    }
    return part._replace(text=put_strings(part.text, changed)) if changed else None


def _reason(changes: list[Change]) -> str:
    if not changes:
        return "no old call has longer strings"
    freed = sum(change.tokens_before - change.tokens_after for change in changes)
    return f"arguments of {len(changes)} old call{'s' if len(changes) > 1 else ''} shortened, {freed:,} tokens freed"
