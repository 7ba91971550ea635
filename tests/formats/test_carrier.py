"""Where a compaction goes in a session file: the split, and that the formats keep to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli import formats, marks
from cortex_cli.formats.carrier import Carrier, plan_carrier
from cortex_cli.groups import call_groups
from cortex_cli.messages import Message, Part
from cortex_cli.repair import repair
from cortex_cli.tokens import make_counter
from tests.conftest import assistant, live, result, system, tool_pair, user
from tests.roundtrip import as_read_back, dump, essence, load
from tests.strategies import CONVERSATIONS
from tests.writers import WRITERS

COUNTER = make_counter("heuristic")

NOTICE = Message("user", (Part("text", marks.notice_text(marks.Notice(3, 40))),), synthetic="notice")

RULES = system("be brief")


def split(messages: tuple[Message, ...], *keep: int | Message, after_record: int = -1) -> Carrier:
    """Split what is left of a conversation: positions of messages, and messages of ours."""
    found = plan_carrier([messages[one] if isinstance(one, int) else one for one in keep], after_record=after_record)
    assert found is not None
    return found


def positions(messages: tuple[Message, ...]) -> list[int]:
    """Return where messages stood."""
    return [message.position for message in messages]


TALK = live(RULES, user("one"), tool_pair(), user("two"), tool_pair(call_id="b"), assistant("done"))


def test_without_a_message_of_ours_there_is_none() -> None:
    """Repair alone needs no record of a compaction."""
    assert plan_carrier(TALK) is None


def test_the_pinned_task_stands_apart() -> None:
    """What stood between it and the tail is gone."""
    found = split(TALK, 0, 1, NOTICE, 4, 5, 6, 7)
    assert (positions(found.slots), positions(found.apart), positions(found.tail)) == ([0], [1], [4, 5, 6, 7])
    assert positions(found.messages) == [0, -1, 1, 4, 5, 6, 7]


def test_what_touches_the_tail_belongs_to_it() -> None:
    """Nothing moves that need not."""
    found = split(TALK, 0, 4, NOTICE, 5, 6, 7)
    assert (positions(found.apart), positions(found.tail)) == ([], [4, 5, 6, 7])


def test_the_task_of_a_split_turn_stands_apart() -> None:
    """It follows the summary, and what came right after it is in the summary."""
    found = split(TALK, 0, NOTICE, 4, 7)
    assert (positions(found.apart), positions(found.tail)) == ([4], [7])


def test_parts_of_an_earlier_compaction_cannot_stay() -> None:
    """They have no line of their own."""
    messages = tuple(message._replace(records=(1,)) if message.position < 5 else message for message in TALK)
    found = split(messages, 0, NOTICE, 4, 5, 6, 7, after_record=1)
    assert (positions(found.apart), positions(found.tail)) == ([4], [5, 6, 7])


def test_a_removed_result_is_no_cut() -> None:
    """Repair may take something out of the tail; the tail stays where it is."""
    messages = live(user("one"), assistant("a"), user("two"), assistant("b"), result("x"), user("three"))
    found = split(messages, NOTICE, 2, 3, 5)
    assert positions(found.tail) == [2, 3, 5]


@pytest.mark.parametrize("name", ["codex", "pi"])
@given(drawn=CONVERSATIONS, data=st.data())
def test_whatever_is_kept_is_read_back(name: str, drawn: tuple[Message, ...], data: st.DataObject) -> None:
    """Any groups may go, our message may stand anywhere: the client reads the rest, in the order of the carrier."""
    _, write = WRITERS[name]
    before = load(write(drawn), name)
    messages = repair(before.messages, formats.rules_of(name), COUNTER).messages
    groups = call_groups(messages)
    gone = data.draw(st.sets(st.sampled_from(range(len(groups))))) if groups else set()
    left = {at for number in gone for at in groups[number].members if not messages[at].slot}
    cut = max(left, default=-1) + 1
    front = [messages[at] for at in range(cut) if at not in left]
    after = before.with_messages([*front, NOTICE, *messages[cut:]])
    output = dump(after)
    again = load(output, name)
    assert essence(again.messages) == essence(as_read_back(after))
    assert dump(again) == output
