"""OpenAI chat completions: messages of roles system, developer, user, assistant, tool and function.

Call ids that come again in a later turn are told apart within (`call_1`, `call_1#2`), and calls that have
none (`function_call`, fine-tuning sets) are given one: a result belongs to the newest call of its id. In the
file ids stay as they are; `Layout.ids` leads back. Source: FORMATS section 3.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from types import MappingProxyType
from typing import Any

from cortex_cli.formats import containers, rewrite
from cortex_cli.formats.contents import text_of
from cortex_cli.formats.openai_elements import ROLES, edit_element, encode, function_of, read_element
from cortex_cli.formats.source import Source
from cortex_cli.messages import Message, Part, Transcript, Usage
from cortex_cli.validity import Rules

NAME = "openai"

RULES = Rules(results_directly_after_call=True)
"""Source: FORMATS section 3, O1 and O2."""

NO_FIELDS: Mapping[str, Any] = MappingProxyType({})

_SURE_KEYS = frozenset({"tool_calls", "tool_call_id", "function_call", "reasoning_content", "refusal"})
_SURE_TYPES = frozenset({"image_url", "input_audio", "tool_call", "refusal"})
_FOREIGN_TYPES = frozenset({"tool_use", "tool_result", "toolCall", "server_tool_use", "redacted_thinking", ""})
_SURE_TOP = frozenset({"stream_options", "response_format", "max_completion_tokens", "reasoning_effort", "choices"})
_FOREIGN_TOP = frozenset({"system", "anthropic_version", "stop_sequences", "system_instruction"})


def detect(source: Source) -> float:
    """Say how sure it is that the input is chat completions; a list of mere texts could be others' too."""
    found = containers.sample(source)
    if found is None or _FOREIGN_TOP & found.top.keys():
        return 0
    sureness = 1.0 if _SURE_TOP & found.top.keys() else 0.5
    for value in found.messages:
        marks = _marks(value)
        if marks is None:
            return 0
        sureness = max(sureness, marks)
    tools = found.top.get("tools")
    if isinstance(tools, list) and any(isinstance(tool, dict) and "function" in tool for tool in tools):
        return 1
    return max(sureness, 0.7) if "model" in found.top and "max_tokens" not in found.top else sureness


def _marks(value: dict[str, Any]) -> float | None:
    """Say how sure one message makes it; None if it is of another format."""
    role, content, calls = value["role"], value.get("content"), value.get("tool_calls")
    if role not in ROLES or "parts" in value:
        return None if role in ("toolResult", "model", "gpt", "human") or "parts" in value else 0.5
    if isinstance(calls, list) and any(not isinstance(function_of(call), dict) for call in calls):
        return None
    types = containers.piece_types(content)
    if types & _FOREIGN_TYPES:
        return None
    if role in ("tool", "function", "developer") or types & _SURE_TYPES or any(value.get(key) for key in _SURE_KEYS):
        return 1
    return 0.9 if role == "system" and isinstance(content, str) else 0.5


def load(source: Source) -> Transcript:
    """Read a list of chat messages.

    Raises:
        InputError: It holds no list of messages.
    """
    return read_list(source, containers.Reader(NAME, read_element, read_answer))


def read_list(
    source: Source,
    reader: containers.Reader,
    box: containers.Box | None = None,
    arrange: Callable[[Sequence[Message], containers.Box], Iterable[Message]] = lambda messages, _box: messages,
) -> Transcript:
    """Read chat messages wherever they stand; for every format whose messages are these.

    Args:
        source: The input.
        reader: Its name becomes the transcript's format.
        box: Where they stand; None: found.
        arrange: Makes the live path of what was read, before calls and results are paired.

    Raises:
        InputError: It holds no list of messages.
    """
    reading = containers.read(source, reader, box)
    messages, ids = pair_within_turns(arrange(reading.messages, reading.box))
    top = reading.box.top
    preamble = containers.preamble_of(top, "tools", "functions")
    transcript = containers.build(source, reading, reader.name, messages, ids=ids, preamble=preamble)
    response = top.get("response")
    if isinstance(response, dict):  # logs of OpenHands: the request with its answer beside it
        answer = _read_usage(response, "prompt_tokens")
        usage = Usage(answer.tokens, len(messages)) if answer.tokens else transcript.usage
        transcript = replace(transcript, model=transcript.model or answer.model, usage=usage)
    window = top.get("context_window")
    return replace(transcript, window=window) if isinstance(window, int) else transcript


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the changed messages in their container."""
    yield from rewrite.render(transcript, plan(transcript))


def plan(
    transcript: Transcript, edit: rewrite.EditElement = edit_element, fields: Mapping[str, Any] = NO_FIELDS
) -> rewrite.Plan:
    """Plan what becomes of every element.

    Args:
        transcript: As loaded, with other messages.
        edit: How an element is edited, where it has more than the API's own fields.
        fields: What a message of ours holds besides.
    """
    layout: containers.Layout = transcript.layout
    in_pieces = _writes_values(transcript)

    def write(message: Message, _time: str) -> dict[str, Any]:
        return {**encode(message, layout.ids, in_pieces=in_pieces), **fields}

    return rewrite.plan_messages(transcript, rewrite.Writer(edit, write))


def _writes_values(transcript: Transcript) -> bool:
    """Tell whether texts stand under `value` in lists of pieces, as in fine-tuning sets."""
    first = next((message for message in transcript.loaded if message.records), None)
    content = rewrite.element_reader(transcript)(first.records[0]).get("content") if first else None
    return isinstance(content, list) and any(isinstance(piece, dict) and "value" in piece for piece in content)


class _Pairing:
    """Call ids made unique on the way through a conversation."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        """Ids that were changed: ours -> the file's, empty where it has none."""
        self._newest: dict[str, str] = {}
        self._unnamed: list[Part] = []
        """Calls without an id, of the newest answer that has any, that nothing answered yet."""
        self._taken: set[str] = set()

    def rename(self, message: Message) -> Message:
        """Give the calls and results of the next message their unique ids."""
        if message.role == "tool":
            found = [(part, self._find(part)) for part in message.parts]
            if all(part.call_id == call_id for part, call_id in found):
                return message  # as nearly always
            return message._replace(parts=tuple(part._replace(call_id=call_id) for part, call_id in found))
        if message.role != "assistant" or not message.calls:
            return message
        own: dict[str, str] = {}
        parts = tuple(self._name(part, own) if part.kind == "call" else part for part in message.parts)
        renamed = message if parts == message.parts else message._replace(parts=parts)
        self._unnamed = [part for part in renamed.calls if not self.ids.get(part.call_id, "id")] or self._unnamed
        return renamed

    def _find(self, part: Part) -> str:
        """Return the id of the newest call that a result can answer; without ids results come in the order of calls."""
        self._taken.add(part.call_id)
        if part.call_id:
            return self._newest.get(part.call_id, part.call_id)
        for at, call in enumerate(self._unnamed):
            if part.name in ("", call.name):
                return self._unnamed.pop(at).call_id
        return self._newest.get(f"\0{part.name}", "")

    def _name(self, part: Part, own: dict[str, str]) -> Part:
        raw = part.call_id
        unique = own.get(raw) or self._unused(raw)
        own[raw or unique] = unique  # calls without an id are calls of their own
        if unique != raw:
            self.ids[unique] = raw
        self._taken.add(unique)
        self._newest[raw or f"\0{part.name}"] = unique  # results of `function_call` name the function, not the call
        return part if unique == raw else part._replace(call_id=unique)

    def _unused(self, raw: str) -> str:
        if raw and raw not in self._taken:
            return raw
        candidates = (f"{raw or 'call'}#{number}" for number in count(2))
        return next(one for one in candidates if one not in self._taken)


def pair_within_turns(messages: Iterable[Message]) -> tuple[list[Message], dict[str, str]]:
    """Make call ids unique, so that a result belongs to the newest call of its id.

    Returns:
        The messages, and the ids that were changed: new -> as in the file (empty: none there).
    """
    pairing = _Pairing()
    return [pairing.rename(message) for message in messages], pairing.ids


def read_answer(value: dict[str, Any]) -> containers.Answer:
    """Read model and usage of an answer, its own or those of the response that mini-swe-agent keeps beside it."""
    extra = value.get("extra")
    response = extra.get("response") if isinstance(extra, dict) else None
    return _read_usage(response if isinstance(response, dict) else value, "total_tokens")


def _read_usage(response: dict[str, Any], key: str) -> containers.Answer:
    model, usage = response.get("model"), response.get("usage")
    tokens = usage.get(key) if isinstance(usage, dict) else 0
    return containers.Answer(text_of(model), tokens if isinstance(tokens, int) else 0)
