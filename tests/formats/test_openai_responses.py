"""OpenAI Responses."""

import json
from typing import Any

import pytest

from cortex_cli import formats
from cortex_cli.errors import CortexError
from cortex_cli.formats.source import Source
from cortex_cli.messages import Message, Part, Transcript
from tests.conftest import notice
from tests.formats.sdk import validate_responses
from tests.roundtrip import dump, load

ASKED = {"role": "user", "content": "q"}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2VjcmV0"}
CALL = {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "a", "output": "r"}
SAID = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [
    {"type": "output_text", "text": "done", "annotations": []}]}  # fmt: skip
COMPACTION = {"type": "compaction", "id": "cmp_1", "encrypted_content": "c2VjcmV0"}


def read(*items: Any, **top: Any) -> Transcript:
    """Read a request with these items."""
    return load(json.dumps({"model": "gpt-5", "input": items, **top}).encode())


def shape(transcript: Transcript) -> list[tuple[str, list[str]]]:
    """Return role and kinds of parts of every message."""
    return [(one.role, [part.kind for part in one.parts]) for one in transcript.messages]


def written(transcript: Transcript, *messages: Message) -> list[Any]:
    """Write other messages and return the items."""
    items: list[Any] = json.loads(dump(transcript.with_messages(messages)))["input"]
    return items


def test_what_stands_between_two_outputs_is_one_answer() -> None:
    """The API refuses reasoning without the item that follows it: they leave together."""
    transcript = read(ASKED, THOUGHT, CALL, CALL | {"call_id": "b"}, OUTPUT, OUTPUT | {"call_id": "b"}, THOUGHT, SAID)
    assert shape(transcript) == [
        ("user", ["text"]), ("assistant", ["thinking", "call", "call"]), ("tool", ["result"]), ("tool", ["result"]),
        ("assistant", ["thinking", "text"]),
    ]  # fmt: skip
    assert transcript.messages[1].records == (1, 2, 3)
    kept = (transcript.messages[0], notice(3), transcript.messages[4])
    ours = {"role": "user", "content": [{"type": "input_text", "text": notice(3).text}]}
    assert written(transcript, *kept) == [ASKED, ours, THOUGHT, SAID]


def test_instructions_and_mere_text() -> None:
    """Both are sent and stand in no item."""
    transcript = load(json.dumps({"model": "m", "instructions": "be brief", "input": "q"}).encode())
    assert shape(transcript) == [("system", ["text"]), ("user", ["text"])]
    assert [(one.slot, one.typed) for one in transcript.messages] == [(True, False), (False, True)]


def test_encrypted_compaction_is_a_slot() -> None:
    """It is the only copy of what it stands for."""
    transcript = read(ASKED, COMPACTION, ASKED)
    assert (transcript.messages[1].slot, transcript.messages[1].synthetic) == (True, "summary")
    again = load(json.dumps({"object": "response.compaction", "output": [ASKED, COMPACTION]}).encode())
    assert shape(again) == shape(transcript)[:2]


def test_tools_declared_on_the_way_stay() -> None:
    """Later calls name them."""
    transcript = read(ASKED, {"type": "additional_tools", "role": "developer", "tools": []}, CALL, OUTPUT)
    assert [one.slot for one in transcript.messages] == [False, True, False, False]


@pytest.mark.parametrize("top", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}])
def test_an_output_may_answer_a_call_outside_of_the_file(top: dict[str, str]) -> None:
    """Repair would take it for an orphan, and the API would miss it."""
    transcript = read(OUTPUT, ASKED, **top)
    assert shape(transcript) == [("user", ["opaque"]), ("user", ["text"])]
    assert transcript.messages[0].slot
    assert any("not in the file" in warning for warning in transcript.warnings)


def test_closing_results_are_of_their_call_s_family() -> None:
    """A custom tool's call is answered by a custom tool's output."""
    transcript = read(ASKED, {"type": "custom_tool_call", "call_id": "a", "name": "f", "input": "x"}, SAID)
    closing = Message("tool", (Part("result", "r", call_id="a"),))
    items = written(transcript, *transcript.messages[:2], closing)
    assert items[-1] == {"type": "custom_tool_call_output", "call_id": "a", "output": "r"}


def test_ours_are_items_that_the_package_takes() -> None:
    """User texts, answers, results."""
    transcript = read(ASKED, CALL, OUTPUT, SAID)
    answer = Message("assistant", (Part("text", "Understood, context restored."),))
    user, call, _, said = transcript.messages
    closing = Message("tool", (Part("result", "r", call_id="a"),))
    validate_responses(written(transcript, notice(1), answer, user, call, closing, said))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ([ASKED, {"role": "assistant", "content": "a"}], "openai"),
        ({"model": "text-embedding-3-small", "input": ["a", "b"]}, ""),
        ({"model": "text-embedding-3-small", "input": "a"}, ""),
        ([ASKED, CALL, OUTPUT], "openai-responses"),
        ([{"role": "user", "content": [{"type": "input_text", "text": "q"}]}], "openai-responses"),
        ({"object": "response", "output": [SAID]}, "openai-responses"),
        (CALL, "openai-responses"),
        ({"type": "message", "role": "user", "content": "q"}, "openai-responses"),
        ({"type": "message", "role": "assistant", "content": [{"type": "text", "text": "a"}]}, "anthropic"),
    ],
)
def test_detection(value: Any, name: str) -> None:
    """A bare list of mere messages is chat; texts to embed are no transcript."""
    source = Source(json.dumps(value).encode(), "t.json")
    try:
        found = formats.detect(source).format.NAME
    except CortexError:
        found = ""
    assert found == name


def test_mere_messages_can_be_asked_for_by_name() -> None:
    """What tells the items apart may have left."""
    data = json.dumps([ASKED, {"role": "assistant", "content": "a"}]).encode()
    assert load(data, "openai-responses").format == "openai-responses"
    assert not any("could also" in warning for warning in load(data).warnings if "responses" in warning)


def test_lists_of_a_program_come_back_as_lists() -> None:
    """Sessions of the Agents SDK hold items as dicts; untouched ones are the same objects."""
    items = [ASKED, THOUGHT, CALL, OUTPUT, SAID]
    transcript = formats.load_messages(items)
    assert transcript.format == "openai-responses"
    kept = transcript.with_messages((transcript.messages[0], transcript.messages[-1]))
    assert [id(one) for one in formats.dump_messages(kept)] == [id(ASKED), id(SAID)]


def test_blank_lines_behind_a_bom_are_no_lines_of_a_document() -> None:
    """What is left of JSON Lines with a byte order mark, where all but one item left, must load again."""
    item = b'{"type":"reasoning","summary":[],"encrypted_content":"c2Vj"}'
    assert len(formats.load(Source(b"\xef\xbb\xbf\n\n" + item + b"\n\n"), "openai-responses").messages) == 1


@pytest.mark.parametrize(
    ("first", "is_typed"),
    [
        ("<system-reminder>be brief</system-reminder>", True),
        ("<environment_context>\n<cwd>/x</cwd>\n</environment_context>", False),
    ],
)
def test_words_beside_a_reminder_are_typed(first: str, is_typed: bool) -> None:
    """A piece of Codex's own makes the whole message its context; a piece that another program added does not."""
    content = [{"type": "input_text", "text": text} for text in (first, "do it")]
    items = [{"type": "message", "role": "user", "content": content}]
    said = load(json.dumps({"input": items, "store": False}).encode(), "openai-responses").messages[0]
    assert (said.typed, said.slot) == (is_typed, not is_typed)
