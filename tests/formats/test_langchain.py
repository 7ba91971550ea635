"""LangChain messages: three ways to write one, and answers that hold a call up to three times."""

import json
from typing import Any

import pytest

from cortex_cli import formats
from cortex_cli.messages import Message, Part
from tests.conftest import filler, notice
from tests.roundtrip import dump, dump_all, load, load_all

IDS = ["langchain", "schema", "messages"]
CALL = {"name": "f", "args": {"a": 1, "b": [2]}, "id": "c", "type": "tool_call"}
ANSWER: dict[str, Any] = {
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "I look"},
        {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1, "b": [2]}},
    ],
    "type": "ai",
    "id": "run-1",
    "tool_calls": [CALL],
    "additional_kwargs": {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"a": 1, "b": [2]}'}}]},
    "response_metadata": {"model_name": "claude-x"},
    "usage_metadata": {"total_tokens": 40},
}
RESULT = {"content": "long", "type": "tool", "tool_call_id": "c", "name": "f", "artifact": {"raw": filler(900)}}
HUMAN = {"content": "hi", "type": "human"}


def dumpd(*bodies: dict[str, Any]) -> bytes:
    """Write messages as `dumpd` does."""
    names = {"human": "HumanMessage", "ai": "AIMessage", "tool": "ToolMessage"}
    wrapped = [{"lc": 1, "type": "constructor", "id": [*IDS, names[one["type"]]], "kwargs": one} for one in bodies]
    return json.dumps(wrapped).encode()


def dicts(*bodies: dict[str, Any]) -> bytes:
    """Write messages as `messages_to_dict` does."""
    return json.dumps([{"type": one["type"], "data": one} for one in bodies]).encode()


def plain(*bodies: dict[str, Any]) -> bytes:
    """Write messages as their models are dumped."""
    return json.dumps({"messages": bodies}).encode()


EACH_FORM = pytest.mark.parametrize("write", [dumpd, dicts, plain])


@EACH_FORM
def test_what_is_read(write: Any) -> None:
    """A call that stands in the content too counts once."""
    transcript = load(write(HUMAN, ANSWER, RESULT))
    assert transcript.format == "langchain"
    user, answer, result = transcript.messages
    assert [part.kind for part in answer.parts] == ["thinking", "text", "call"]
    assert (answer.id, user.typed, transcript.model) == ("run-1", True, "claude-x")
    assert result.result is not None
    assert (result.result.name, result.result.call_id) == ("f", "c")
    assert transcript.usage is not None
    assert (transcript.usage.tokens, transcript.usage.messages) == (40, 2)


@EACH_FORM
def test_changed_arguments_change_everywhere(write: Any) -> None:
    """The provider is sent one of the three, whichever it is."""
    data = write(HUMAN, ANSWER, RESULT)
    transcript = load(data)
    answer = transcript.messages[1]
    edited = answer.with_part(2, answer.parts[2]._replace(text='{"a":7,"b":[2]}'))
    made = dump(transcript.with_messages((transcript.messages[0], edited, transcript.messages[2])))
    assert made == data.replace(b'"a": 1', b'"a": 7').replace(b'{\\"a\\": 1, \\"b\\": [2]}', b'{\\"a\\":7,\\"b\\":[2]}')


@EACH_FORM
def test_a_removed_call_leaves_everywhere(write: Any) -> None:
    """One that stays in the content has no result."""
    transcript = load(write(HUMAN, ANSWER))
    answer = transcript.messages[1]
    made = load(dump(transcript.with_messages((transcript.messages[0], answer._replace(parts=answer.parts[:2])))))
    assert [part.kind for part in made.messages[1].parts] == ["thinking", "text"]
    assert b"tool_use" not in dump(made)


@EACH_FORM
def test_a_shortened_result_takes_its_artifact_along(write: Any) -> None:
    """The artifact is not sent, and often larger than what is."""
    transcript = load(write(HUMAN, ANSWER, RESULT))
    result = transcript.messages[2]
    edited = result.with_part(0, result.parts[0]._replace(text="short"))
    made = dump(transcript.with_messages((*transcript.messages[:2], edited)))
    assert filler(900).encode()[:300] not in made
    assert load(made).messages[2].parts[0].text == "short"


@EACH_FORM
def test_our_message_has_the_form_of_the_others(write: Any) -> None:
    """So that the same call of LangChain's loads all of them."""
    transcript = load(write(HUMAN, ANSWER, RESULT))
    made = json.loads(dump(transcript.with_messages((notice(), *transcript.messages))))
    found = made["messages"] if isinstance(made, dict) else made
    assert found[0] == {**json.loads(json.dumps(found[1])), **found[0]}
    assert found[0].keys() == found[1].keys()
    assert load(json.dumps(made).encode()).messages[0].synthetic == "notice"
    closing = Message("tool", (Part("result", "x", name="f", call_id="c", is_error=True),), synthetic="closing")
    value = json.loads(dump(transcript.with_messages((*transcript.messages[:2], closing))))
    body = json.dumps(value["messages"][2] if isinstance(value, dict) else value[2])
    assert '"tool_call_id": "c"' in body
    assert '"status": "error"' in body


def test_other_kinds_of_messages() -> None:
    """Chat messages have a role, functions answer by name, `RemoveMessage` is an instruction."""
    bodies: list[dict[str, Any]] = [
        {"type": "chat", "role": "user", "content": "hi"},
        {"type": "chat", "role": "assistant", "content": ["hello", {"type": "image_url", "image_url": {"url": "x"}}]},
        {"type": "remove", "content": "", "id": "1"},
        {
            "type": "AIMessageChunk",
            "content": {"odd": 1},
            "invalid_tool_calls": [{"name": "f", "args": "{", "id": "z"}],
        },
        {"type": "function", "name": "f", "content": "r"},
        {"type": "hologram", "content": "?"},
    ]
    transcript = load(dicts(*bodies))
    assert [one.role for one in transcript.messages] == ["user", "assistant", "assistant", "tool"]
    assert [part.kind for part in transcript.messages[1].parts] == ["text", "media"]
    assert [part.kind for part in transcript.messages[2].parts] == ["opaque", "call"]
    assert len(transcript.warnings) == 1
    answer = transcript.messages[2]
    edited = answer.with_part(1, answer.parts[1]._replace(text="{}"))
    made = json.loads(dump(transcript.with_messages((*transcript.messages[:2], edited, transcript.messages[3]))))
    assert made[3]["data"]["invalid_tool_calls"][0]["args"] == "{}"


def test_the_containers() -> None:
    """One message a line, one conversation a line, a list of lists, a snapshot, a single answer."""
    messages = json.loads(dicts(HUMAN, ANSWER))
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in messages)
    assert len(load(lines).messages) == 2
    sets = json.dumps([messages, messages]).encode()
    assert [len(one.messages) for one in load_all(sets)] == [2, 2]
    assert dump_all(load_all(sets)) == sets
    assert len(load(json.dumps([messages]).encode(), "langchain").messages) == 2
    rows = b"".join(json.dumps({"messages": messages}).encode() + b"\n" for _ in range(2))
    assert [one.format for one in load_all(rows)] == ["langchain", "langchain"]
    snapshot = json.dumps({"values": {"messages": messages}, "next": []}).encode()
    assert len(load(snapshot).messages) == 2
    assert len(load(json.dumps(messages[1], indent=1).encode()).messages) == 1
    assert len(load(json.dumps(messages[0]).encode()).messages) == 1
    assert formats.load_messages(messages).format == "langchain"
