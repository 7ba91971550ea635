"""OpenAI chat completions."""

import json
from pathlib import Path
from typing import Any

import pytest

from cortex_cli import formats
from cortex_cli.messages import Message, Transcript
from tests.conftest import notice
from tests.formats.sdk import validate_openai
from tests.roundtrip import dump, load

CALL = {"id": "a", "type": "function", "function": {"name": "Read", "arguments": '{"path": "x"}'}}


def read(*values: dict[str, Any], **top: Any) -> Transcript:
    """Read messages, in an object where more is given."""
    return load(json.dumps({"messages": values, **top} if top else values).encode(), "openai")


def written(transcript: Transcript, *messages: Message) -> list[Any]:
    """Write other messages and return the values."""
    output = json.loads(dump(transcript.with_messages(messages)))
    return list(output["messages"] if isinstance(output, dict) else output)


def test_every_part_of_an_answer_is_read() -> None:
    """What is not read is not counted, and the report is wrong."""
    value = {"role": "assistant", "content": "hi", "refusal": "no", "reasoning_content": "hm", "audio": {"id": "x"}}
    transcript = read({"role": "user", "content": "q"}, value | {"tool_calls": [CALL]})
    parts = transcript.messages[1].parts
    assert [(part.kind, part.text) for part in parts] == [
        ("thinking", "hm"), ("text", "hi"), ("text", "no"), ("media", ""), ("call", '{"path": "x"}'),
    ]  # fmt: skip
    assert parts[-1].name == "Read"
    assert not parts[-1].json


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ({"thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}]}, "thinking", "t"),
        ({"reasoning": "r", "reasoning_details": [{"text": "r"}]}, "thinking", "r"),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "m"}]}]}, "thinking", "m"),
        ({"content": [{"type": "refusal", "refusal": "no"}]}, "text", "no"),
        ({"content": [{"type": "novel", "x": 1.5}]}, "opaque", '{"type":"novel","x":1.5}'),
        ({"content": {"an": "object"}}, "opaque", '{"an":"object"}'),
        ({"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "sh", "input": "ls"}}]}, "call", "ls"),
        ({"tool_calls": ["broken"]}, "opaque", '"broken"'),
        ({"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}]}, "call", '{"a":1}'),
    ],
)
def test_dialects_are_read(value: dict[str, Any], kind: str, text: str) -> None:
    """Gateways and providers spell the same things differently."""
    part = read({"role": "user", "content": "q"}, {"role": "assistant", "content": None} | value).messages[1].parts[0]
    assert (part.kind, part.text) == (kind, text)


@pytest.mark.parametrize(
    ("piece", "type"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, "image/png"),
        ({"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}, "image"),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, "audio/wav"),
        ({"type": "file", "file": {"file_data": "data:text/plain;base64,AAAA"}}, "text/plain"),
        ({"type": "file", "file": {"file_id": "file-1"}}, "application/pdf"),
    ],
)
def test_media_are_estimated(piece: dict[str, Any], type: str) -> None:
    """Images, sounds and files are sent and cost tokens, though they hold no text."""
    medium = read({"role": "user", "content": [piece]}).messages[0].parts[0].media[0]
    assert medium.type == type
    assert medium.tokens > 0


def test_roles_are_the_models() -> None:
    """Developer prompts are kept like system prompts; the user's words are marked."""
    roles = ["system", "developer", "user", "assistant"]
    transcript = read(*({"role": role, "content": "x"} for role in roles))
    assert [message.role for message in transcript.messages] == ["system", "system", "user", "assistant"]
    assert [message.slot for message in transcript.messages] == [True, True, False, False]
    assert [message.typed for message in transcript.messages] == [False, False, True, False]


def test_ids_repeated_across_turns_pair_within_the_turn() -> None:
    """Gateways count calls from 1 in every turn; pairing by the bare id would join strangers."""
    turn = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "a", "content": "r"},
    ]
    transcript = read(*turn, *turn, *turn)
    calls = [part.call_id for message in transcript.messages for part in message.parts if part.call_id]
    assert calls == ["a", "a", "a#2", "a#2", "a#3", "a#3"]
    closing = Message("tool", transcript.messages[5].parts, synthetic="closing")
    output = written(transcript, *transcript.messages[:5], closing, *transcript.messages[6:])
    assert output[5] == {"role": "tool", "tool_call_id": "a", "content": "r"}


def test_functions_without_ids_pair_by_name() -> None:
    """The legacy form has no call ids at all."""
    transcript = read(
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "r"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
    )
    first, second = transcript.messages[1].calls + transcript.messages[3].calls
    result = transcript.messages[2].result
    assert result is not None
    assert result.call_id == first.call_id != second.call_id
    closing = Message("tool", (result._replace(call_id=second.call_id, text="gone", record=-1),), synthetic="closing")
    output = written(transcript, *transcript.messages, closing)
    assert output[4] == {"role": "function", "name": "f", "content": "gone"}


def test_parallel_calls_without_ids_are_answered_in_their_order() -> None:
    """Ollama's API has no call ids: two calls of one tool are two, and results may be unnamed."""
    calls = [{"function": {"name": name, "arguments": {}}} for name in ("f", "g", "f")]
    for named in (True, False):
        results = [{"role": "tool", "content": name, **({"name": name} if named else {})} for name in ("f", "g", "f")]
        transcript = read({"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": calls}, *results)
        asked = [call.call_id for call in transcript.messages[1].calls]
        assert len(set(asked)) == 3
        assert [part.call_id for message in transcript.messages[2:] for part in message.parts] == asked


def test_fine_tuning_pieces_are_read_and_written() -> None:
    """Data sets put texts, thoughts and calls under `value`; one result answers all calls of a message."""
    call = {"type": "tool_call", "value": '{"name": "f"}'}
    transcript = read(
        {"role": "user", "content": [{"type": "text", "value": "q"}]},
        {"role": "assistant", "content": [{"type": "reasoning", "value": "hm"}, call, call]},
        {"role": "tool", "content": [{"type": "text", "value": "r"}]},
        {"role": "assistant", "content": [{"type": "text", "value": "done"}]},
    )
    assert [part.kind for part in transcript.messages[1].parts] == ["thinking", "call", "opaque"]
    result = transcript.messages[2].result
    assert result is not None
    assert result.call_id == transcript.messages[1].calls[0].call_id
    short = transcript.messages[2]._replace(parts=(result._replace(text="s"),))
    output = written(transcript, notice(), *transcript.messages[:2], short, transcript.messages[3])
    assert output[0] == {"role": "user", "content": [{"type": "text", "value": notice().text}]}
    assert output[3] == {"role": "tool", "content": [{"type": "text", "value": "s"}]}


def test_results_keep_their_form() -> None:
    """A string stays a string, a list keeps its first text piece; dropped images leave."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    pieces = [image, {"type": "text", "text": "one", "x": 1}, {"type": "text", "text": "two"}]
    calls = [CALL, CALL | {"id": "b"}, CALL | {"id": "c"}]
    transcript = read(
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "a", "content": "long"},
        {"role": "tool", "tool_call_id": "b", "content": pieces},
        {"role": "tool", "tool_call_id": "c", "content": [image]},
    )
    assert [message.parts[0].text for message in transcript.messages[2:]] == ["long", "one\ntwo", ""]
    edited = [
        message._replace(parts=(message.parts[0]._replace(text="s", media=()),)) for message in transcript.messages[2:]
    ]
    output = written(transcript, *transcript.messages[:2], *edited)
    assert [value["content"] for value in output[2:]] == [
        "s", [{"type": "text", "text": "s", "x": 1}], [{"type": "text", "text": "s"}],
    ]  # fmt: skip


def test_results_are_named_after_their_calls() -> None:
    """Layers decide by tool, and the file names it only at the call."""
    transcript = read(
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "a", "content": "r"},
    )
    assert transcript.messages[2].parts[0].name == "Read"


def test_removed_parts_leave_a_legal_message() -> None:
    """Dropped thinking takes all its spellings along; an answer of calls only has no content."""
    value = {"role": "assistant", "reasoning_content": "t", "thinking_blocks": [], "content": "x", "tool_calls": [CALL]}
    transcript = read({"role": "user", "content": "q"}, value)
    answer = transcript.messages[1]
    bare = answer._replace(parts=answer.calls)
    assert written(transcript, transcript.messages[0], bare)[1] == {
        "role": "assistant", "content": None, "tool_calls": [CALL],
    }  # fmt: skip
    said = answer._replace(parts=tuple(part for part in answer.parts if part.kind == "text"))
    assert written(transcript, transcript.messages[0], said)[1] == {"role": "assistant", "content": "x"}


def test_arguments_are_edited_as_they_stand() -> None:
    """They are a string, valid JSON or not."""
    broken = CALL | {"function": {"name": "f", "arguments": "{broken"}}
    transcript = read({"role": "user", "content": "q"}, {"role": "assistant", "content": None, "tool_calls": [broken]})
    answer = transcript.messages[1]
    assert answer.calls[0].text == "{broken"
    shorter = answer._replace(parts=(answer.calls[0]._replace(text="{b"),))
    assert written(transcript, transcript.messages[0], shorter)[1]["tool_calls"][0]["function"]["arguments"] == "{b"


def test_signed_calls_are_not_edited() -> None:
    """Gemini refuses a call without the signature it gave it, whatever API stands between."""
    signed = CALL | {"extra_content": {"google": {"thought_signature": "x"}}}
    transcript = read({"role": "user", "content": "q"}, {"role": "assistant", "content": None, "tool_calls": [signed]})
    assert transcript.messages[1].calls[0].signed


def test_calls_of_others_than_the_assistant_are_opaque() -> None:
    """Nobody would run them; counted as they are."""
    piece = {"type": "tool_call", "value": "{}"}
    assert read({"role": "user", "content": [piece]}).messages[0].parts[0].kind == "opaque"


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        ({"function_call": {"name": "f", "arguments": "long"}}, ("function_call", "arguments")),
        ({"content": [{"type": "tool_call", "value": "long"}]}, ("content", 0, "value")),
        ({"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "sh", "input": "long"}}]},
         ("tool_calls", 0, "custom", "input")),
    ],
)  # fmt: skip
def test_arguments_are_found_in_every_dialect(answer: dict[str, Any], path: tuple[str | int, ...]) -> None:
    """Shortened where they stand."""
    transcript = read({"role": "user", "content": "q"}, {"role": "assistant", "content": None} | answer)
    call = transcript.messages[1].calls[0]
    value = written(
        transcript, transcript.messages[0], transcript.messages[1]._replace(parts=(call._replace(text="s"),))
    )[1]
    for key in path:
        value = value[key]
    assert value == "s"


@pytest.mark.parametrize("content", ["said", [{"type": "text", "text": "said"}], [{"type": "text", "value": "said"}]])
def test_texts_of_our_own_are_edited_in_place(content: Any) -> None:
    """A later run adds to the numbers of a notice instead of writing a second one."""
    transcript = read({"role": "user", "content": content})
    part = transcript.messages[0].parts[0]
    output = written(transcript, transcript.messages[0]._replace(parts=(part._replace(text="more"),)))
    assert output == json.loads(json.dumps([{"role": "user", "content": content}]).replace("said", "more"))


def test_one_call_of_several_leaves_alone() -> None:
    """Repair drops a repeated call; its sibling stays."""
    value = {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    transcript = read({"role": "user", "content": "q"}, value | {"tool_calls": [CALL, CALL | {"id": "b"}]})
    answer = transcript.messages[1]
    fewer = answer._replace(parts=(answer.parts[0], answer.parts[2]))
    assert written(transcript, transcript.messages[0], fewer)[1] == {
        "role": "assistant", "content": [{"type": "text", "text": "a"}], "tool_calls": [CALL],
    }  # fmt: skip


def test_usage_and_model_are_the_newest() -> None:
    """The overhead of what is not in the file is measured from them."""
    response = {"model": "m2", "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}
    values = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "extra": {"response": response}}]
    transcript = read(*values, {"role": "user", "content": "more"})
    assert (transcript.model, transcript.usage) == ("m2", formats.containers.Usage(7, 2))
    logged = read(*values, model="m1", response={"model": "m3", "usage": {"prompt_tokens": 9}}, context_window=1000)
    assert (logged.usage, logged.window) == (formats.containers.Usage(9, 2), 1000)


def test_tool_schemas_are_the_preamble() -> None:
    """They are sent with every call."""
    tool = {"type": "function", "function": {"name": "f"}}
    value = {"role": "user", "content": "q"}
    assert read(value, tools=[tool]).preamble == ('{"type":"function","function":{"name":"f"}}',)
    assert read(value, tools="[{}]").preamble == ("[{}]",)


def test_unknown_roles_ride_along_with_a_word() -> None:
    """A recorder's own records stand between the messages; nothing of them is sent, nothing is lost."""
    transcript = read({"role": "user", "content": "q"}, {"role": "exit", "content": ""}, {"no": "role"})
    assert len(transcript.messages) == 1
    assert [warning.partition(": ")[2] for warning in transcript.warnings] == [
        "message 1: a message of role 'exit' is not sent, kept as it is",
        "message 2: not a message, kept as it is",
    ]


def test_outputs_satisfy_the_official_package(shared: Path) -> None:
    """What the package's own types refuse, the API refuses."""
    for path in sorted((shared / "transcripts/openai-chat").glob("*.request.json")):
        transcript = load(path.read_bytes(), "openai")
        made = written(transcript, notice(), *transcript.messages)
        validate_openai(made)


def test_our_messages_satisfy_the_official_package() -> None:
    """Everything that a layer or repair can put in."""
    transcript = read({"role": "user", "content": "q"}, {"role": "assistant", "content": None, "tool_calls": [CALL]})
    call = transcript.messages[1].calls[0]
    closing = Message("tool", (call._replace(kind="result", text="interrupted", record=-1),), synthetic="closing")
    ack = Message("assistant", notice().parts, synthetic="acknowledgement")
    validate_openai(written(transcript, notice(), ack, *transcript.messages, closing))
