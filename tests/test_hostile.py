"""Bad input ends in one clear error or is handled: no traceback, nothing lost, nothing half-written."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli import formats
from cortex_cli.errors import CortexError, ExitCode
from cortex_cli.formats.source import Source
from cortex_cli.messages import Transcript
from tests.hostile import NOT_TRANSCRIPTS, WRONG_VALUES, awkward, damaged_lines, is_lines, paths, sound, with_value
from tests.writers import WRITERS

KNOWN = {known.NAME for known in formats.FORMATS}
WRITTEN = list(WRITERS)


def attempt(format: str, data: bytes) -> Transcript | CortexError:
    """Read bytes, or return why they were refused."""
    try:
        return formats.load(Source(data, "t.jsonl"), format)
    except CortexError as error:
        return error


def is_clear(refused: CortexError) -> bool:
    """Tell whether an error says where it is, in one line, and ends with the code for bad input."""
    text = str(refused)
    return text.startswith("t.jsonl") and "\n" not in text and refused.exit_code == ExitCode.BAD_INPUT


def load(written: str, data: bytes) -> Transcript:
    """Read bytes as the format that they were written in."""
    return formats.load(Source(data, "t.jsonl"), WRITERS[written][0])


def dump(transcript: Transcript) -> bytes:
    """Write a transcript."""
    return b"".join(formats.dump(transcript))


@pytest.mark.parametrize("name", NOT_TRANSCRIPTS)
@pytest.mark.parametrize("format", ["auto", *sorted(KNOWN)])
def test_what_is_no_transcript_is_refused_or_empty(format: str, name: str) -> None:
    """An error names the file; what is read all the same comes out as it went in."""
    data = NOT_TRANSCRIPTS[name]
    done = attempt(format, data)
    if isinstance(done, CortexError):
        assert is_clear(done)
    else:
        assert dump(done) == data
        assert not [message for message in done.messages if message.role == "assistant"]


@pytest.mark.parametrize(
    ("written", "what", "data"),
    [
        pytest.param(written, what, data, id=f"{written}: {what}")
        for written in WRITTEN
        if is_lines(written)
        for what, data in damaged_lines(written)
    ],
)
def test_damaged_lines_ride_along(written: str, what: str, data: bytes) -> None:
    """A session whose last line is torn is what a crash leaves: all of it stays readable, nothing is lost."""
    transcript = load(written, data)
    assert dump(transcript) == data
    said = {message.text for message in transcript.messages}
    assert {"please look at src/app.py", "you are welcome"} <= said or what == "two objects on one line"
    if what not in ("no last line feed", "a line twice", "blank lines", "CRLF", "BOM", "an unknown record"):
        assert any(line.startswith("t.jsonl:") for line in transcript.warnings)


@pytest.mark.parametrize(
    ("written", "data"),
    [pytest.param(written, data, id=f"{written}: {what}") for written in WRITTEN for what, data in awkward(written)],
)
def test_odd_json_survives(written: str, data: bytes) -> None:
    """It is legal, so it is read, and comes out as the same bytes."""
    transcript = load(written, data)
    assert dump(transcript) == data
    assert len(transcript.messages) >= len(load(written, sound(written)).messages)


WRONG = st.sampled_from(WRONG_VALUES)


@cache
def places(written: str) -> tuple[tuple[Any, st.SearchStrategy[tuple[str | int, ...]]], ...]:
    """Return each record of the sound conversation, and what draws a place in it."""
    data = sound(written)
    values = [json.loads(line) for line in data.splitlines()] if is_lines(written) else [json.loads(data)]
    return tuple((value, st.sampled_from([(), *paths(value)])) for value in values)


@pytest.mark.parametrize("written", WRITTEN)
@given(drawn=st.data())
def test_wrong_values_never_end_in_a_traceback(written: str, drawn: st.DataObject) -> None:
    """Any value of any record may be of another kind than expected: refused with its place, or ridden along."""
    separator = b"\n" if is_lines(written) else b""
    values = [value for value, _ in places(written)]
    at = drawn.draw(st.integers(0, len(values) - 1))
    path = drawn.draw(places(written)[at][1])
    values[at] = with_value(values[at], path, drawn.draw(WRONG))
    wrong = separator.join(json.dumps(value).encode() for value in values) + separator
    done = attempt(drawn.draw(st.sampled_from(["auto", WRITERS[written][0]])), wrong)
    assert is_clear(done) if isinstance(done, CortexError) else dump(done) == wrong
