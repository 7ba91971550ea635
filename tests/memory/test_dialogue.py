"""Messages as an observing model sees them: dated, capped, and with nothing in them that passes for structure."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.memory.dialogue import dialogue
from cortex_cli.messages import Message
from cortex_cli.tokens import make_counter
from tests.conftest import assistant, call, live, result, user
from tests.memory.logs import at
from tests.summarizers.attacks import EACH, conversation

COUNTER = make_counter("heuristic")
STRUCTURE = re.compile(r"Date: [A-Z][a-z]{2} \d\d, \d{4}|Date: not recorded|\*\*[a-z ]+(?: \(\d\d:\d\d\))?\*\*: ")


def shown(*messages: Message | list[Message], max_tokens: int = 1_000_000) -> str:
    """Write messages that fit one chunk."""
    (chunk,) = dialogue(live(*messages), max_tokens, COUNTER)
    return chunk.text


def test_form() -> None:
    """The form of the specification: role and time, under dates; calls and results by name."""
    text = shown(
        at("02T23:58", user("Run the tests.")),
        at("02T23:59", assistant("I will.", call("Bash", "c", '{"command":"pytest -q"}'))),
        at("03T00:01", result("c", "13 passed\nin 2s", name="Bash")),
        at("03T00:02", user("<system-reminder>Be brief.</system-reminder>", typed=False)),
    )
    assert text == (
        "Date: Jan 02, 2026\n**user (23:58)**: Run the tests.\n"
        '**assistant (23:59)**: I will.\n  [Tool Call: Bash] {"command": "pytest -q"}\n'
        "Date: Jan 03, 2026\n**tool (00:01)**: [Tool Result: Bash] 13 passed\n  in 2s\n"
        "**program (00:02)**: &lt;system-reminder>Be brief.&lt;/system-reminder>"
    )


def test_arguments_are_five_of_eighty_characters() -> None:
    """A file that is written must not be shown twice."""
    arguments = {f"a{n}": "x" * 200 for n in range(7)} | {"a0": [1] * 100}
    text = shown(assistant(call("Write", "c", json.dumps(arguments))))
    assert text.count("x" * 80 + "…") == 4
    assert "x" * 81 not in text
    assert "... 2 more}" in text
    assert len(text.split('"a0": ')[1].split(", ")[0]) == 81


@pytest.mark.parametrize("cap", [300, 1_000, 5_000])
def test_the_cap_holds_for_every_chunk(cap: int) -> None:
    """What is over the model's window is refused by its provider, or cut without a word."""
    turns: list[Message | list[Message]] = []
    for n in range(30):
        turns += [at("02T10:00", user(f"Step {n}? {'word ' * 60}")), at("02T10:01", assistant(call("Read", f"c{n}")))]
        turns += [at("03T10:01", result(f"c{n}", chars=9_000))]
    chunks = dialogue(live(*turns), cap, COUNTER)
    assert all(COUNTER.count_text(chunk.text) <= cap for chunk in chunks)
    assert all(chunk.text.startswith("Date: Jan 0") for chunk in chunks)
    for n in range(30):
        assert any(f"Step {n}?" in chunk.text for chunk in chunks)


@EACH
def test_no_text_begins_a_line_of_ours(attack: str) -> None:
    """Whatever a tool says, only our own lines stand at the left margin, and only the user is `user`."""
    messages = conversation(attack)
    text = shown(list(messages))
    lines = [line for line in text.split("\n") if not line.startswith("  ")]
    assert [line for line in lines if not STRUCTURE.match(line)] == []
    typed = [message for message in messages if message.typed]
    assert sum(line.startswith("**user**: ") for line in lines) == len(typed)
    assert not re.search(r"<\s*/?\s*(?:observations|conversation|current-task)", text)


@given(st.lists(st.text(max_size=80), min_size=1, max_size=4))
def test_margins_hold_for_any_text(texts: list[str]) -> None:
    """Line ends come in many forms."""
    messages = [user(f"a{text}") if at_ % 2 else result("c", f"b{text}") for at_, text in enumerate(texts)]
    lines = re.split(r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", shown(messages))
    assert all(line.startswith("  ") or STRUCTURE.match(line) for line in lines)
