"""OpenHands events: what condensations leave, which events are one message, links of the tree."""

import json
from typing import Any

import pytest

from cortex_cli import formats
from cortex_cli.errors import InputError
from cortex_cli.messages import Message, Part, Transcript
from tests.conftest import assistant, call, live, notice, result, user
from tests.roundtrip import dump, dump_all, load, load_all
from tests.wire_agents import openhands_v0_answers

SUMMARY = '<compaction-summary generated="x" turns-summarized="2">\nall\n</compaction-summary>'


def event(number: int, kind: str, **fields: Any) -> dict[str, Any]:
    """Build an event of the SDK."""
    source = {"MessageEvent": "user", "ActionEvent": "agent"}.get(kind, "environment")
    return {"id": f"e{number}", "timestamp": f"2026-01-01T00:00:{number:02d}", "source": source, "kind": kind, **fields}


def said(number: int, text: str, role: str = "user", **fields: Any) -> dict[str, Any]:
    """Build a message."""
    return event(
        number, "MessageEvent", llm_message={"role": role, "content": [{"type": "text", "text": text}]}, **fields
    )


def act(number: int, call_id: str, answer: str = "r1", **fields: Any) -> dict[str, Any]:
    """Build an action."""
    call = {"id": call_id, "name": "ls", "arguments": '{"n":1}'}
    names = {"tool_name": "ls", "tool_call_id": call_id, "tool_call": call, "llm_response_id": answer}
    return event(number, "ActionEvent", thought=[], **{**names, **fields})


def see(number: int, call_id: str, text: str = "seen", **fields: Any) -> dict[str, Any]:
    """Build an observation."""
    seen = {"content": [{"type": "text", "text": text}], "kind": "X", "metadata": {"raw": "y" * 900}}
    return event(number, "ObservationEvent", tool_name="ls", tool_call_id=call_id, observation=seen, **fields)


def condense(number: int, *ids: str, text: str | None = None, offset: int | None = None) -> dict[str, Any]:
    """Build a condensation."""
    return event(number, "Condensation", forgotten_event_ids=list(ids), summary=text, summary_offset=offset)


def write(*events: dict[str, Any]) -> bytes:
    """Write events, one a line."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in events)


def texts(transcript: Transcript) -> list[str]:
    """Return what is said or seen, message by message."""
    return ["".join(part.text for part in one.parts if part.kind in ("text", "result")) for one in transcript.messages]


def written(transcript: Transcript, **options: Any) -> list[dict[str, Any]]:
    """Return the events of a changed transcript."""
    return [json.loads(line) for line in b"".join(formats.dump(transcript, **options)).splitlines()]


def summary() -> Message:
    """Build a summary as the layer puts it in."""
    return Message("user", (Part("text", SUMMARY),), synthetic="summary")


def test_actions_of_one_answer_are_one_message() -> None:
    """Each call is an event of its own; the model said them at once."""
    prompt = event(0, "SystemPromptEvent", system_prompt={"type": "text", "text": "s"}, tools=[{"name": "ls"}])
    thought = [{"type": "thinking", "thinking": "hm", "signature": "x"}]
    transcript = load(
        write(prompt, said(1, "go"), act(2, "a", thinking_blocks=thought), act(3, "b"), see(4, "b"), see(5, "a"))
    )
    assert [one.role for one in transcript.messages] == ["system", "user", "assistant", "tool", "tool"]
    answer = transcript.messages[2]
    assert (answer.records, [part.kind for part in answer.parts]) == ((2, 3), ["thinking", "call", "call"])
    assert answer.parts[0].signed
    assert transcript.preamble == ('{"name":"ls"}',)
    assert transcript.messages[1].typed


def test_texts_of_another_shape_ride_along() -> None:
    """A prompt that is a bare string, a piece with its text under another name: no value ends in a traceback."""
    prompt = event(0, "SystemPromptEvent", system_prompt="be brief", tools=[])
    odd = said(1, "go")
    odd["llm_message"]["content"].append({"type": "text", "value": "x"})
    transcript = load(write(prompt, odd))
    assert [one.text for one in transcript.messages] == ["be brief", "go"]
    assert [part.kind for part in transcript.messages[1].parts] == ["text", "opaque"]


def test_what_a_condensation_leaves() -> None:
    """Forgotten events go, the summary stands at its offset, and a batch of which one is gone goes whole."""
    events = [
        said(0, "s", "assistant"),
        said(1, "go"),
        act(2, "a"),
        act(3, "b"),
        see(4, "a"),
        see(5, "b"),
        said(6, "on"),
    ]
    assert texts(load(write(*events, condense(7, "e1", text="so far", offset=1)))) == [
        "s",
        "so far",
        "",
        "seen",
        "seen",
        "on",
    ]
    transcript = load(write(*events, condense(7, "e3", "e5", text="so far", offset=2)))
    assert texts(transcript) == ["s", "go", "so far", "on"]
    assert transcript.messages[2].synthetic == "summary"
    again = condense(8, "e7-summary", "e0")
    assert texts(load(write(*events, condense(7, "e3", text="x", offset=2), again))) == ["go", "on"]


def test_what_the_sdk_leaves_out() -> None:
    """Actions without a result, results without an action or come twice, a tool loop of which a part is gone."""
    loose = [
        said(0, "go"),
        act(1, "a"),
        see(2, "z"),
        act(3, "b", "r2"),
        see(4, "b"),
        see(5, "b", "twice"),
        said(6, "on"),
    ]
    assert texts(load(write(*loose))) == ["go", "", "seen", "on"]
    signed = [{"type": "thinking", "thinking": "", "signature": "x"}]
    loop = [
        said(0, "go"),
        act(1, "a", thinking_blocks=signed),
        see(2, "a"),
        act(3, "b", "r2"),
        see(4, "b"),
        said(5, "on"),
    ]
    assert texts(load(write(*loop, condense(6, "e3", "e4")))) == ["go", "on"]


def test_a_compaction_is_a_condensation() -> None:
    """Before the first kept event; with the history it names what it forgets, without it that is gone."""
    events = [said(0, "one"), act(1, "a"), see(2, "a"), said(3, "two"), said(4, "done", "assistant")]
    transcript = load(write(*events))
    kept = transcript.with_messages((transcript.messages[0], summary(), notice(), *transcript.messages[3:]))
    short, long = written(kept), written(kept, keep_history=True)
    assert [one["id"] for one in short if one["kind"] != "Condensation"] == ["e0", "e3", "e4"]
    assert [one["id"] for one in long if one["kind"] != "Condensation"] == ["e0", "e1", "e2", "e3", "e4"]
    for made, forgotten in ((short[1], []), (long[3], ["e1", "e2"])):
        assert (made["forgotten_event_ids"], made["summary_offset"]) == (forgotten, 1)
        assert made["summary"] == f"{SUMMARY}\n\n{notice().text}"
    for made in (short, long):
        again = load(write(*made))
        assert texts(again) == ["one", SUMMARY, notice().text, "two", "done"]
        assert [one.synthetic for one in again.messages] == ["", "summary", "notice", "", ""]
        left = again.with_messages((again.messages[0], *again.messages[2:]))
        assert texts(load(dump(left))) == ["one", notice().text, "two", "done"]


def test_forgotten_events_stay_forgotten() -> None:
    """Where an older condensation's summary goes, what it had taken out must not come back."""
    events = [
        said(0, "one"),
        said(1, "two"),
        condense(2, "e0", text="so far", offset=0),
        said(3, "three"),
        said(4, "x", "assistant"),
    ]
    transcript = load(write(*events))
    assert texts(transcript) == ["so far", "two", "three", "x"]
    kept = transcript.with_messages((summary(), *transcript.messages[2:]))
    assert [one["id"] for one in written(kept) if one["kind"] == "MessageEvent"] == ["e3", "e4"]
    for options in ({}, {"keep_history": True}):
        assert texts(load(write(*written(kept, **options)))) == [SUMMARY, "three", "x"]


def test_offsets_follow_what_leaves_before_them() -> None:
    """The SDK counts events; where one leaves, the summary would slip behind the next."""
    events = [
        said(0, "one"),
        said(1, "two", "assistant"),
        said(2, "old"),
        said(3, "three"),
        condense(4, "e2", text="so far", offset=2),
    ]
    transcript = load(write(*events))
    assert texts(transcript) == ["one", "two", "so far", "three"]
    made = transcript.with_messages((transcript.messages[0], *transcript.messages[2:]))
    assert written(made)[-1]["summary_offset"] == 1
    assert texts(load(dump(made))) == ["one", "so far", "three"]


def test_dropped_without_a_word_is_forgotten_without_one() -> None:
    """What repair takes out leaves no summary, and with the history a condensation that only forgets."""
    transcript = load(write(said(0, "one"), said(1, "two"), said(2, "three", "assistant")))
    kept = transcript.with_messages((transcript.messages[0], transcript.messages[2]))
    assert [one["id"] for one in written(kept)] == ["e0", "e2"]
    made = written(kept, keep_history=True)
    assert made[-1]["forgotten_event_ids"] == ["e1"]
    assert "summary" not in made[-1]
    assert texts(load(write(*made))) == ["one", "three"]


def test_links_of_the_tree_are_mended() -> None:
    """An event whose parent is missing ends the conversation for whoever follows the links."""
    events = [
        said(0, "one"),
        *(said(n, str(n), parent_id=f"e{n - 1}") for n in range(1, 5)),
        said(9, "aside", parent_id="e1"),
    ]
    main = [*events[:2], events[5], *events[2:5]]
    transcript = load(write(*main))
    assert texts(transcript) == ["one", "1", "2", "3", "4"]
    made = written(transcript.with_messages((transcript.messages[0], notice(), *transcript.messages[3:])))
    ids = [one["id"] for one in made]
    assert [one.get("parent_id") for one in made] == [None, "e0", "e0", ids[2], "e3"]
    assert texts(load(write(*made))) == ["one", notice().text, "3", "4"]
    gone = written(transcript.with_messages(transcript.messages[1:]))
    assert "parent_id" not in next(one for one in gone if one["id"] == "e1")


def test_edits_reach_the_copies() -> None:
    """An action holds its arguments twice, an observation its output in its metadata."""
    transcript = load(write(said(0, "go"), act(1, "a", action={"kind": "X", "path": "p" * 900}), see(2, "a", "long")))
    user, answer, result = transcript.messages
    edited = answer.with_part(0, answer.parts[0]._replace(text="{}"))
    short = result.with_part(0, result.parts[0]._replace(text="short"))
    made = written(transcript.with_messages((user, edited, short)))
    assert made[1]["tool_call"]["arguments"] == "{}"
    assert len(made[1]["action"]["path"]) <= 256
    assert made[2]["observation"]["content"][0]["text"] == "short"
    assert len(made[2]["observation"]["metadata"]["raw"]) <= 256


def test_errors_and_rejections_are_results() -> None:
    """The model is sent them as what its call came to."""
    error = event(2, "AgentErrorEvent", error="no such tool", tool_name="ls", tool_call_id="a")
    no = event(4, "UserRejectObservation", rejection_reason="no", tool_name="ls", tool_call_id="b", action_id="e3")
    transcript = load(write(said(0, "go"), act(1, "a"), error, act(3, "b", "r2"), no))
    results = [one.parts[0] for one in transcript.messages if one.role == "tool"]
    assert [(one.text, one.is_error) for one in results] == [("no such tool", True), ("no", True)]
    short = transcript.messages[2].with_part(0, results[0]._replace(text="x"))
    made = written(transcript.with_messages((*transcript.messages[:2], short, *transcript.messages[3:])))
    assert made[2]["error"] == "x"


def test_events_of_the_older_server() -> None:
    """Numbers for ids, `action` and `observation`, and of several summaries only the newest."""
    events: list[dict[str, Any]] = [
        {"id": 0, "source": "agent", "action": "system", "args": {"content": "s"}},
        {"id": 1, "source": "user", "action": "message", "args": {"content": "go"}},
        {"id": 2, "source": "agent", "action": "run", "args": {"command": "ls", "thought": "I look"},
         "tool_call_metadata": {"function_name": "bash", "tool_call_id": "c", "model_response": {"id": "r"}}},
        {"id": 3, "source": "environment", "observation": "agent_state_changed", "content": "", "extras": {}},
        {"id": 4, "source": "agent", "observation": "run", "content": "a.py", "extras": {"raw": "y" * 900}, "cause": 2,
         "tool_call_metadata": {"tool_call_id": "c"}},
        {"id": 5, "source": "agent", "action": "finish", "args": {"final_thought": "done"}},
    ]  # fmt: skip
    transcript = load(json.dumps(events).encode())
    assert texts(transcript) == ["s", "go", "I look", "a.py", "done"]
    call = transcript.messages[2].calls[0]
    assert (call.name, call.call_id, call.text) == ("bash", "c", '{"command":"ls"}')
    result = transcript.messages[3]
    short = result.with_part(0, result.parts[0]._replace(text="x"))
    made = json.loads(dump(transcript.with_messages((*transcript.messages[:3], short, *transcript.messages[4:]))))
    assert (made[4]["content"], len(made[4]["extras"]["raw"]) <= 256) == ("x", True)
    kept = transcript.with_messages((transcript.messages[0], summary(), transcript.messages[4]))
    output = b"".join(formats.dump(kept, keep_history=True))
    made = json.loads(output)
    assert made[5]["args"] == {"forgotten_event_ids": [1, 2, 4], "summary": SUMMARY, "summary_offset": 1}
    assert texts(load(output)) == ["s", SUMMARY, "done"]
    span = {"forgotten_events_start_id": 1, "forgotten_events_end_id": 4}
    args = {**span, "summary": "so far", "summary_offset": 1}
    old = {"id": 9, "source": "agent", "action": "condensation", "args": args}
    transcript = load(json.dumps([*events, old]).encode())
    assert texts(transcript) == ["s", "so far", "done"]
    more = transcript.with_messages((*transcript.messages[:2], notice(), transcript.messages[2]))
    assert texts(load(dump(more))) == ["s", notice().text, "so far", "done"]


def test_the_older_server_counts_what_its_agent_has() -> None:
    """Neither what is hidden, nor its own states, nor what went on in a delegate."""
    agent: dict[str, Any] = {"source": "agent"}
    nobody: dict[str, Any] = {"source": "environment", "content": "", "extras": {}}
    events: list[dict[str, Any]] = [
        {**nobody, "observation": "agent_state_changed"},
        {**agent, "action": "system", "args": {"content": "s"}},
        {**agent, "action": "change_agent_state", "args": {}},
        {**agent, "action": "run", "args": {"command": "x", "hidden": True}},
        {"source": "user", "action": "message", "args": {"content": "go", "image_urls": ["data:image/png;base64,AA"]}},
        {**agent, "action": "delegate", "args": {"agent": "B"}},
        {**agent, "action": "message", "args": {"content": "inside"}},
        {**agent, "observation": "delegate", "content": "report", "extras": {}, "cause": 5},
        {**agent, "action": "message", "args": {"content": "done"}},
        {**agent, "action": "condensation", "args": {"forgotten_event_ids": [4], "summary": "S", "summary_offset": 1}},
        {**agent, "action": "condensation_request", "args": {}},
    ]
    events = [{"id": number, **one} for number, one in enumerate(events)]
    assert texts(load(json.dumps(events).encode())) == ["s", "S", "", "report", "done"]
    transcript = load(json.dumps(events[:9]).encode())
    assert texts(transcript) == ["s", "go", "", "report", "done"]
    assert len(transcript.messages[1].parts[1].media) == 1
    short = transcript.with_messages((*transcript.messages[:2], summary(), transcript.messages[4]))
    made = json.loads(b"".join(formats.dump(short, keep_history=True)))
    assert made[-2]["args"] == {"forgotten_event_ids": [5, 7], "summary": SUMMARY, "summary_offset": 2}
    assert texts(load(dump(short))) == ["s", "go", SUMMARY, "done"]


def test_the_older_server_sends_what_the_model_answered() -> None:
    """Every event of an answer has a copy of it, and the last one is sent: arguments change in all of them."""
    talk = live(
        user("go"),
        assistant("I look", call("ls", "a", '{"p":"' + "a" * 900 + '"}'), call("ls", "b")),
        *(result(one, "seen", name="ls") for one in "ab"),
    )
    data = openhands_v0_answers(talk)
    transcript = load(data)
    at = next(number for number, one in enumerate(transcript.messages) if one.calls)
    first = transcript.messages[at]
    place = next(number for number, part in enumerate(first.parts) if part.call_id == "a")
    short = first.with_part(place, first.parts[place]._replace(text='{"p":"b"}'))
    made = json.loads(
        dump(transcript.with_messages((*transcript.messages[:at], short, *transcript.messages[at + 1 :])))
    )
    answers = [one["tool_call_metadata"]["model_response"] for one in made if "tool_call_metadata" in one]
    sent = [answer["choices"][0]["message"]["tool_calls"] for answer in answers]
    assert len(sent) == 4
    assert {(calls[0]["function"]["arguments"], calls[1]["function"]["arguments"]) for calls in sent} == {
        ('{"p":"b"}', talk[1].calls[1].text)
    }
    assert len(made[2]["args"]["p"]) <= 256


@pytest.mark.parametrize("odd", [{"id": True, "args": {"content": "?"}, "action": "message"}, said(3, "?")])
def test_an_older_event_without_a_number_of_its_own(odd: dict[str, Any]) -> None:
    """A truth value is no number, nor is an id of the SDK's: what is written gets the next number all the same."""
    go = {"id": 1, "source": "user", "action": "message", "args": {"content": "go"}}
    done = {"id": 2, "source": "agent", "action": "finish", "args": {"final_thought": "done"}}
    transcript = load(json.dumps([go, {"source": "user", **odd}, done]).encode(), "openhands")
    made = json.loads(dump(transcript.with_messages((summary(), transcript.messages[-1]))))
    assert [one["id"] for one in made if "args" in one and one.get("action") == "condensation"] == [3]


def test_words_outlive_their_call() -> None:
    """An action alone is dropped with all it says; a message is not."""
    thought = [{"type": "text", "text": "I look"}]
    blocks = [{"type": "thinking", "thinking": "hm", "signature": "x"}]
    speaking = {**act(1, "a", thinking_blocks=blocks), "thought": thought}
    new = write(said(0, "go"), speaking, see(2, "a"), said(3, "on"))
    action = {"id": 1, "source": "agent", "action": "run", "args": {"command": "ls", "thought": "I look"}}
    seen = {"id": 2, "source": "agent", "observation": "run", "content": "a.py", "extras": {}, "cause": 1}
    talk = [{"id": at, "source": "user", "action": "message", "args": {"content": "go"}} for at in (0, 3)]
    for data in (new, json.dumps([talk[0], action, seen, talk[1]]).encode()):
        transcript = load(data)
        first, answer, _, last = transcript.messages
        words = answer._replace(parts=tuple(part for part in answer.parts if part.kind != "call"))
        for keep_history in (False, True):
            done = transcript.with_messages((first, words, summary(), last))
            output = b"".join(formats.dump(done, keep_history=keep_history))
            assert texts(load(output)) == ["go", "I look", SUMMARY, last.text]
            assert [part.kind for part in load(output).messages[1].parts] == [part.kind for part in words.parts]


def test_the_containers() -> None:
    """Lines, a list, a page of the server's answer, outputs of an evaluation one a line."""
    events = [said(0, "go"), said(1, "done", "assistant")]
    assert len(load(json.dumps(events).encode()).messages) == 2
    assert len(load(json.dumps({"items": events, "next_page_id": None}).encode()).messages) == 2
    lines = b"".join(json.dumps({"instance_id": n, "history": events}).encode() + b"\n" for n in range(2))
    assert [len(one.messages) for one in load_all(lines)] == [2, 2]
    assert dump_all(load_all(lines)) == lines
    assert len(load(json.dumps([{"history": events}]).encode()).messages) == 2
    assert len(load(json.dumps([events]).encode()).messages) == 2
    assert len(load(json.dumps(events[0], indent=1).encode()).messages) == 1
    assert load(write(*events, {"x": 1})).warnings == ("t.jsonl: 1 entries that are no events, kept as they are",)
    with pytest.raises(InputError):
        load(b'{"history": []}', "openhands")
