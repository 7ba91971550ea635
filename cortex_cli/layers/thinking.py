"""`--drop-thinking`: the thinking of finished turns goes; that of the current turn never does.

Providers take earlier thinking whole or not at all, and want that of a running tool loop unchanged.
Source: FORMATS section 5 (M5), SPEC section 10.
"""

from cortex_cli.groups import cut_at_or_before, safe_cuts
from cortex_cli.layers.view import View
from cortex_cli.messages import Change, LayerResult, Message
from cortex_cli.settings import Settings
from cortex_cli.tokens import Counter


def drop_thinking(view: View, settings: Settings, counter: Counter) -> LayerResult:
    """Take the thinking out of all turns before the newest typed message."""
    if not settings.drop_thinking:
        return LayerResult(view.messages, reason="thinking stays: it was not asked to go")
    end = finished_end(view)
    kept: list[Message] = []
    changes: list[Change] = []
    for index, message in enumerate(view.messages):
        done = _without_thinking(message) if index < end else message
        if done is None and not _may_go_whole(kept, view.messages[index + 1 :][:1]):
            done = message
        if done is not None:
            kept.append(done)
        if done is not message:
            changes.append(_change(message, done, counter))
    return LayerResult(tuple(kept), tuple(changes), _reason(changes))


def finished_end(view: View) -> int:
    """Return the index before which turns are finished: that of the newest typed message, 0 where nobody typed.

    A call before it that waits for its result still belongs to the running tool loop.
    """
    newest = max((index for index, message in enumerate(view.messages) if message.typed), default=0)
    return cut_at_or_before(safe_cuts(view.messages), newest)


def _without_thinking(message: Message) -> Message | None:
    """Return a message without its thinking; None where it has nothing else, itself where it has none."""
    if message.role != "assistant" or not any(part.kind == "thinking" for part in message.parts):
        return message
    rest = tuple(part for part in message.parts if part.kind != "thinking")
    if all(part.kind == "text" and not part.text.strip() for part in rest):
        return None
    return message._replace(parts=rest)


def _may_go_whole(before: list[Message], after: tuple[Message, ...]) -> bool:
    """Tell whether a message may vanish: between two of the user (results are sent as such) it keeps them apart."""
    return bool(before and after) and (before[-1].role == "assistant" or after[0].role == "assistant")


def _change(message: Message, done: Message | None, counter: Counter) -> Change:
    before = counter.count_message(message)
    after = counter.count_message(done) if done else 0
    part = next(at for at, part in enumerate(message.parts) if part.kind == "thinking")
    thoughts = "\n".join(part.text for part in message.parts if part.kind == "thinking")
    return Change(message, part if done else -1, "thinking", before, after, before=thoughts)


def _reason(changes: list[Change]) -> str:
    if not changes:
        return "no thinking in finished turns"
    freed = sum(change.tokens_before - change.tokens_after for change in changes)
    return f"thinking of {len(changes)} message{'s' if len(changes) > 1 else ''} removed, {freed:,} tokens freed"
