"""Random lists of messages in the four list formats, random containers around them, and random changes."""

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


def text_pieces(*others: Object) -> st.SearchStrategy[list[Object]]:
    """Build lists of text pieces, with others strewn in."""
    text = st.builds(lambda value: {"type": "text", "text": value}, TEXTS)
    return st.lists(st.one_of(text, *map(st.just, others)), max_size=3)


def contents(*others: Object) -> st.SearchStrategy[Any]:
    """Build a string or a list of pieces."""
    return st.one_of(TEXTS, text_pieces(*others))


@st.composite
def openai_element(draw: st.DrawFn) -> Object:
    """Draw one chat message."""
    role = draw(st.sampled_from(["system", "user", "assistant", "assistant", "tool", "tool"]))
    extra = draw(EXTRA)
    if role == "tool":
        return {"role": role, "tool_call_id": draw(IDS), "content": draw(contents(IMAGE)), **extra}
    value: Object = {"role": role, "content": draw(contents(IMAGE) if role == "user" else contents())}
    if role == "assistant" and draw(st.booleans()):
        arguments = draw(st.one_of(OBJECTS.map(json.dumps), st.just("{broken")))
        calls = [
            {"id": one, "type": "function", "function": {"name": "f", "arguments": arguments}} for one in ("a", "b")
        ]
        value |= {"content": draw(st.sampled_from([None, "", "t"])), "tool_calls": calls[: draw(st.integers(1, 2))]}
    if role == "assistant" and draw(st.booleans()):
        value["reasoning_content"] = draw(TEXTS)
    return value | extra


def _blocks_element(image: Object, *, is_axio: bool) -> st.SearchStrategy[Object]:
    @st.composite
    def element(draw: st.DrawFn) -> Object:
        role = draw(st.sampled_from(["user", "assistant"]))
        blocks = draw(text_pieces(*([image] if role == "user" else [])))
        for _ in range(draw(st.integers(0, 2))):
            call_id = draw(IDS)
            if role == "assistant":
                blocks.append({"type": "tool_use", "id": call_id, "name": "f", "input": draw(OBJECTS)})
            else:
                more: Object = {"is_error": draw(st.booleans())} if is_axio else {}
                block = {"type": "tool_result", "tool_use_id": call_id, "content": draw(contents(image))}
                blocks.insert(0, block | more)
        if is_axio:
            return {"role": role, "content": blocks}
        if role == "assistant" and draw(st.booleans()):
            blocks.insert(0, {"type": "thinking", "thinking": draw(TEXTS), "signature": "c2ln"})
        if draw(st.booleans()) and not any(block["type"] != "text" for block in blocks):
            return {"role": role, "content": draw(TEXTS)}
        return {"role": role, "content": blocks, **draw(EXTRA)}

    return element()


@st.composite
def pi_element(draw: st.DrawFn) -> Object:
    """Draw one message of pi's history."""
    role = draw(st.sampled_from(["user", "assistant", "toolResult", "bashExecution"]))
    stamp = {"timestamp": draw(st.integers(1_700_000_000_000, 1_800_000_000_000))}
    if role == "user":
        return {"role": role, "content": draw(contents(PI_IMAGE)), **stamp}
    if role == "bashExecution":
        return {"role": role, "command": "ls", "output": draw(TEXTS), "exitCode": 0, **stamp}
    if role == "toolResult":
        ids = {"toolCallId": draw(IDS), "toolName": "f"}
        return {"role": role, **ids, "content": draw(text_pieces(PI_IMAGE)), "isError": False, **stamp}
    blocks = draw(text_pieces())
    if draw(st.booleans()):
        blocks.append({"type": "toolCall", "id": draw(IDS), "name": "f", "arguments": draw(OBJECTS)})
    return {"role": role, "content": blocks, "stopReason": draw(st.sampled_from(["stop", "error"])), **stamp}


ELEMENTS: dict[str, st.SearchStrategy[Object]] = {
    "openai": openai_element(),
    "anthropic": _blocks_element(PIXEL, is_axio=False),
    "axio": _blocks_element(FLAT, is_axio=True),
    "pi-history": pi_element(),
}
"""Format -> one element."""


def _json(value: Any, ascii_only: bool, indent: int | None = None) -> bytes:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    return text.encode(errors="surrogatepass") if ascii_only else _utf8(text)


def _utf8(text: str) -> bytes:
    return "".join(f"\\u{ord(c):04x}" if 0xD800 <= ord(c) < 0xE000 else c for c in text).encode()


def _lines(end: bytes, *, last: bool) -> Callable[[list[Object], bool], bytes]:
    def write(values: list[Object], ascii_only: bool) -> bytes:
        return end.join(_json(value, ascii_only) for value in values) + (end if last else b"")

    return write


CONTAINERS: dict[str, Callable[[list[Object], bool], bytes]] = {
    "lines": _lines(b"\n", last=True),
    "lines without an end": _lines(b"\n", last=False),
    "CRLF": _lines(b"\r\n", last=True),
    "CRLF without an end": _lines(b"\r\n", last=False),
    "blank lines and a BOM": lambda values, flag: b"\xef\xbb\xbf" + _lines(b"\n\n", last=True)(values, flag),
    "array": _json,
    "object": lambda values, flag: _json({"seed": 1, "messages": values, "x": {"messages": []}}, flag) + b"\n",
    "indented": lambda values, flag: _json({"messages": values}, flag, 2),
}
"""Name -> how the container is written."""


@st.composite
def files(draw: st.DrawFn, name: str) -> tuple[bytes, list[Object]]:
    """Draw a file of a format, and the values in it."""
    first: Object = {"role": "user", "content": [{"type": "text", "text": "do it"}]}
    if name == "pi-history":
        first["timestamp"] = 1_700_000_000_000
    values = [first, *draw(st.lists(ELEMENTS[name], min_size=1, max_size=8))]
    container = draw(st.sampled_from(sorted(CONTAINERS)))
    return CONTAINERS[container](values, draw(st.booleans())), values


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
