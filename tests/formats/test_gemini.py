"""Gemini contents: requests, answers, ADK sessions."""

import json
from typing import Any

import pytest

from cortex_cli import formats
from cortex_cli.errors import CortexError
from cortex_cli.formats.source import Source
from cortex_cli.messages import Message, Part, Transcript, Usage
from tests.adk_sessions import REPLAYED
from tests.conftest import notice
from tests.formats.sdk import validate_gemini
from tests.roundtrip import dump, load

ASKED = {"role": "user", "parts": [{"text": "q"}]}
SAID = {"role": "model", "parts": [{"text": "a"}]}


def call(name: str = "f", **more: Any) -> dict[str, Any]:
    """Build a content of the model with one call."""
    return {"role": "model", "parts": [{"functionCall": {"name": name, "args": {}, **more}}]}


def answer(response: Any = None, *, name: str = "f", **more: Any) -> dict[str, Any]:
    """Build a part with the response of a function."""
    return {"functionResponse": {"name": name, "response": response or {"output": "r"}, **more}}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    """Build a content of the user's."""
    return {"role": "user", "parts": list(parts)}


def read(*contents: Any, **top: Any) -> Transcript:
    """Read a request."""
    return load(json.dumps({"contents": contents, **top}).encode())


def written(transcript: Transcript, *messages: Message) -> list[Any]:
    """Write other messages and return the contents; they are what the package takes."""
    contents: list[Any] = json.loads(dump(transcript.with_messages(messages)))["contents"]
    validate_gemini(contents)
    return contents


def test_a_list_of_one_request_is_read_and_written() -> None:
    """A data set may hold one conversation only; it ended in a traceback."""
    request = {"contents": [ASKED, SAID, ASKED, SAID], "systemInstruction": {"parts": [{"text": "s"}]}}
    transcript = load(json.dumps([request]).encode())
    assert [message.role for message in transcript.messages] == ["system", "user", "assistant", "user", "assistant"]
    assert json.loads(dump(transcript.with_messages(transcript.messages[:3]))) == [
        {**request, "contents": [ASKED, SAID]}
    ]
    events = [{"author": "user", "content": ASKED}, {"author": "agent", "content": SAID}]
    assert load(json.dumps([{"id": "i", "events": events}]).encode()).session_id == "i"


def test_contents_of_the_model_in_a_row_are_one_answer() -> None:
    """Their results come in one content behind them; a rule of "directly after the call" would part them."""
    transcript = read(ASKED, call(id="a"), call(id="b"), user(answer(id="a"), answer(id="b")))
    assert [message.role for message in transcript.messages] == ["user", "assistant", "tool", "tool"]
    assert transcript.messages[1].records == (1, 2)


def test_results_without_ids_answer_by_name_then_by_order() -> None:
    """Older models write no ids."""
    both = {"role": "model", "parts": [*call("f")["parts"], *call("g")["parts"], *call("f")["parts"]]}
    transcript = read(ASKED, both, user(answer(name="g"), answer(), answer(name="h")))
    ids = [part.call_id for part in transcript.messages[1].calls]
    assert [one.parts[0].call_id for one in transcript.messages[2:]] == [ids[1], ids[0], ids[2]]
    closing = Message("tool", (Part("result", "r", name="f", call_id=ids[0]),))
    contents = written(transcript, *transcript.messages[:3], closing, transcript.messages[4])
    assert answer() in contents[2]["parts"]


def test_signatures_stay_on_their_part() -> None:
    """The API refuses a call without the signature it came with."""
    signed = {"role": "model", "parts": [{**call()["parts"][0], "thoughtSignature": "c2ln"}]}
    spelled = {"role": "model", "parts": [{"function_call": {"name": "f"}, "thought_signature": "c2ln"}]}
    thought = {"role": "model", "parts": [{"text": "hm", "thought": True, "thoughtSignature": "c2ln"}]}
    for content, kind in ((signed, "call"), (spelled, "call"), (thought, "thinking")):
        part = read(ASKED, content).messages[1].parts[0]
        assert (part.kind, part.signed) == (kind, True)


@pytest.mark.parametrize(
    ("response", "text", "is_json", "edited"),
    [
        ({"output": "long"}, "long", False, {"output": "s"}),
        ({"error": "long"}, "long", False, {"error": "s"}),
        ({"output": "long", "n": 1}, '{"output":"long","n":1}', True, {"output": "s", "n": 1}),
        ({"rows": ["long"]}, '{"rows":["long"]}', True, {"rows": ["s"]}),
    ],
)
def test_responses_are_edited_in_place(response: Any, text: str, is_json: bool, edited: Any) -> None:
    """A response is an object and stays one."""
    picture = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    transcript = read(ASKED, call(id="a"), user(answer(response, id="a", parts=[picture])))
    result = transcript.messages[2].parts[0]
    assert (result.text, result.json, result.is_error, len(result.media)) == (text, is_json, "error" in response, 1)
    for media in (result.media, ()):
        new = result._replace(text=text.replace("long", "s"), media=media)
        contents = written(transcript, *transcript.messages[:2], transcript.messages[2]._replace(parts=(new,)))
        assert contents[2] == user(answer(edited, id="a", **({"parts": [picture]} if media else {})))


@pytest.mark.parametrize("response", [None, "plain", ["a", "b"]])
def test_odd_responses_become_objects_when_they_are_shortened(response: Any) -> None:
    """The API takes nothing else."""
    inner = {"id": "a", "name": "f"} | ({} if response is None else {"response": response})
    transcript = read(ASKED, call(id="a"), user({"functionResponse": inner}))
    edited = transcript.messages[2].with_part(0, transcript.messages[2].parts[0]._replace(text="s"))
    assert written(transcript, *transcript.messages[:2], edited)[2] == user(answer({"output": "s"}, id="a"))


def test_ours_stand_behind_results_and_before_the_user() -> None:
    """Turns alternate; the responses of a batch come first."""
    transcript = read(ASKED, call(id="a"), user(answer(id="a")), SAID, user({"text": "and?"}))
    first, called, result, said, other = transcript.messages
    assert written(transcript, first, called, result, notice(1), said, notice(2), other)[2:] == [
        user(answer(id="a"), {"text": notice(1).text}), SAID, user({"text": notice(2).text}, {"text": "and?"}),
    ]  # fmt: skip


def test_what_else_is_sent() -> None:
    """The system prompt is a slot, tools are counted; both spellings."""
    told = {"parts": [{"text": "be brief"}]}
    for top in ({"systemInstruction": told}, {"system_instruction": told}):
        transcript = read(ASKED, **top, tools=[{"functionDeclarations": []}])
        assert (transcript.messages[0].slot, transcript.messages[0].text) == (True, "be brief")
        assert len(transcript.preamble) == 1


def test_an_answer() -> None:
    """It can be read and counted; nothing can be put beside it."""
    transcript = load(json.dumps({"candidates": [{"content": SAID}], "modelVersion": "gemini-3"}).encode())
    assert ([one.role for one in transcript.messages], transcript.model) == (["assistant"], "gemini-3")


def adk(*contents: Any, **session: Any) -> Transcript:
    """Read an ADK session with an event for each content."""
    events = [
        {"id": f"e{at}", "author": "user" if one and one["role"] == "user" else "agent", "content": one,
         "invocation_id": "i1", "timestamp": 1_767_312_000.0 + at, "usage_metadata": {"total_token_count": 7 + at}}
        for at, one in enumerate(contents)
    ]  # fmt: skip
    return load(json.dumps({"id": "s1", "state": {}, "events": events, **session}).encode())


def test_adk_sessions() -> None:
    """An event holds one content; events without one are state, and stay."""
    transcript = adk(ASKED, None, call(id="a"), call(id="b"), user(answer(id="a"), answer(id="b")), SAID)
    assert transcript.session_id == "s1"
    assert [message.role for message in transcript.messages] == ["user", "assistant", "tool", "tool", "assistant"]
    assert transcript.messages[0].time == "2026-01-02T00:00:00Z"
    assert transcript.usage == Usage(12, 5)
    assert transcript.warnings == ()
    kept = (transcript.messages[0], notice(1), transcript.messages[4])
    data = dump(transcript.with_messages(kept))
    events = json.loads(data)["events"]
    assert [event["id"] for event in events] == ["e0", "e1", "e5"]
    assert events[0]["content"]["parts"][0] == {"text": notice(1).text}


@pytest.mark.parametrize("what", REPLAYED)
def test_adk_sessions_are_replayed(what: str) -> None:
    """Rewound and compacted events stay in the session, and are not sent."""
    events, texts = REPLAYED[what]
    data = json.dumps({"id": "s1", "events": events}).encode()
    transcript = load(data)
    assert [message.text for message in transcript.messages] == texts
    assert [one.text for one in transcript.messages if one.synthetic] == [one for one in texts if one in "CD"]
    slots = [message for message in transcript.messages if message.slot]
    again = load(dump(transcript.with_messages([*slots, notice(9), *transcript.messages[-1:]])))
    left = [one.text for one in transcript.messages[-1:] if not one.slot]
    assert sorted(one.text for one in again.messages) == sorted([*(one.text for one in slots), notice(9).text, *left])


def test_new_adk_events_look_like_their_neighbours() -> None:
    """Session services want author, id, time and invocation."""
    transcript = adk(ASKED, SAID, ASKED)
    answer = Message("assistant", (Part("text", "Understood, context restored."),))
    data = dump(transcript.with_messages((transcript.messages[0], answer, transcript.messages[2])))
    event = json.loads(data)["events"][1]
    assert (event["author"], event["invocation_id"], event["timestamp"]) == ("agent", "i1", 1_767_312_002.0)
    assert event["content"] == {"role": "model", "parts": [{"text": answer.text}]}
    assert data == dump(transcript.with_messages((transcript.messages[0], answer, transcript.messages[2])))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ([ASKED, SAID], "gemini"),
        ([{"parts": [{"text": "q"}]}], "gemini"),
        ({"key": "k", "request": {"contents": [ASKED]}}, "gemini"),
        ([{"id": "1", "role": "user", "parts": [{"type": "text", "text": "q"}]}], ""),
        ([{"messageId": "1", "role": "user", "parts": [{"kind": "text", "text": "q"}]}], ""),
        ([{"role": "assistant", "parts": [{"text": "q"}]}], ""),
    ],
)
def test_detection(value: Any, name: str) -> None:
    """Messages of the AI SDK and of A2A have parts too."""
    try:
        found = formats.detect(Source(json.dumps(value).encode(), "t.json")).format.NAME
    except CortexError:
        found = ""
    assert found == name


def test_data_sets_for_tuning() -> None:
    """One conversation a line, as the tuning API takes them."""
    line = json.dumps({"contents": [ASKED, SAID]}).encode() + b"\n"
    transcripts = formats.load_all(Source(line * 3, "t.jsonl"))
    assert [one.format for one in transcripts] == ["gemini"] * 3
    assert b"".join(formats.dump_all(transcripts)) == line * 3
