"""From one format into another and back: what both can hold is the same, what one cannot is named."""

import json
from collections.abc import Sequence
from itertools import permutations
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli import formats
from cortex_cli.converting import TARGETS, LossError, convert, sessions
from cortex_cli.converting.content import REDACTED, Entry, Picture, Piece, facts_of, read_entries
from cortex_cli.errors import InputError, OptionError
from cortex_cli.messages import Transcript
from cortex_cli.validity import find_problems, is_excerpt
from tests.claude_sessions import Session
from tests.conftest import filler
from tests.roundtrip import load
from tests.strategies import CONVERSATIONS, examples
from tests.wire import IMAGE
from tests.writers import WRITERS

ANTHROPIC = frozenset({"anthropic", "claude-code", "bedrock-converse", "langchain", "pi", "openai"})
"""Formats that hold thinking with Anthropic's signature."""

OPENAI = frozenset({"codex", "openai-responses", "pi"})
"""And with OpenAI's."""

ERRORS = frozenset({"anthropic", "claude-code", "axio", "bedrock-converse", "pi", "gemini", "langchain"})
SYSTEM = frozenset(TARGETS) - {"claude-code", "pi"}
TIMES = frozenset({"claude-code", "codex", "pi"})

REASONING = (
    '{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"gAAA"}'
)
THOUGHTS = {
    "anthropic": Piece("thinking", "let me see", signature="c2ln", family="anthropic"),
    "redacted": Piece("thinking", "ZGF0YQ==", REDACTED, signature="ZGF0YQ==", family="anthropic"),
    "openai": Piece("thinking", "hm", signature=REASONING, family="openai"),
}
PICTURE = Picture("image/png", IMAGE)
TEXTS = st.sampled_from(["do it", "why? \U0001f527 \u00e9", "line\n" * 30, '{"looks": "like JSON"}', "<b>&amp;</b>"])
RESULTS = st.sampled_from(["ok", filler(700), '{"output":"x","metadata":{"exit_code":1}}', "\u6f22\u5b57\n", ""])
ARGUMENTS = st.sampled_from(['{"path":"a.py"}', "{}", '{"n":1.5,"deep":[{"x":null}],"t":"\u00e9\\n"}'])


@st.composite
def conversations(draw: st.DrawFn, *names: str) -> list[Entry]:
    """Draw a conversation that all of some formats can hold."""

    def holds(kind: frozenset[str]) -> bool:
        return kind.issuperset(names)

    thoughts = [key for key, kind in (("anthropic", ANTHROPIC), ("openai", OPENAI)) if holds(kind)]
    thoughts += ["redacted"] if holds(ANTHROPIC - {"pi", "openai"}) else []
    entries: list[Entry] = (
        [Entry("system", (Piece("text", "be brief"),))] if holds(SYSTEM) and draw(st.booleans()) else []
    )
    for number in range(draw(st.integers(1, 4))):
        image = (Piece("image", images=(PICTURE,)),) if draw(st.integers(0, 3)) == 0 else ()
        entries.append(Entry("user", (Piece("text", draw(TEXTS)), *image)))
        thought = draw(st.sampled_from([None, *thoughts]))
        said = (Piece("text", draw(TEXTS)),) if draw(st.booleans()) else ()
        calls = tuple(
            Piece("call", draw(ARGUMENTS), "Read", f"call_{number}_{n}") for n in range(draw(st.integers(1, 2)))
        )
        entries.append(Entry("assistant", (*([THOUGHTS[thought]] if thought else []), *said, *calls)))
        for call in calls:
            images = (PICTURE,) if draw(st.integers(0, 3)) == 0 else ()
            is_error = holds(ERRORS) and draw(st.booleans())
            entries.append(Entry("tool", (Piece("result", draw(RESULTS), "Read", call.call_id, is_error, images),)))
        entries.append(Entry("assistant", (Piece("text", draw(TEXTS)),)))
    if not holds(TIMES):
        return entries
    return [entry._replace(time=f"2026-01-02T03:04:{number:02d}.250Z") for number, entry in enumerate(entries)]


def write(name: str, entries: Sequence[Entry]) -> Transcript:
    """Write a conversation in a format, and read it."""
    data = TARGETS[name](entries, sessions.head_of(entries, "", ""))
    return load(data, name)


def flat(transcript: Transcript) -> list[tuple[str, ...]]:
    """Return all that is said, in order; which of it shares a message is each format's own."""
    return [
        (entry.role, *map(str, piece))
        for entry in read_entries(transcript)
        for piece in entry.pieces
        if _is_said(piece)
    ]


def _is_said(piece: Piece) -> bool:
    return bool(piece.text or piece.images or piece.kind != "text")


def times(transcript: Transcript) -> list[str]:
    """Return the times, each once."""
    return list(dict.fromkeys(entry.time for entry in read_entries(transcript)))


ENVELOPE = {"time", "message id"}
"""What some formats give every message, whether the conversation had it or not."""


@pytest.mark.parametrize(
    ("one", "other"), [pytest.param(*pair, id=" -> ".join(pair)) for pair in permutations(TARGETS, 2)]
)
@examples(12)
@given(drawn=st.data())
def test_there_and_back(one: str, other: str, drawn: st.DataObject) -> None:
    """Texts, calls with their ids, results, images, errors, system prompts, times and signed thinking."""
    first = write(one, drawn.draw(conversations(one, other)))
    there = convert(first, other, lossy=True)
    assert set(there.lost) <= ENVELOPE - ({"time"} if {one, other} <= TIMES else set())
    second = load(there.data, other)
    assert flat(second) == flat(first)
    back = convert(second, one, lossy=True)
    third = load(back.data, one)
    assert flat(third) == flat(first)
    if {one, other} <= TIMES:
        assert times(third) == times(second) == times(first)


@pytest.mark.parametrize("name", TARGETS)
@examples(15)
@given(drawn=st.data())
def test_what_is_written_is_read_as_it_was(name: str, drawn: st.DataObject) -> None:
    """Nothing that a format can hold is lost on the way in."""
    entries = drawn.draw(conversations(name))
    lost = facts_of(entries) - facts_of(read_entries(write(name, entries)))
    assert lost == {}


def chat(*messages: dict[str, Any], **more: Any) -> Transcript:
    """Read chat messages."""
    return load(json.dumps({"model": "gpt-5", "messages": messages, **more}).encode(), "openai")


HI = {"role": "user", "content": "hi"}


def test_losses_are_named_and_need_a_word() -> None:
    """By kind and number, most first; nothing is written without --lossy."""
    answer = {"role": "assistant", "content": "a", "reasoning_content": "hm"}
    tools = [{"type": "function", "function": {"name": "f"}}]
    transcript = chat({"role": "system", "content": "s"}, HI, answer, tools=tools)
    with pytest.raises(LossError, match="claude-code cannot hold 1 system prompt, 1 thinking, 1 tool schema") as caught:
        convert(transcript, "claude-code")
    assert "--lossy" in caught.value.hint
    made = convert(transcript, "claude-code", lossy=True)
    assert made.lost == {"system prompt": 1, "thinking": 1, "tool schema": 1}
    assert [one.text for one in load(made.data).messages] == ["hi", "a"]


@pytest.mark.parametrize("to", sorted(TARGETS))
def test_a_clients_own_summary_stays_one(to: str) -> None:
    """Nobody typed it: as what the user said first it would be pinned, and never be written anew."""
    session = Session().user("hi").assistant("hello")
    data = session.boundary("what was said").user("go on").data()
    made = convert(load(data, "claude-code"), to, lossy=True)
    again = load(made.data, to).messages
    assert [(one.synthetic, one.typed) for one in again] == [("summary", False), ("", True)]
    assert "what was said" in again[0].text
    assert convert(load(made.data, to), to, lossy=True).data == made.data


def test_signatures_of_others_are_not_passed_off() -> None:
    """OpenAI refuses what Anthropic signed, and the other way round: such a thought is lost, and said to be."""
    answer = {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "a"}],
    }
    transcript = load(json.dumps({"system": "s", "messages": [HI, answer]}).encode(), "anthropic")
    made = convert(transcript, "codex", lossy=True)
    assert made.lost == {"thinking": 1, "signature of a thought": 1}
    assert b"reasoning" not in made.data


def test_ids_that_the_other_side_takes_stay() -> None:
    """Claude Code's are UUIDs: LangChain takes them, and gives them back."""
    transcript = write(
        "claude-code", [Entry("user", (Piece("text", "hi"),)), Entry("assistant", (Piece("text", "a"),))]
    )
    there = convert(transcript, "langchain", lossy=True)
    assert set(there.lost) == {"time"}
    back = load(convert(load(there.data), "claude-code").data)
    assert [one.id for one in back.messages] == [one.id for one in transcript.messages]


def test_an_id_that_comes_twice_stays_once() -> None:
    """A chain of parents goes by them: of two messages with one id Claude Code would lose what is between."""
    said = ("one", "two", "three")
    entries = [
        Entry(role, (Piece("text", text),)) for role, text in zip(("user", "assistant", "user"), said, strict=True)
    ]
    same = str(uuid5(NAMESPACE_URL, "x"))
    for name in ("claude-code", "pi"):
        transcript = write(
            name, [entry._replace(id=same if name == "claude-code" else "0a0b0c0d") for entry in entries]
        )
        assert [one.text for one in transcript.messages] == list(said)
        assert len({one.id for one in transcript.messages}) == len(said)


def test_odd_arguments_and_ids() -> None:
    """Arguments that are no object, ids with signs that an API refuses: changed, and said to be."""
    call = {"id": "a:b", "type": "function", "function": {"name": "f", "arguments": "{broken"}}
    transcript = chat(
        HI,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a:b", "content": "r"},
    )
    made = convert(transcript, "anthropic", lossy=True)
    assert made.lost == {"tool call": 1, "id of a call": 1}
    assert load(made.data, "anthropic").messages[1].calls[0].text == '{"arguments":"{broken"}'
    assert convert(transcript, "codex").lost == {}


def test_the_same_input_gives_the_same_bytes() -> None:
    """New ids come of the session and the place."""
    transcript = chat(HI, {"role": "assistant", "content": "a"})
    for name in TARGETS:
        assert convert(transcript, name, lossy=True).data == convert(transcript, name, lossy=True).data


def test_what_cannot_be_converted() -> None:
    """A format that is only read, a file without a conversation."""
    with pytest.raises(OptionError, match="cannot write 'claude-cod'") as caught:
        convert(chat(HI), "claude-cod")
    assert "claude-code" in caught.value.hint
    with pytest.raises(InputError, match="no conversation"):
        convert(load(b'{"model": "gpt-5", "messages": []}', "openai"), "anthropic")


@pytest.mark.parametrize("to", TARGETS)
@examples(25)
@given(drawn=st.data())
def test_whatever_comes_in_something_sound_comes_out(to: str, drawn: st.DataObject) -> None:
    """Broken conversations of every format: written, read back, and what is not there is named."""
    written = drawn.draw(st.sampled_from(sorted(WRITERS)))
    name, write_as = WRITERS[written]
    transcript = load(write_as(drawn.draw(CONVERSATIONS)), name)
    try:
        made = convert(transcript, to, lossy=True)
    except InputError:
        assert is_excerpt(transcript.messages) or not any(message.parts for message in transcript.messages)
        return
    again = load(made.data, to)
    assert find_problems(again.messages, formats.rules_of(to)) == ()
    assert list(formats.check(again)) == []
    kept = facts_of(read_entries(again))
    missing = facts_of(read_entries(transcript)) - kept
    assert {fact[0] for fact in missing} <= made.lost.keys()


def test_broken_pairs_are_put_in_order() -> None:
    """As `compact` does first: no client takes a call without its result."""
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    transcript = chat(
        HI, {"role": "assistant", "content": None, "tool_calls": [call]}, HI, {"role": "assistant", "content": "a"}
    )
    made = convert(transcript, "claude-code")
    assert (made.repairs, made.lost) == (1, {})
    assert [one.role for one in load(made.data).messages] == ["user", "assistant", "tool", "user", "assistant"]
