"""A format from outside, with public names alone: one file and one line."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import cortex_cli
from cortex_cli import Message, Part, Transcript, formats

ROLES: dict[str, Any] = {"U": "user", "A": "assistant", "C": "assistant", "R": "tool"}


def read(source: Any) -> Transcript:
    """Read lines of a letter and a text: user, answer, call, result."""
    messages: list[Message] = []
    for record, line in enumerate(source.data.decode().splitlines()):
        letter, _, text = line.partition(" ")
        kind: Any = {"C": "call", "R": "result"}.get(letter, "text")
        part = Part(kind, text.replace("\\n", "\n"), name="tool" if kind != "text" else "", call_id="c", record=record)
        messages.append(Message(ROLES[letter], (part,), (record,), typed=letter == "U", position=record))
    live = tuple(messages)
    return Transcript("toy", live, live, source.records, path=source.path)


def write(transcript: Transcript) -> Iterator[bytes]:
    """Write them."""
    letters = {"text": "", "call": "C", "result": "R"}
    for message in transcript.messages:
        part = message.parts[0]
        letter = letters[part.kind] or message.role[0].upper()
        yield f"{letter} {part.text}".replace("\n", "\\n").encode() + b"\n"


TOY = SimpleNamespace(NAME="toy", detect=lambda source: float(source.data.startswith(b"U ")), load=read, dump=write)


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the toy for one test."""
    monkeypatch.setattr(formats, "FORMATS", formats.FORMATS)
    cortex_cli.register_format(TOY)


def test_a_format_from_outside_goes_through_the_whole_pipeline() -> None:
    """Detected, compacted by every layer, written, and the same again on the second run."""
    data = b"U go\n" + b"C ls\nR " + b"line of output\\n" * 900 + b"\nA done\n" * 1
    data = data * 6
    transcript = cortex_cli.load(data)
    assert transcript.format == "toy"
    assert cortex_cli.dump(transcript) == data
    settings = cortex_cli.Settings(window=8_000, tokenizer="heuristic")
    done = cortex_cli.compact(transcript, settings)
    output = cortex_cli.dump(done.transcript)
    assert len(output) < len(data) / 2
    assert done.report.input.format == "toy"
    assert not cortex_cli.find_problems(cortex_cli.load(output).messages)
    assert cortex_cli.dump(cortex_cli.compact(cortex_cli.load(output), settings).transcript) == output


def test_its_name_can_be_asked_for() -> None:
    """As that of any other; a format of the same name is replaced."""
    assert cortex_cli.load(b"A hello\n", format="toy").messages[0].text == "hello"
    cortex_cli.register_format(TOY)
    assert [known.NAME for known in formats.FORMATS].count("toy") == 1
