"""The registry of formats: names, detection, data sets, plain values, formats from outside."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cortex_cli import formats
from cortex_cli.errors import InputError, OptionError
from cortex_cli.formats.source import Source
from cortex_cli.messages import Message, Part, Transcript
from tests.cli.command import SAMPLES
from tests.conftest import notice
from tests.roundtrip import dump, load

TEXTS = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
TOOL = {"role": "tool", "tool_call_id": "a", "content": "r"}


def lines(*values: Any) -> bytes:
    """Write JSON Lines."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def detected(data: bytes) -> str:
    """Return the name of the format that bytes are read as."""
    return formats.detect(Source(data, "t.json")).format.NAME


def test_an_unknown_name_offers_the_nearest() -> None:
    """A typing mistake in --format must not end in a traceback."""
    with pytest.raises(OptionError) as caught:
        formats.find("antropic")
    assert "anthropic" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ([*TEXTS, TOOL], "openai"),
        ({"model": "gpt-5", "messages": TEXTS}, "openai"),
        ({"messages": TEXTS, "tools": [{"type": "function", "function": {"name": "f"}}]}, "openai"),
        ([{"role": "system", "content": "s"}, *TEXTS], "openai"),
        ({"model": "claude-x", "max_tokens": 5, "system": "s", "messages": TEXTS}, "anthropic"),
        ({"messages": TEXTS, "tools": [{"name": "f", "input_schema": {}}]}, "anthropic"),
        ([TEXTS[0], {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}]}], "anthropic"),
        ([{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]}], "anthropic"),
        ([{"role": "user", "content": [{"type": "image", "media_type": "image/png", "data": ""}]}], "axio"),
        ([{"role": "toolResult", "toolCallId": "a", "content": []}], "pi-history"),
        ([TEXTS[0] | {"timestamp": 1700000000000}], "pi-history"),
    ],
)  # fmt: skip
def test_lists_are_told_apart(value: Any, name: str) -> None:
    """In one document, one message a line, and one conversation a line."""
    assert detected(json.dumps(value).encode()) == name
    assert detected(lines(value, value)) == name
    if isinstance(value, list):
        assert detected(lines(*value)) == name


@pytest.mark.parametrize(
    "value",
    [
        {"turns": [{"speaker": "a", "said": "hi"}]},
        {"steps": []},
    ],
)
def test_other_peoples_shapes_are_refused(value: Any) -> None:
    """Read as something near, they would be damaged; the hint says what was seen."""
    with pytest.raises(InputError, match=r"t.json:1: ") as caught:
        detected(json.dumps(value).encode())
    assert caught.value.hint.startswith("seen: ")


def test_a_doubtful_reading_is_said() -> None:
    """Mere texts could be anybody's; the user can decide."""
    transcript = load(lines(*TEXTS))
    assert transcript.format == "openai"
    assert transcript.warnings == ("read as openai; it could also be anthropic; --format decides",)
    assert load(lines(*TEXTS), "anthropic").warnings == ()
    assert load(lines(*TEXTS, TOOL)).warnings == ()


def test_a_wrong_format_is_refused_with_the_right_one() -> None:
    """Reading it anyway would lose the calls."""
    with pytest.raises(InputError, match=r"t.jsonl:1: not a transcript of format anthropic") as caught:
        load(lines(*TEXTS, TOOL), "anthropic")
    assert "openai" in caught.value.hint


def test_formats_are_known_by_the_names_of_their_modules() -> None:
    """They are listed without being imported, so the names stand twice."""
    for known in formats.FORMATS:
        assert sys.modules[known.detect.__module__].NAME == known.NAME


def test_a_session_needs_no_other_format() -> None:
    """Every format imported is time before the first byte is read."""
    code = "import sys, cortex_cli as c; c.load(sys.argv[1]); print('cortex_cli.formats.codex' in sys.modules)"
    command = [sys.executable, "-c", code, str(SAMPLES / "claude-code.jsonl")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_format_from_outside_is_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next format is one file: it is asked first, and all that handles transcripts can use it."""
    monkeypatch.setattr(formats, "FORMATS", formats.FORMATS)

    def read(source: Source) -> Transcript:
        part = Part("text", source.data.decode().removeprefix("toy "), record=0)
        messages = (Message("user", (part,), (0,), position=0),)
        return Transcript("toy", messages, messages, source.records)

    def write(transcript: Transcript) -> Iterator[bytes]:
        yield b"toy " + transcript.messages[0].text.encode()

    toy = SimpleNamespace(
        NAME="toy", detect=lambda source: float(source.data.startswith(b"toy ")), load=read, dump=write
    )
    formats.register(toy)
    transcript = load(b"toy hello")
    assert (transcript.format, dump(transcript)) == ("toy", b"toy hello")
    shorter = transcript.messages[0]._replace(parts=(Part("text", "bye", record=0),))
    assert dump(transcript.with_messages((shorter,))) == b"toy bye"
    assert formats.find("toy") is toy
    formats.register(toy)
    assert [known.NAME for known in formats.FORMATS].count("toy") == 1


def test_a_data_set_is_one_transcript_for_each_line() -> None:
    """Each is compacted by itself; what is between them stays, and all of it goes back into one file."""
    one, two = {"id": 1, "messages": [*TEXTS, TOOL]}, [*TEXTS, TOOL]
    data = b"\n" + lines({"meta": 1}, one) + b"torn {\n\n" + lines(two) + b"tail"
    transcripts = formats.load_all(Source(data, "set.jsonl"))
    assert [len(transcript.messages) for transcript in transcripts] == [3, 3]
    assert [transcript.line_of(transcript.messages[0]) for transcript in transcripts] == [3, 6]
    assert b"".join(formats.dump_all(transcripts)) == data
    assert transcripts[0].warnings == ("set.jsonl:4: not one JSON object, kept as it is",
                                       "set.jsonl:7: not one JSON object, kept as it is")  # fmt: skip
    changed = transcripts[1].with_messages((notice(), *transcripts[1].messages[1:]))
    output = b"".join(formats.dump_all((transcripts[0], changed)))
    expected = json.dumps([{"role": "user", "content": notice().text}, *two[1:]])
    assert json.loads(output.splitlines()[5]) == json.loads(expected)
    assert [line for at, line in enumerate(output.splitlines()) if at != 5] == [
        line for at, line in enumerate(data.splitlines()) if at != 5
    ]


def test_a_data_set_is_not_one_conversation() -> None:
    """Whoever asked for one gets an error that says what to do."""
    with pytest.raises(InputError, match="several conversations"):
        load(lines([*TEXTS, TOOL], [*TEXTS, TOOL]))


def test_real_data_sets_come_back_whole(shared: Path) -> None:
    """Fifty conversations of a fine-tuning set."""
    data = (shared / "transcripts/openai-chat/reason_tool_use_demo_50.jsonl").read_bytes()
    transcripts = formats.load_all(Source(data, "set.jsonl"))
    assert len(transcripts) == 50
    assert b"".join(formats.dump_all(transcripts)) == data


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_lists_of_dicts_come_back_as_such(name: str) -> None:
    """A program hands in what it would send and sends what it gets; untouched messages are the same objects."""
    values: list[Any] = [*TEXTS, {"role": "user", "content": "more"}, {"role": "assistant", "content": "done"}]
    transcript = formats.load_messages(values, name)
    assert formats.dump_messages(transcript) == values
    made = formats.dump_messages(transcript.with_messages((transcript.messages[0], notice(), *transcript.messages[3:])))
    assert made[-1] is values[-1]
    if name == "openai":
        assert made[:2] == [values[0], {"role": "user", "content": notice().text}]
        assert made[0] is values[0]
    else:
        blocks = [{"type": "text", "text": notice().text}, {"type": "text", "text": "hi"}]
        assert made == [{"role": "user", "content": blocks}, values[-1]]
    assert json.loads(dump(transcript.with_messages(transcript.messages[:1]))) == values[:1]


def test_users_that_meet_in_a_list_become_one() -> None:
    """The same rules hold for values as for bytes."""
    values = [TEXTS[0], TEXTS[1], {"role": "user", "content": [{"type": "text", "text": "more"}]}, TEXTS[1]]
    transcript = formats.load_messages(values, "anthropic")
    made = formats.dump_messages(transcript.with_messages((transcript.messages[0], *transcript.messages[2:])))
    assert made == [
        {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "text", "text": "more"}]}, TEXTS[1],
    ]  # fmt: skip


def test_a_data_set_is_not_for_formats_of_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that reads it all the same would lose the lines between."""
    toy = SimpleNamespace(
        NAME="toy",
        detect=lambda _source: 1.0,
        load=lambda _source: Transcript("toy", ()),
        dump=lambda _transcript: iter(()),
    )
    monkeypatch.setattr(formats, "FORMATS", (toy, *formats.FORMATS))
    with pytest.raises(InputError, match="not a transcript of format toy"):
        formats.load_all(Source(lines(TEXTS, TEXTS)))


def test_objects_of_provider_packages_are_read() -> None:
    """Programs append the answer as they got it, in one piece or its blocks."""

    class Block:
        def model_dump(self, **_options: Any) -> dict[str, Any]:
            return {"type": "tool_use", "id": "a", "name": "f", "input": {}}

    block = Block()
    values = [TEXTS[0], {"role": "assistant", "content": [block]}]
    transcript = formats.load_messages(values)
    assert transcript.messages[1].calls[0].name == "f"
    assert formats.dump_messages(transcript.with_messages([notice(), *transcript.messages]))[1]["content"] == [block]


def test_only_plain_lists_go_back_as_lists() -> None:
    """A file is written with `dump`."""
    with pytest.raises(TypeError):
        formats.dump_messages(load(lines(*TEXTS, TOOL)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "1: the input is empty"),
        (b"\n \n", "1: the input is empty"),
        (b"\x1f\x8b\x08", "1: this is gzip data"),
        (b"SQLite format 3\0", "1: this is an SQLite database"),
        (b"ab\0c", "1: this is binary data"),
        (b"hello\nworld\n", "1: not JSON"),
        (b'{"messages": [\n{"role": "user"\n', "3: not JSON"),
        (b'\n"text"', "2: not a transcript of a known format"),
        (b"17", "1: not a transcript"),
        (b"[" * 5000 + b"]" * 5000, "1: not JSON .depth limit exceeded"),
    ],
)
def test_what_is_no_transcript_is_refused_with_its_line(data: bytes, message: str) -> None:
    """The user sees where and what, not a traceback."""
    with pytest.raises(InputError, match=rf"t.jsonl:{message}"):
        load(data)


@pytest.mark.slow
def test_a_huge_line_is_read_once() -> None:
    """100 MB in one line: one message a line, and one document."""
    text = "x" * 100_000_000
    for data in (
        lines(TEXTS[0], {"role": "tool", "tool_call_id": "a", "content": text}),
        lines([TEXTS[0] | {"content": text}]),
    ):
        transcript = load(data, "openai")
        assert dump(transcript) == data
        assert dump(transcript.with_messages((*transcript.messages, notice()))).startswith(data[:1000])
