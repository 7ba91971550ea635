"""Anthropic Messages."""

import json
from pathlib import Path
from typing import Any

import pytest

from cortex_cli.messages import Message, Transcript, Usage
from tests.conftest import notice
from tests.formats.sdk import needs_beta, validate_anthropic
from tests.roundtrip import dump, load

USE = {"type": "tool_use", "id": "a", "name": "Read", "input": {"path": "x"}}
RESULT = {"type": "tool_result", "tool_use_id": "a", "content": "r"}


def read(*values: dict[str, Any], **top: Any) -> Transcript:
    """Read messages, in an object where more is given."""
    return load(json.dumps({"messages": values, **top} if top else values).encode(), "anthropic")


def user(*blocks: Any) -> dict[str, Any]:
    """Build a user's message."""
    return {"role": "user", "content": blocks[0] if isinstance(blocks[0], str) else list(blocks)}


def answer(*blocks: Any) -> dict[str, Any]:
    """Build an answer."""
    return user(*blocks) | {"role": "assistant"}


def written(transcript: Transcript, *messages: Message) -> list[Any]:
    """Write other messages and return the values."""
    output = json.loads(dump(transcript.with_messages(messages)))
    return list(output["messages"] if isinstance(output, dict) else output)


def test_each_result_is_a_message_then_comes_the_rest() -> None:
    """Layers judge results one by one; the API sends them in one message."""
    text = {"type": "text", "text": "and?"}
    other = RESULT | {"tool_use_id": "b", "is_error": True}
    transcript = read(user("q"), answer(USE, USE | {"id": "b"}), user(RESULT, other, text))
    assert [message.role for message in transcript.messages] == ["user", "assistant", "tool", "tool", "user"]
    assert [message.records for message in transcript.messages[2:]] == [(2,), (2,), (2,)]
    assert [message.typed for message in transcript.messages] == [True, False, False, False, True]
    assert [message.parts[0].is_error for message in transcript.messages[2:4]] == [False, True]
    assert transcript.messages[2].parts[0].name == "Read"


def test_system_is_a_slot_without_a_record() -> None:
    """It is sent and counted, and no layer drops it."""
    plain = read(user("q"), system="be brief").messages[0]
    blocks = read(user("q"), system=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]).messages[0]
    assert [(one.role, one.text, one.slot, one.records, one.position) for one in (plain, blocks)] == [
        ("system", "be brief", True, (), 0), ("system", "a\nb", True, (), 0),
    ]  # fmt: skip
    assert read(user("q"), system="").messages[0].role == "user"


def test_system_within_the_conversation_is_a_message() -> None:
    """Newer models take the role after a user's turn."""
    transcript = read(user("q"), {"role": "system", "content": "now terse"}, answer("a"), max_tokens=9)
    assert [message.role for message in transcript.messages] == ["user", "system", "assistant"]
    assert transcript.messages[1].slot


@pytest.mark.parametrize(
    ("block", "kind", "signed"),
    [
        ({"type": "thinking", "thinking": "t", "signature": "s"}, "thinking", True),
        ({"type": "redacted_thinking", "data": "xx"}, "thinking", True),
        ({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, "opaque", False),
        ({"type": "web_search_tool_result", "tool_use_id": "s", "content": []}, "opaque", False),
        ({"type": "novel"}, "opaque", False),
        ({"type": "text"}, "opaque", False),
        ("bare", "opaque", False),
        ({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}, "media", False),
        ({"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}, "media", False),
    ],
)
def test_blocks_are_read(block: Any, kind: str, signed: bool) -> None:
    """What the server's own tools said is counted and never edited."""
    part = read(user("q"), {"role": "assistant", "content": [block]}).messages[1].parts[0]
    assert (part.kind, part.signed) == (kind, signed)


def test_calls_and_results_on_the_wrong_side_are_opaque() -> None:
    """They pair with nothing; the API refuses them, and dropping them is not ours."""
    transcript = read(user(USE), answer(RESULT))
    assert [part.kind for message in transcript.messages for part in message.parts] == ["opaque", "opaque"]


def test_results_are_edited_in_place() -> None:
    """Everything beside the text keeps its bytes: cache marks, citations, numbers."""
    data = b"""{"messages": [ {"role":"user","content":"q"}, {"role":"assistant","content":[
      {"type":"tool_use","id":"a","name":"f","input":{"n": 1.10, "s": "long long"}}]},
      {"role": "user", "content": [{"content": [{"type":"text","text":"long", "cache_control": {"type": "ephemeral"}},
      {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},
      {"type":"text","text":"more"}],
      "tool_use_id":"a","type":"tool_result"}]} ], "max_tokens": 1e3}"""
    transcript = load(data, "anthropic")
    call, result = transcript.messages[1].parts[0], transcript.messages[2].parts[0]
    assert result.text == "long\nmore"
    edited = (
        transcript.messages[0],
        transcript.messages[1]._replace(parts=(call._replace(text=call.text.replace("long long", "s")),)),
        transcript.messages[2]._replace(parts=(result._replace(text="s", media=()),)),
    )
    expected = data.replace(b'"s": "long long"', b'"s": "s"').replace(b'"text":"long",', b'"text":"s",')
    start, end = expected.index(b',\n      {"type":"image"'), expected.index(b'],\n      "tool_use_id"')
    assert dump(transcript.with_messages(edited)) == expected[:start] + expected[end:]


@pytest.mark.parametrize("content", ["said", [{"type": "text", "text": "said"}]])
def test_texts_of_our_own_are_edited_in_place(content: Any) -> None:
    """A later run adds to the numbers of a notice instead of writing a second one."""
    transcript = read({"role": "user", "content": content}, answer("a"))
    part = transcript.messages[0].parts[0]
    edited = transcript.messages[0]._replace(parts=(part._replace(text="more"),))
    expected = "more" if isinstance(content, str) else [{"type": "text", "text": "more"}]
    assert written(transcript, edited, transcript.messages[1])[0] == {"role": "user", "content": expected}


def test_arguments_that_are_a_string_stay_one() -> None:
    """Some recorders keep the raw answer of the model."""
    transcript = read(user("q"), answer(USE | {"input": "raw"}))
    call = transcript.messages[1].calls[0]
    edited = transcript.messages[1]._replace(parts=(call._replace(text="r"),))
    assert written(transcript, transcript.messages[0], edited)[1]["content"][0]["input"] == "r"


def test_one_result_of_several_leaves_alone() -> None:
    """Repair drops the orphan; its siblings and the user's text keep their bytes."""
    text = {"type": "text", "text": "and?"}
    transcript = read(user("q"), answer(USE), user(RESULT | {"tool_use_id": "x"}, RESULT, text))
    kept = [message for at, message in enumerate(transcript.messages) if at != 2]
    assert written(transcript, *kept)[2] == user(RESULT, text)


def test_what_a_server_side_compaction_made_dead_is_not_live() -> None:
    """When replayed the API ignores everything before the block."""
    block = {"type": "compaction", "content": "all of it"}
    usage = {"input_tokens": 5, "output_tokens": 2}
    old = answer({"type": "text", "text": "old"}, block, {"type": "text", "text": "new"}) | {"usage": usage}
    transcript = read(user("long ago"), old, user("now"), system="s")
    assert [(one.role, one.synthetic, one.parts[0].kind) for one in transcript.messages] == [
        ("system", "", "text"), ("assistant", "summary", "opaque"), ("assistant", "", "text"), ("user", "", "text"),
    ]  # fmt: skip
    assert transcript.usage == Usage(7, 3)
    assert dump(transcript) == dump(transcript.with_messages(list(transcript.messages)))


@pytest.mark.parametrize("is_last_word_kept", [True, False])
def test_the_dead_leave_with_their_compaction(is_last_word_kept: bool) -> None:
    """Without it they would come to life again."""
    block = {"type": "compaction", "content": "all of it"}
    old = answer({"type": "text", "text": "old"}, block, {"type": "text", "text": "new"})
    transcript = read(user("long ago"), old, user("now"))
    kept = transcript.messages[1 if is_last_word_kept else 2 :]
    output = written(transcript, notice(), *kept)
    first = user({"type": "text", "text": notice().text})
    if is_last_word_kept:
        assert output == [first, answer({"type": "text", "text": "new"}), user("now")]
    else:
        assert output == [user(first["content"][0], {"type": "text", "text": "now"})]


def test_usage_counts_the_cache_too() -> None:
    """Cached input was sent like the rest."""
    usage = {
        "input_tokens": 1,
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 300,
        "output_tokens": 4000,
    }
    transcript = read(user("q"), answer("a") | {"usage": usage, "model": "claude-x"}, user("more"))
    assert (transcript.usage, transcript.model) == (Usage(4321, 2), "claude-x")


def test_an_answer_alone_is_a_transcript() -> None:
    """Recorded answers stand in files of their own; their usage is about a request that is not there."""
    value = {
        "type": "message",
        "model": "claude-x",
        **answer({"type": "text", "text": "a"}),
        "usage": {"input_tokens": 5},
    }
    for data in (json.dumps(value).encode(), json.dumps(value, indent=1).encode()):
        transcript = load(data)
        assert (transcript.format, len(transcript.messages), transcript.model) == ("anthropic", 1, "claude-x")
        assert transcript.usage is None
        assert dump(transcript) == data


def test_tool_schemas_are_the_preamble() -> None:
    """They are sent with every call."""
    assert read(user("q"), tools=[{"name": "f"}]).preamble == ('{"name":"f"}',)


def test_outputs_satisfy_the_official_package(shared: Path) -> None:
    """What the package's own types refuse, the API refuses."""
    for path in sorted((shared / "transcripts/anthropic-messages").glob("*.request.json")):
        transcript = load(path.read_bytes(), "anthropic")
        is_beta = needs_beta(json.loads(path.read_bytes())["messages"])
        validate_anthropic(written(transcript, notice(), *transcript.messages), is_beta=is_beta)


def test_our_messages_satisfy_the_official_package() -> None:
    """Everything that a layer or repair can put in."""
    transcript = read(user("q"), answer(USE))
    call = transcript.messages[1].calls[0]
    closing = Message("tool", (call._replace(kind="result", text="interrupted", record=-1, is_error=True),))
    ack = Message("assistant", notice().parts, synthetic="acknowledgement")
    output = written(transcript, notice(), ack, *transcript.messages, closing)
    validate_anthropic(output)
    assert [value["role"] for value in output] == ["user", "assistant", "user", "assistant", "user"]
    assert output[-1]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": "interrupted", "is_error": True}
    ]


def test_a_list_whose_calls_left_is_known_by_a_text_of_ours_that_shares_a_message() -> None:
    """Chat completions give ours a message of its own: read as those, a summary would be what the user said."""
    transcript = read(user("q"), answer(USE), user(RESULT), answer("ok"), user("and?"), answer("so"))
    block = {"type": "text", "text": notice().text}
    values = written(transcript, transcript.messages[0], notice(), transcript.messages[3])
    assert values[0]["content"][0] == block
    assert load(json.dumps(values).encode()).format == "anthropic"
    assert load(json.dumps({"model": "claude-sonnet-4-5", "messages": values}).encode()).format == "anthropic"
    assert load(json.dumps([user({"type": "text", "text": "q"}, block), *values[1:]]).encode()).format == "openai"
