"""What left, what stayed, what changed between two transcripts."""

from dataclasses import replace

from cortex_cli.comparing import changed_parts, compare
from cortex_cli.messages import Message
from cortex_cli.tokens import make_counter
from tests.conftest import assistant, call, live, result, transcript, user

MESSAGES = live(
    user("first", id="u1"),
    assistant("reading", call("Read", "c1"), id="a1"),
    result("c1", "long text", name="Read", id="r1"),
    assistant("yes", id="a2"),
    user("yes"),
    user("yes"),
)
BEFORE = transcript(*MESSAGES)


def _compare(*messages: Message):  # type: ignore[no-untyped-def]
    after = replace(BEFORE, messages=messages)
    return compare(BEFORE, after, make_counter("heuristic"))


def test_a_transcript_does_not_differ_from_itself() -> None:
    """No noise where nothing happened."""
    found = _compare(*MESSAGES)
    assert (found.same, found.left, found.came, found.edited) == (len(MESSAGES), (), (), ())


def test_an_edited_result_is_known_by_its_call() -> None:
    """What compaction does most is shown as a change, not as one message gone and another come."""
    edited = MESSAGES[2]._replace(parts=(MESSAGES[2].parts[0]._replace(text="short"),))
    found = _compare(*MESSAGES[:2], edited, *MESSAGES[3:])
    assert (found.same, found.left, found.came) == (len(MESSAGES) - 1, (), ())
    [one] = found.edited
    [(old, new)] = changed_parts(one)
    assert old is not None
    assert new is not None
    assert (old.text, new.text) == ("long text", "short")


def test_what_left_and_what_came() -> None:
    """Equal texts are told apart by how often they stand there."""
    notice = user("[cortex: 3 earlier messages (~9 tokens) removed to fit]")
    found = _compare(notice, *MESSAGES[3:5])
    assert [message.position for message in found.left] == [0, 1, 2, 5]
    assert found.came == (notice,)
    assert found.same == 2
    data = found.to_json()
    assert [entry["message"] for entry in data["left"]] == [0, 1, 2, 5]
    assert data["saved_tokens"] == data["input"]["tokens"] - data["output"]["tokens"]
