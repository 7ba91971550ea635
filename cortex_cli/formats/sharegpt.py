"""ShareGPT conversations: `{"from", "value"}` under `conversations`, or LLaMA-Factory's `messages` with media beside.

User and assistant take strict turns, so our text and a user's become one message, ours first, a blank line between;
so do two of the user's side that meet, parted by a line that says who speaks next (`said`). There are no ids: an
observation answers the function call before it. Every `<image>` in a text stands for the next item of `images` (so
do sound and film); an item leaves with its text. Source: FORMATS section 8.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

from cortex_cli.formats import alternation, containers, datasets, rewrite, shapes
from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.contents import parse_text, text_of
from cortex_cli.formats.said import Said, join_said, split_said
from cortex_cli.formats.source import Source
from cortex_cli.jsonedit import Delete, Edit, Path, Replace
from cortex_cli.marks import BLANK_LINE, synthetic_kind
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
_PEOPLE = ("human", "user")
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


def _spelling_of(values: Sequence[Any]) -> tuple[str, str]:
    """Return the keys of a conversation's messages; what is spelled otherwise is no message of it."""
    return _keys_of(next(filter(_has_tag, values), {}))


def _is_spelled(keys: tuple[str, str], value: Any) -> bool:
    return _is_element(value) and _keys_of(value) == keys


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
    if not source.may_hold("from", *LISTS):
        return 0
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
    is_element = partial(_is_spelled, _spelling_of(box.values))
    answers = _find_answers(box.values, is_element)
    reader = containers.Reader(NAME, partial(_read_element, answers), is_element=is_element)
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


def _find_answers(values: Sequence[Any], is_element: Callable[[Any], bool]) -> dict[int, int]:
    """Return observation -> the function call right before it, as indices; an observation of no call is mere text."""
    found: dict[int, int] = {}
    before, tag_before = 0, ""
    for index, value in enumerate(values):
        tag = value[_keys_of(value)[0]] if is_element(value) else ""
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
    blocks = count(_FIRST_MEDIUM)
    return [
        _read_said(index, block, one, tag, blocks)
        for block, one in enumerate(_split(value, is_answer=index in answers))
    ]


def _read_said(index: int, block: int, said: Said, tag: str, media_blocks: Iterator[int]) -> Message:
    text = Part("text", said.text, record=index, block=block)
    if _ROLES[tag] == "user" and said.is_own:
        return Message("user", (text,), (index,), synthetic=synthetic_kind(said.text))
    typed = tag in _PEOPLE and said.speaker in _PEOPLE and is_typed_text(said.text)
    return Message(_ROLES[tag], (text, *_media(index, said.text, media_blocks)), (index,), typed=typed)


def _split(value: dict[str, Any], *, is_answer: bool = False) -> list[Said]:
    """Part what is said on the user's side, where texts may have been joined; never the answer to a call."""
    who, said = _keys_of(value)
    tag, text = value[who], value[said]
    if is_answer or _ROLES.get(tag) != "user":
        return [Said(text, tag)]
    return split_said(text, tag, lambda name: _ROLES.get(name) == "user")


def _media(index: int, text: str, blocks: Iterator[int]) -> Iterator[Part]:
    for key, mark in MEDIA.items():
        kind = key.removesuffix("s")
        for _ in range(text.count(mark)):
            medium = Media(kind, estimate_media_tokens(kind))
            yield Part("media", record=index, block=next(blocks), media=(medium,))


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
    who, said = _spelling_of(box.values)
    tags = _tags_of(box.values, who)

    def new_element(side: str, blocks: list[Said], _behind: int) -> dict[str, Any]:
        element = {who: tags[side], said: ""}
        return {**element, said: _write(element, blocks)}

    def encode_parts(parts: Sequence[Part]) -> Iterator[Said]:
        yield from (Said(part.text, tags["user"]) for part in parts if part.kind == "text" and part.text)

    shape = alternation.Shape(
        encode_parts,
        (said,),
        new_element=new_element,
        write=_write,
        split=_split,
        takes_in=lambda element: element[who] in _PEOPLE,
        results_stand_alone=True,
    )
    alternation.plan_turns(transcript, planned, shape)
    planned.beside.extend(_media_edits(transcript))
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


def _write(element: dict[str, Any], messages: list[Said]) -> str:
    """Join what is said in one element; an answer's texts are nobody else's."""
    tag = element[_keys_of(element)[0]]
    if _ROLES[tag] == "user":
        return join_said(messages, tag)
    return BLANK_LINE.join(one.text for one in messages if one.text)


def _edit_element(value: dict[str, Any], change: RecordChange) -> Iterator[Edit]:
    is_answer = any(was.kind == "result" for was, _ in change.edited.values())
    said = dict(enumerate(_split(value, is_answer=is_answer)))
    said |= {block: said[block]._replace(text=new.text) for block, (_, new) in change.edited.items() if block in said}
    text = _write(value, [one for block, one in said.items() if block not in change.removed])
    key = _keys_of(value)[1]
    if text != value[key]:
        yield Replace((key,), text)


def _tags_of(values: Sequence[Any], who: str) -> Mapping[str, str]:
    """Return how this file names the two sides."""
    usual = {"user": "human", "assistant": "gpt"} if who == "from" else {"user": "user", "assistant": "assistant"}
    tags = [value[who] for value in values if _is_element(value) and who in value]
    seen = [tag for tag in tags if tag not in (*_CALLS, *_REPLIES)]
    return {side: next((tag for tag in seen if _ROLES.get(tag) == side), tag) for side, tag in usual.items()}


def _media_edits(transcript: Transcript) -> Iterator[Edit]:
    """Take the media out whose marks left, so that marks and media count the same."""
    box: containers.Box = transcript.layout.box
    lists = {key: box.top[key] for key in MEDIA if isinstance(box.top.get(key), list)}
    texts = list(_texts(transcript)) if lists else []
    for key, media in lists.items():
        left = _marks_left(texts, MEDIA[key])
        path: Path = (*box.path[:-1], key)
        yield from (Delete((*path, at)) for at, stays in zip(range(len(media)), left, strict=False) if not stays)


def _texts(transcript: Transcript) -> Iterator[tuple[str, str]]:
    """Yield (before, after) of every text that was there, in order; what nobody is sent stays."""
    now = {(part.record, part.block): part.text for message in transcript.messages for part in message.parts}
    read: defaultdict[int, list[Part]] = defaultdict(list)
    for message in transcript.loaded:
        read[message.parts[0].record].append(message.parts[0])
    for index, value in enumerate(transcript.layout.box.values):
        if index in read:
            yield from ((part.text, now.get((index, part.block), "")) for part in read[index])
        elif _is_element(value):
            yield (text := value[_keys_of(value)[1]]), text


def _marks_left(texts: Sequence[tuple[str, str]], mark: str) -> Iterator[bool]:
    """Say of every mark of a conversation whether it is still there; a text that is shorter keeps its two ends."""
    for before, after in texts:
        had = before.count(mark)
        kept = min(had, after.count(mark))
        head = had if kept == had else min(kept, _common_start(before, after).count(mark))
        yield from (at < head or at >= had - (kept - head) for at in range(had))


def _common_start(one: str, other: str) -> str:
    """Return what two texts both begin with."""
    end = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:end]
