"""ShareGPT conversations: `{"from", "value"}` under `conversations`, or LLaMA-Factory's `messages` with media beside.

User and assistant take strict turns, so our text and a user's become one message, ours first, a blank line between.
There are no ids: an observation answers the function call before it. Every `<image>` in a text stands for the
next item of `images` (so do sound and film); an item leaves with its text. Source: FORMATS section 8.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from cortex_cli.formats import alternation, containers, datasets, rewrite, shapes
from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.contents import parse_text, text_of
from cortex_cli.formats.source import Source
from cortex_cli.jsonedit import Delete, Edit, Path, Replace
from cortex_cli.marks import BLANK_LINE, split_own, synthetic_kind
from cortex_cli.messages import NO_RECORD, Media, Message, Part, Role, Transcript
from cortex_cli.tokens import estimate_media_tokens
from cortex_cli.typed import is_typed_text
from cortex_cli.validity import Rules

NAME = "sharegpt"

RULES = Rules(alternates=True, results_directly_after_call=True, user_first=True)
"""Source: FORMATS section 8, what LLaMA-Factory demands."""

LISTS = ("conversations", "messages")
"""Where the messages stand."""

MEDIA = {"images": "<image>", "videos": "<video>", "audios": "<audio>"}
"""List of media -> what stands for one of them in a text. Source: LLaMA-Factory's data sets."""

CALL = "function_call"
OBSERVATION = "observation"

_ROLES: dict[str, Role] = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    CALL: "assistant",
    "tool_call": "assistant",
    OBSERVATION: "user",
    "function_response": "user",
    "tool_response": "user",
    "tool": "user",
    "system": "system",
}
_CALLS = (CALL, "tool_call")
_REPLIES = (OBSERVATION, "function_response", "tool_response", "tool")
_FIRST_MEDIUM = 1_000
"""Block of the first medium of a message; texts count from 0."""


def _keys_of(value: Any) -> tuple[str, str]:
    """Return where an element keeps who speaks and what is said."""
    return ("from", "value") if isinstance(value, dict) and "from" in value else ("role", "content")


def _is_element(value: Any) -> bool:
    who, said = _keys_of(value)
    return isinstance(value, dict) and isinstance(value.get(who), str) and isinstance(value.get(said), str)


def _has_tag(value: Any) -> bool:
    return _is_element(value) and "from" in value


def _list_of(value: Any) -> str | None:
    """Return the key of a conversation's messages; None if it is none of this format."""
    if not isinstance(value, dict):
        return None
    for key in LISTS:
        messages = value.get(key)
        if not isinstance(messages, list) or not any(map(_is_element, messages)):
            continue
        if any(map(_has_tag, messages)) or (
            key == "conversations" or any(isinstance(value.get(one), list) for one in MEDIA)
        ):
            return key
    return None


def _is_conversation(value: Any) -> bool:
    is_bare = isinstance(value, list) and any(map(_has_tag, value))
    return is_bare or _list_of(value) is not None


def detect(source: Source) -> float:
    """Tell whether the input is a conversation of this kind, a list of them, or one a line."""
    document = source.document
    values = source.head_values if document is None else document if isinstance(document, list) else [document]
    return 1 if _is_conversation(document) or any(map(_is_conversation, values)) else 0


def conversations(source: Source) -> Iterator[datasets.Conversation]:
    """Take a data set apart."""
    if isinstance(source.document, list) and any(map(_has_tag, source.document)):
        return iter(())
    return datasets.split(source, _is_conversation)


def load(source: Source) -> Transcript:
    """Read one conversation.

    Raises:
        InputError: It is none, or there are several.
    """
    box = _find_box(source)
    answers = _find_answers(box.values)
    reader = containers.Reader(NAME, partial(_read_element, answers), is_element=_is_element)
    reading = containers.read(source, reader, box)
    messages = alternation.place_notice(list(_paired(reading.messages, answers)))
    system = text_of(box.top.get("system"))
    slots = [Message("system", (Part("text", system, record=NO_RECORD),))] if system else []
    return containers.build(
        source, reading, NAME, [*slots, *messages], preamble=containers.preamble_of(box.top, "tools")
    )


def _find_box(source: Source) -> containers.Box:
    document = source.document
    if isinstance(document, list) and any(map(_has_tag, document)):
        return containers.Box(containers.kind_of_list(source), values=document)
    box = datasets.find_only(source, _is_conversation, ())
    if isinstance(box.top, list):
        return box._replace(top={}, values=box.top)
    key = _list_of(box.top)
    if key is None:
        raise shapes.refuse(source)
    return box._replace(path=(*box.path, key), values=box.top[key])


def _find_answers(values: Sequence[Any]) -> dict[int, int]:
    """Return observation -> the function call right before it, as indices; an observation of no call is mere text."""
    found: dict[int, int] = {}
    before, tag_before = 0, ""
    for index, value in enumerate(values):
        tag = value[_keys_of(value)[0]] if _is_element(value) else ""
        if tag not in _ROLES:
            continue
        if tag in _REPLIES and tag_before in _CALLS:
            found[index] = before
        before, tag_before = index, tag
    return found


def _read_element(answers: Mapping[int, int], index: int, value: dict[str, Any]) -> Sequence[Message] | None:
    """Read one element; calls and their answers are joined when all are read."""
    tag = value[_keys_of(value)[0]]
    role = _ROLES.get(tag)
    if role is None:
        return None
    own, rest = _split(value, is_answer=index in answers)
    messages = [
        Message("user", (Part("text", one, record=index, block=block),), (index,), synthetic=synthetic_kind(one))
        for block, one in enumerate(own)
    ]
    if own and not rest:
        return messages
    parts = [Part("text", rest, record=index, block=len(own)), *_media(index, rest)]
    typed = tag in ("human", "user") and is_typed_text(rest)
    return [*messages, Message(role, tuple(parts), (index,), typed=typed)]


def _split(value: dict[str, Any], *, is_answer: bool) -> tuple[list[str], str]:
    """Part our texts from what was there: they join whatever speaks on the user's side, but no answer to a call."""
    who, said = _keys_of(value)
    return ([], value[said]) if is_answer or _ROLES.get(value[who]) != "user" else split_own(value[said])


def _media(index: int, text: str) -> Iterator[Part]:
    block = _FIRST_MEDIUM
    for key, mark in MEDIA.items():
        kind = key.removesuffix("s")
        for _ in range(text.count(mark)):
            medium = Media(kind, estimate_media_tokens(kind))
            yield Part("media", record=index, block=block, media=(medium,))
            block += 1


def _paired(messages: Sequence[Message], answers: Mapping[int, int]) -> Iterator[Message]:
    """Make a call and the observation after it a pair; one without the other is mere text."""
    called = set(answers.values())
    for message in messages:
        index, part = message.records[0], message.parts[0]
        if index in answers:
            yield Message("tool", (part._replace(kind="result", call_id=f"call#{answers[index]}"),), message.records)
        elif index in called:
            call = part._replace(kind="call", name=_name_of(part.text), call_id=f"call#{index}")
            yield message._replace(parts=(call,))
        else:
            yield message


def _name_of(text: str) -> str:
    """Return what a call calls; of several the first."""
    try:
        value = parse_text(text)
    except ValueError:
        return ""
    first = value[0] if isinstance(value, list) and value else value
    return text_of(first.get("name")) if isinstance(first, dict) else ""


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the changed conversation in its container."""
    yield from rewrite.render(transcript, plan(transcript))


def plan(transcript: Transcript) -> rewrite.Plan:
    """Plan what becomes of every element, and of the media beside them."""
    transcript = transcript.with_messages([without_marks(message) for message in transcript.messages])
    box: containers.Box = transcript.layout.box
    planned = rewrite.plan_changes(transcript, _edit_element)
    who, said = _keys_of(next(filter(_is_element, box.values), {"from": ""}))
    tags = _tags_of(box.values, who)

    def new_element(side: str, texts: list[Any], _behind: int) -> dict[str, Any]:
        return {who: tags[side], said: BLANK_LINE.join(texts)}

    shape = alternation.Shape(_encode, (said,), new_element=new_element, write=BLANK_LINE.join)
    alternation.plan_turns(transcript, planned, shape)
    planned.beside.extend(_media_edits(box, planned, said))
    return planned


def without_marks(message: Message) -> Message:
    """Take the marks of media out of a message of ours: quoted there, they would stand for media that are not."""
    if message.records or message.position >= 0:
        return message
    parts = tuple(part._replace(text=_unmarked(part.text)) for part in message.parts)
    return message if parts == message.parts else message._replace(parts=parts)


def _unmarked(text: str) -> str:
    for mark in MEDIA.values():
        text = text.replace(mark, f"[{mark[1:-1]}]")
    return text


def _encode(parts: Sequence[Part]) -> Iterator[Any]:
    yield from (part.text for part in parts if part.kind == "text" and part.text)


def _edit_element(value: dict[str, Any], change: RecordChange) -> Iterator[Edit]:
    said = _keys_of(value)[1]
    own, rest = _split(value, is_answer=any(was.kind == "result" for was, _ in change.edited.values()))
    texts = dict(enumerate([*own, rest] if rest or not own else own))
    texts.update({block: new.text for block, (_, new) in change.edited.items() if block in texts})
    left = [text for block, text in texts.items() if block not in change.removed]
    if (text := BLANK_LINE.join(left)) != value[said]:
        yield Replace((said,), text)


def _tags_of(values: Sequence[Any], who: str) -> Mapping[str, str]:
    """Return how this file names the two sides."""
    usual = {"user": "human", "assistant": "gpt"} if who == "from" else {"user": "user", "assistant": "assistant"}
    seen = [value[who] for value in values if _is_element(value) and value[who] not in (*_CALLS, *_REPLIES)]
    return {side: next((tag for tag in seen if _ROLES.get(tag) == side), tag) for side, tag in usual.items()}


def _media_edits(box: containers.Box, planned: rewrite.Plan, said: str) -> Iterator[Edit]:
    """Take the media out whose marks left, so that marks and media count the same."""
    texts = [(index, value[said]) for index, value in enumerate(box.values) if _is_element(value)]
    for key, mark in MEDIA.items():
        media = box.top.get(key)
        left = list(_marks_left([(before, _text_after(planned, index, before, said)) for index, before in texts], mark))
        if isinstance(media, list):
            path: Path = (*box.path[:-1], key)
            yield from (Delete((*path, at)) for at, stays in enumerate(left[: len(media)]) if not stays)


def _text_after(planned: rewrite.Plan, index: int, before: str, said: str) -> str:
    if index in planned.gone:
        return ""
    edits = planned.edits.get(index, ())
    return next((str(one.value) for one in edits if isinstance(one, Replace) and one.path == (said,)), before)


def _marks_left(texts: Sequence[tuple[str, str]], mark: str) -> Iterator[bool]:
    """Say of every mark of a conversation whether it is still there.

    Args:
        texts: (before, after) of every element; one that has more than it had took up those of the next that left.
        mark: What stands for a medium.
    """
    taken = 0
    for before, after in texts:
        had, has = before.count(mark), after.count(mark)
        kept = min(had, has + (taken if not after else 0))
        taken = max(0, has - had) + (taken - kept if not after else 0)
        head = had if kept == had else min(kept, _common_start(before, after).count(mark))
        yield from (at < head or at >= had - (kept - head) for at in range(had))


def _common_start(one: str, other: str) -> str:
    """Return what two texts both begin with."""
    end = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:end]
