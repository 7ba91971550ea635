"""Random lists of messages in the list formats, random containers around them, and random changes."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from cortex_cli.messages import Message, Part

Object = dict[str, Any]

TEXTS = st.one_of(
    st.sampled_from(
        ["do it", "", "a\r\nb\x00c", "\ud83d alone", "\u2028 é 漢字 👩\u200d👩\u200d👧", '"}],\\', "line\n" * 40]
    ),
    st.text(max_size=30),
)
IDS = st.sampled_from(["a", "b", "call_1"])
OBJECTS = st.sampled_from([{}, {"path": "a.py"}, {"n": 1, "f": 1.5, "deep": [[{"x": None}]]}])
EXTRA = st.sampled_from([{}, {"x_unknown": {"k": [1, 2]}}])
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
PIXEL = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
FLAT = {"type": "image", "media_type": "image/png", "data": "iVBORw0KGgo="}
PI_IMAGE = {"type": "image", "mimeType": "image/png", "data": "iVBORw0KGgo="}


# Strategies are built once, outside of what draws from them: Hypothesis checks each new one before its first draw.


def text_pieces(*others: Object) -> st.SearchStrategy[list[Object]]:
    """Build lists of text pieces, with others strewn in."""
    text = st.builds(lambda value: {"type": "text", "text": value}, TEXTS)
    return st.lists(st.one_of(text, *map(st.just, others)), max_size=3)


def contents(*others: Object) -> st.SearchStrategy[Any]:
    """Build a string or a list of pieces."""
    return st.one_of(TEXTS, text_pieces(*others))


_PLAIN = contents()
_WITH_IMAGE = contents(IMAGE)
_CALL_ARGUMENTS = st.one_of(OBJECTS.map(json.dumps), st.just("{broken"))


@st.composite
def openai_element(draw: st.DrawFn) -> Object:
    """Draw one chat message."""
    role = draw(st.sampled_from(["system", "user", "assistant", "assistant", "tool", "tool"]))
    extra = draw(EXTRA)
    if role == "tool":
        return {"role": role, "tool_call_id": draw(IDS), "content": draw(_WITH_IMAGE), **extra}
    value: Object = {"role": role, "content": draw(_WITH_IMAGE if role == "user" else _PLAIN)}
    if role == "assistant" and draw(st.booleans()):
        arguments = draw(_CALL_ARGUMENTS)
        calls = [
            {"id": one, "type": "function", "function": {"name": "f", "arguments": arguments}} for one in ("a", "b")
        ]
        value |= {"content": draw(st.sampled_from([None, "", "t"])), "tool_calls": calls[: draw(st.integers(1, 2))]}
    if role == "assistant" and draw(st.booleans()):
        value["reasoning_content"] = draw(TEXTS)
    return value | extra


def _blocks_element(image: Object, *, is_axio: bool) -> st.SearchStrategy[Object]:
    asked, said, returned = text_pieces(image), text_pieces(), contents(image)

    @st.composite
    def element(draw: st.DrawFn) -> Object:
        role = draw(st.sampled_from(["user", "assistant"]))
        blocks = draw(asked if role == "user" else said)
        for _ in range(draw(st.integers(0, 2))):
            call_id = draw(IDS)
            if role == "assistant":
                blocks.append({"type": "tool_use", "id": call_id, "name": "f", "input": draw(OBJECTS)})
            else:
                more: Object = {"is_error": draw(st.booleans())} if is_axio else {}
                block = {"type": "tool_result", "tool_use_id": call_id, "content": draw(returned)}
                blocks.insert(0, block | more)
        if is_axio:
            return {"role": role, "content": blocks}
        if role == "assistant" and draw(st.booleans()):
            blocks.insert(0, {"type": "thinking", "thinking": draw(TEXTS), "signature": "c2ln"})
        if draw(st.booleans()) and not any(block["type"] != "text" for block in blocks):
            return {"role": role, "content": draw(TEXTS)}
        return {"role": role, "content": blocks, **draw(EXTRA)}

    return element()


_PI_PIECES = text_pieces()
_PI_RETURNED = text_pieces(PI_IMAGE)
_PI_ASKED = contents(PI_IMAGE)


@st.composite
def pi_element(draw: st.DrawFn) -> Object:
    """Draw one message of pi's history."""
    role = draw(st.sampled_from(["user", "assistant", "toolResult", "bashExecution"]))
    stamp = {"timestamp": draw(st.integers(1_700_000_000_000, 1_800_000_000_000))}
    if role == "user":
        return {"role": role, "content": draw(_PI_ASKED), **stamp}
    if role == "bashExecution":
        return {"role": role, "command": "ls", "output": draw(TEXTS), "exitCode": 0, **stamp}
    if role == "toolResult":
        ids = {"toolCallId": draw(IDS), "toolName": "f"}
        return {"role": role, **ids, "content": draw(_PI_RETURNED), "isError": False, **stamp}
    blocks = draw(_PI_PIECES)
    if draw(st.booleans()):
        blocks.append({"type": "toolCall", "id": draw(IDS), "name": "f", "arguments": draw(OBJECTS)})
    return {"role": role, "content": blocks, "stopReason": draw(st.sampled_from(["stop", "error"])), **stamp}


_PICTURE = {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}
_TWO_TEXTS = st.lists(TEXTS, max_size=2)
_CONVERSE_RESULT = st.lists(
    st.one_of(TEXTS.map(lambda text: {"text": text}), OBJECTS.map(lambda value: {"json": value}), st.just(_PICTURE)),
    max_size=3,
)


@st.composite
def bedrock_element(draw: st.DrawFn) -> Object:
    """Draw one message of Converse."""
    role = draw(st.sampled_from(["user", "assistant"]))
    blocks: list[Object] = [{"text": text} for text in draw(_TWO_TEXTS)]
    for _ in range(draw(st.integers(0, 2))):
        call_id = draw(IDS)
        if role == "assistant":
            blocks.append({"toolUse": {"toolUseId": call_id, "name": "f", "input": draw(OBJECTS)}})
            continue
        blocks.insert(0, {"toolResult": {"toolUseId": call_id, "content": draw(_CONVERSE_RESULT)}})
    if role == "assistant" and draw(st.booleans()):
        blocks.insert(0, {"reasoningContent": {"reasoningText": {"text": draw(TEXTS), "signature": "c2ln"}}})
    return {"role": role, "content": blocks, **draw(EXTRA)}


_ANSWERED = st.one_of(OBJECTS, TEXTS.map(lambda text: {"output": text}))


@st.composite
def gemini_element(draw: st.DrawFn) -> Object:
    """Draw one content, its keys in either spelling, its calls with or without ids."""
    role = draw(st.sampled_from(["user", "model", "model"]))
    parts: list[Object] = [{"text": text} for text in draw(_TWO_TEXTS)]
    is_camel, named = draw(st.booleans()), {"name": draw(st.sampled_from(["f", "g"]))}
    for _ in range(draw(st.integers(0, 2))):
        named = named | draw(st.sampled_from([{}, {"id": "a"}, {"id": "b"}]))
        if role == "model":
            call: Object = {"functionCall" if is_camel else "function_call": {**named, "args": draw(OBJECTS)}}
            parts.append(call | draw(st.sampled_from([{}, {"thoughtSignature": "c2ln"}])))
            continue
        response = draw(_ANSWERED)
        media = {"parts": [{"inline_data": {"mime_type": "image/png", "data": "iVBORw0KGgo="}}]}
        answer = {**named, "response": response, **draw(st.sampled_from([{}, media]))}
        parts.insert(0, {"functionResponse" if is_camel else "function_response": answer})
    if role == "model" and draw(st.booleans()):
        parts.insert(0, {"text": draw(TEXTS), "thought": True})
    return {"role": role, "parts": parts, **draw(EXTRA)}


def _typed_texts(kind: str) -> st.SearchStrategy[Object]:
    return TEXTS.map(lambda text: {"type": kind, "text": text})


_SAID = {kind: st.one_of(TEXTS, st.lists(_typed_texts(kind), max_size=2)) for kind in ("input_text", "output_text")}
_INPUT_IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}
_OUTPUT = st.one_of(TEXTS, st.lists(st.one_of(_typed_texts("input_text"), st.just(_INPUT_IMAGE)), max_size=3))


@st.composite
def responses_element(draw: st.DrawFn) -> Object:
    """Draw one item of the Responses API."""
    kind = draw(st.sampled_from(["message", "reasoning", "call", "call", "output", "output", "custom", "search"]))
    extra = draw(EXTRA)
    if kind == "message":
        role = draw(st.sampled_from(["user", "assistant", "developer"]))
        said = _SAID["output_text" if role == "assistant" else "input_text"]
        return {"type": kind, "role": role, "content": draw(said), **extra}
    if kind == "reasoning":
        return {"type": kind, "summary": [{"type": "summary_text", "text": draw(TEXTS)}], "encrypted_content": "c2Vj"}
    if kind == "search":
        return {"type": "web_search_call", "id": "ws_1", "status": "completed", **extra}
    call: Object = {"call_id": draw(IDS), "name": "f"}
    if kind == "call":
        return {"type": "function_call", **call, "arguments": json.dumps(draw(OBJECTS)), **extra}
    if kind == "custom":
        return {"type": "custom_tool_call", **call, "input": draw(TEXTS), **extra}
    return {"type": "function_call_output", "call_id": draw(IDS), "output": draw(_OUTPUT), **extra}


ELEMENTS: dict[str, st.SearchStrategy[Object]] = {
    "openai": openai_element(),
    "anthropic": _blocks_element(PIXEL, is_axio=False),
    "axio": _blocks_element(FLAT, is_axio=True),
    "pi-history": pi_element(),
    "bedrock-converse": bedrock_element(),
    "gemini": gemini_element(),
    "openai-responses": responses_element(),
}
"""Format -> one element."""

FIRST: dict[str, Object] = {
    "pi-history": {"role": "user", "content": [{"type": "text", "text": "do it"}], "timestamp": 1_700_000_000_000},
    "bedrock-converse": {"role": "user", "content": [{"text": "do it"}]},
    "gemini": {"role": "user", "parts": [{"text": "do it"}]},
    "openai-responses": {"role": "user", "content": [{"type": "input_text", "text": "do it"}]},
}
"""Format -> the first element of every file, where it is not Anthropic's."""

KEYS = {"gemini": "contents", "openai-responses": "input"}
"""Format -> where a request keeps its list, where that is not `messages`."""


def _json(value: Any, ascii_only: bool, indent: int | None = None) -> bytes:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    return text.encode(errors="surrogatepass") if ascii_only else _utf8(text)


def _utf8(text: str) -> bytes:
    return "".join(f"\\u{ord(c):04x}" if 0xD800 <= ord(c) < 0xE000 else c for c in text).encode()


def _lines(end: bytes, *, last: bool) -> Callable[[list[Object], bool], bytes]:
    def write(values: list[Object], ascii_only: bool) -> bytes:
        return end.join(_json(value, ascii_only) for value in values) + (end if last else b"")

    return write


def _object(values: list[Object], flag: bool, key: str) -> bytes:
    return _json({"seed": 1, key: values, "x": {key: []}}, flag) + b"\n"


CONTAINERS: dict[str, Callable[[list[Object], bool, str], bytes]] = {
    "lines": lambda values, flag, _: _lines(b"\n", last=True)(values, flag),
    "lines without an end": lambda values, flag, _: _lines(b"\n", last=False)(values, flag),
    "CRLF": lambda values, flag, _: _lines(b"\r\n", last=True)(values, flag),
    "CRLF without an end": lambda values, flag, _: _lines(b"\r\n", last=False)(values, flag),
    "blank lines and a BOM": lambda values, flag, _: b"\xef\xbb\xbf" + _lines(b"\n\n", last=True)(values, flag),
    "array": lambda values, flag, _: _json(values, flag),
    "object": _object,
    "indented": lambda values, flag, key: _json({key: values}, flag, 2),
}
"""Name -> how the container is written: (values, ASCII alone, key of the list) -> bytes."""


@st.composite
def files(draw: st.DrawFn, name: str) -> tuple[bytes, list[Object]]:
    """Draw a file of a format, and the values in it."""
    first = FIRST.get(name, {"role": "user", "content": [{"type": "text", "text": "do it"}]})
    values = [first, *draw(st.lists(ELEMENTS[name], min_size=1, max_size=8))]
    container = draw(st.sampled_from(sorted(CONTAINERS)))
    return CONTAINERS[container](values, draw(st.booleans()), KEYS.get(name, "messages")), values


OURS = (
    Message("user", (Part("text", "[cortex: 3 earlier messages (~40 tokens) removed to fit]"),), synthetic="notice"),
    Message(
        "user",
        (Part("text", '<compaction-summary generated="x" turns-summarized="2">\nall\n</compaction-summary>'),),
        synthetic="summary",
    ),
)


@st.composite
def changed(draw: st.DrawFn, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Draw what a compaction could do: drop messages, shorten results and arguments, put messages of ours in."""
    kept = [message for message in messages if message.slot or draw(st.integers(0, 3))]
    done: list[Message] = []
    for message in kept:
        if not draw(st.integers(0, 5)):
            done.append(draw(st.sampled_from(OURS)))
        done.append(draw(edited(message)) if not draw(st.integers(0, 1)) else message)
    return tuple(done)


@st.composite
def edited(draw: st.DrawFn, message: Message) -> Message:
    """Draw a message with another text in its results, their media gone, its arguments another object."""
    parts = list(message.parts)
    for at, part in enumerate(parts):
        if part.kind == "result":
            media = part.media if draw(st.booleans()) else ()
            parts[at] = part._replace(text=part.text if part.json else draw(TEXTS), media=media)
        elif part.kind == "call" and part.json:
            parts[at] = part._replace(text='{"path":"b.py"}')
    return message._replace(parts=tuple(parts))
