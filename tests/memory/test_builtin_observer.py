"""The built-in observer: what it marks how, what it says of deeds, and that nothing in the transcript can fool it."""

import json

import pytest

from cortex_cli.memory.log import read_log
from cortex_cli.messages import Message
from tests.conftest import assistant, call, result, user
from tests.memory.logs import COUNTER, at, is_in_form, observed
from tests.summarizers.attacks import EACH, EVIL, RULE, conversation


def did(
    time: str, name: str, arguments: dict[str, object], output: str, *, is_error: bool = False, call_id: str = "c"
) -> list[Message]:
    """Build a call with its result."""
    return [
        at(time, assistant(call(name, call_id, json.dumps(arguments)))),
        at(time, result(call_id, output, name=name, is_error=is_error)),
    ]


RED = "E   AssertionError: boom\n3 failed, 10 passed in 2s"
SESSION = (
    at("02T09:15", user("Please refactor the billing module. Never edit migrations/. The staging port is 8473.")),
    *did("02T09:16", "Bash", {"command": "pytest -q"}, RED, is_error=True),
    at("02T09:20", assistant("The root cause is a stale lock in src/db.py.")),
    *did("02T09:21", "Edit", {"file_path": "/app/src/db.py", "old_string": "a"}, "The file has been updated"),
    at("02T09:22", assistant("Which region should I use?")),
    at("02T09:23", user("eu-west-1.")),
    *did("02T09:30", "Bash", {"command": "pytest -q"}, "13 passed in 2s"),
    at("03T00:05", user("Which tests are slow?")),
)


def test_the_log_says_what_happened_when() -> None:
    """Statements of the user are critical, questions are not, deeds stand with their outcome."""
    log = observed(*SESSION).observations
    assert is_in_form(log)
    assert log.startswith("Date: Jan 02, 2026\n* 🔴 (09:15) User: Please refactor the billing module. Never edit")
    assert "* 🔴 (09:23) User: [Which region should I use?] eu-west-1." in log
    assert "* 🟡 (09:20) Assistant: The root cause is a stale lock in src/db.py." in log
    assert "* 🟡 (09:21) Changed files: /app/src/db.py" in log
    assert "* ✅ (09:30) Ran: pytest -q => 13 passed in 2s" in log
    assert "* ✅ (09:30) Fixed error:" in log
    assert log.endswith("Date: Jan 03, 2026\n* 🟡 (00:05) User asked: Which tests are slow?")


def test_hints_say_what_is_next() -> None:
    """An agent that wakes up with the log must know what it was asked last."""
    assert observed(*SESSION).current_task == "Which tests are slow?"
    waiting = observed(*SESSION[:-1], at("03T00:06", assistant("All is green. Shall I push it to main now?")))
    assert waiting.suggested_response == "Wait for the answer to: Shall I push it to main now?"
    running = observed(*SESSION, at("03T00:07", assistant(call("Bash", "open", '{"command":"make"}'))))
    assert running.suggested_response == "Wait for the result of Bash make"


def test_a_later_value_is_an_update() -> None:
    """The log only grows: what changed must be seen to have changed."""
    first = observed(*SESSION).observations
    later = observed(at("04T10:00", user("The staging port is now 9001.")), earlier=first).observations
    assert later == "Date: Jan 04, 2026\n* 🔴 (10:00) UPDATE: User: The staging port is now 9001."


def test_what_was_never_in_the_log_is_no_update() -> None:
    """The value that changed within one piece was never known to a reader."""
    log = observed(
        at("04T10:00", user("The port is 8473.")), at("04T10:05", user("The port is now 9001."))
    ).observations
    assert log == "Date: Jan 04, 2026\n* 🔴 (10:05) User: The port is now 9001."


def test_what_the_log_says_is_not_said_again() -> None:
    """A user who repeats a rule must not make the log grow."""
    first = observed(*SESSION).observations
    again = observed(at("04T10:00", user("Never edit migrations/. Use tabs in Makefiles.")), earlier=first)
    assert again.observations == "Date: Jan 04, 2026\n* 🔴 (10:00) User: Use tabs in Makefiles."


def test_a_summary_among_the_messages_is_taken_in() -> None:
    """A session compacted before in the classic way must not lose what its summary carried."""
    text = (
        '<compaction-summary generated="2026-01-01T00:00:00Z" turns-summarized="9">\n## Key decisions\n'
        "> Never push to main.\n## Files and code\n* changed: src/a.py\n</compaction-summary>"
    )
    summary = at("02T08:00", Message("user", user(text).parts, synthetic="summary"))
    log = observed(summary, *SESSION).observations
    assert "(08:00) User: Never push to main." in log
    assert "(08:00) Changed files: src/a.py" in log


def test_without_times() -> None:
    """Many formats record none: then the log claims none."""
    log = observed(*(message._replace(time="") for message in SESSION)).observations
    assert log.startswith("Date: not recorded\n* 🔴 User: Please refactor")
    assert is_in_form(log)


@pytest.mark.parametrize("budget", [10, 30, 60, 120, 300])
def test_the_budget_holds(budget: int) -> None:
    """A log that is larger than asked pushes the window over."""
    entry = observed(*SESSION, max_tokens=budget)
    assert COUNTER.count_text(entry.observations) <= budget
    assert entry.observations or entry.failure


def test_nothing_to_say_is_said() -> None:
    """What leaves the conversation has an entry: an author that gives none would keep it from ever leaving."""
    log = observed(at("02T09:00", assistant(""))).observations
    assert log == "Date: Jan 02, 2026\n* 🟢 (09:00) Nothing of note in 1 message"
    assert observed(at("02T09:00", assistant("")), max_tokens=3).failure == "no entry fits in 3 tokens"


def test_same_input_same_bytes() -> None:
    """A log that changes by itself breaks the cache."""
    assert observed(*SESSION) == observed(*SESSION)


@EACH
def test_what_tools_say_stays_data(attack: str) -> None:
    """A tool result can add no entry, close no tag and never speak for the user."""
    entry = observed(list(conversation(attack)), max_tokens=1_200)
    log = entry.observations
    assert is_in_form(log)
    assert "</observations" not in log
    critical = [each for each in read_log(log) if each.marker == "critical"]
    assert any(RULE.split(";")[0] in each.text for each in critical)
    assert not any(EVIL in line for each in critical for line in (each.text, *each.details))
    assert EVIL not in entry.current_task + entry.suggested_response
