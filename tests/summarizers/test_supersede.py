"""Which statement a later one replaces: the same subject with another value, never a subject that only looks alike."""

from collections.abc import Mapping, Sequence

import pytest

from cortex_cli.summarizers.salience import Unit, weigh
from cortex_cli.summarizers.statements import Statement, read_statements
from cortex_cli.summarizers.supersede import find_replacements
from cortex_cli.summarizers.words import Lexer
from tests.summarizers.chats import DEV, FRESH, HELD_OUT, TUNED, Chat, make_chat, numbered
from tests.summarizers.families import Family
from tests.summarizers.harness import has_value

SEEDS = range(12)


def units(*texts: str) -> list[Unit]:
    """Weigh what a user said."""
    return weigh([Statement("user", text, at, at) for at, text in enumerate(texts)], Lexer())


def grades(*texts: str) -> dict[int, str]:
    """Return which of the texts no longer holds, and how sure that is."""
    return {each.earlier: each.grade for each in find_replacements(units(*texts))}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("The staging port is 8080.", "The staging port is now 9001."),
        ("The staging port is 8080.", "Staging moved from 8080 to 9001."),
        ("Keep the retry limit at 5.", "Let's raise the retry limit to 7."),
        ("My favorite color is green.", "My favorite color is now blue."),
        ("I'm flying to Lisbon on May 3.", "I'm flying to Lisbon on May 5 instead."),
        ("Dana approves releases.", "Omar approves releases now."),
        ("The deadline is Friday.", "The deadline moved to Monday."),
        ("Never deploy on Fridays.", "Deploying on Fridays is fine now."),
        ("Please always write tests in pytest.", "Forget what I said about tests in pytest, use unittest."),
        ("The test suite takes 45 seconds.", "The test suite takes 52 seconds."),
        ("Request 3: keep port 9090.", "Actually, request 3: keep port 9191."),
        ("Our review period is two weeks.", "Our review period is now three weeks."),
        ("Update 1: the backup port is 8080.", "Update 2: the backup port is now 9090."),
        (
            "The bridge loan I know off the top of my head: $5,000.",
            "Please change the bridge loan in my notes to $7,000.",
        ),
        (
            "If memory serves, the dress rehearsal is at 18:30.",
            "Correct the dress rehearsal in your calendar to 19:15.",
        ),
        (
            "For the record, the fence contractor is Mo Lind.",
            "Cross out the fence contractor on the list, it's Kim Ray.",
        ),
    ],
)
def test_changed_value_replaces(earlier: str, later: str) -> None:
    """Two values of one thing leave the reader to guess."""
    assert grades(earlier, "The weather was nice.", later) == {0: "dropped"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The staging port is 8080.", "The production port is now 9090."),
        ("The release approver is Dana.", "The release timing is Thursday 18:00."),
        ("The primary database is db-1.", "The backup database is now db-2."),
        ("The import batch size is 100.", "The export batch size is now 200."),
        ("The API timeout is 30 seconds.", "The API timeout for uploads is now 60 seconds."),
        ("The meeting is at 10:00.", "We moved dinner to 19:00, after the meeting."),
        ("Phase 2 is complete.", "Phase 3 is complete."),
        ("The price of tea on the board is $5.", "Change the price of tea in the ledger to $6."),
        ("There are converters between `a.State` and `b.State`.", "Update the converters to include `EndedAt`."),
        ("The board meeting is on May 3.", "Move the board review to May 5."),
        ("The paper in the tray is 80 g.", "Change the toner in the tray to 12 units."),
        ("Request 2: keep port 8080.", "Request 3: keep port 9090."),
        ("Task A: set the limit to 5.", "Task B: set the limit to 9 now."),
        ("The paper one grade boundary is 70.", "The paper two grade boundary is now 65."),
        ("Round two starts at 9:00.", "Round three starts at 10:00."),
        ("Our dog Biscuit is 3 years old.", "Our cat Milo is now 5 years old."),
        ("The budget is $5,000.", "The marketing budget is now $8,000."),
        ("The build takes 45 seconds.", "The build takes 7 minutes on CI."),
        ("The European sales contact is Ines Berg.", "The American sales contact is now Omar Novak."),
        ("The home changing room is 241.", "The away changing room is now 987."),
        ("Should the port be 8080?", "The port is now 9001."),
    ],
)
def test_other_subject_stays(one: str, other: str) -> None:
    """Losing a live value is worse than keeping a stale one."""
    assert "dropped" not in grades(one, other).values()


def test_of_several_the_same_subject_is_meant() -> None:
    """A change of `the table count` is not one of the indoor table count."""
    assert grades("The indoor table count is 9.", "The table count is 20.", "The table count is 24 now.") == {
        1: "dropped"
    }


def test_where_several_come_into_question_none_is_dropped() -> None:
    """Either may be meant."""
    assert (
        "dropped"
        not in grades(
            "The indoor table count is 9.", "The outdoor table count is 20.", "The table count is 24 now."
        ).values()
    )


def test_assistant_overrules_only_by_telling_a_change() -> None:
    """What an assistant assumes does not replace what the user said."""
    said = [
        Statement("user", "The staging port is 8080.", 0, 0),
        Statement("assistant", "The staging port is 9001.", 1, 1),
    ]
    assert find_replacements(weigh(said, Lexer())) == []
    said[1] = said[1]._replace(text="I changed the staging port to 9001.")
    assert len(find_replacements(weigh(said, Lexer()))) == 1


def test_announced_change_counts_for_the_next_sentence() -> None:
    """`Sorry, wrong number before. The port is ...` tells of a change in two sentences."""
    said = [
        Statement("user", "our dev port is 8080", 0, 0),
        Statement("user", "sorry, wrong number before.", 1, 1),
        Statement("user", "dev port is 9001", 1, 2),
    ]
    assert [each.earlier for each in find_replacements(weigh(said, Lexer()))] == [0]


def counted(families: Mapping[str, Family]) -> tuple[list[int], int, int]:
    """Count over generated chats: live values lost, stale values cleared, updates."""
    lost: list[int] = []
    cleared = updates = 0
    for family in families.values():
        for seed in SEEDS:
            chat = make_chat(family, seed)
            said = weigh(list(read_statements(numbered(chat.messages))), Lexer())
            gone = [said[each.earlier].statement.text for each in find_replacements(said) if each.grade == "dropped"]
            lost.append(sum(_names(gone, subject, value) for subject, value in (*chat.values, *chat.lookalikes)))
            cleared += sum(_names(gone, subject, old) for subject, old, _ in chat.updates)
            updates += len(chat.updates)
    return lost, cleared, updates


def _names(texts: Sequence[str], subject: str, value: str) -> bool:
    return any(subject.lower() in text.lower() and has_value(text, value) for text in texts)


def test_tuned_wordings_lose_nothing_live() -> None:
    """In wordings that were looked at, every update is seen and no look-alike is touched."""
    lost, cleared, updates = counted(TUNED)
    assert sum(lost) == 0
    assert cleared >= 0.95 * updates


@pytest.mark.parametrize(
    ("families", "share"), [(DEV, 0.75), (HELD_OUT, 0.8), (FRESH, 0.8)], ids=["looked at", "held out", "fresh"]
)
def test_other_wordings_lose_nothing_live_either(families: Mapping[str, Family], share: float) -> None:
    """In wordings that weights were not set for: of 3,120 live values none, and four of five updates seen."""
    lost, cleared, updates = counted(families)
    assert sum(lost) == 0
    assert cleared >= share * updates


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The first shipment leaves on May 3.", "July 2 has been entered for the second shipment."),
        ("The last add spawns after 40 seconds.", "so the first add spawns after 55 seconds now"),
        ("Ask Mo before you touch the shared drive.", "Ask Kim before you touch the shared drive."),
        ("Ship the level only after Ruben has played it.", "Ship the level only after Tamsin has played it."),
        ("The reefer count is 79 with immediate effect.", "The crane cycle is revised to 82 with immediate effect."),
        ("Don't deploy the search index while a job runs.", "Only Dana may deploy the search index."),
    ],
)
def test_rules_and_neighbours_hold_side_by_side(one: str, other: str) -> None:
    """Two rules of one form, and two subjects in one frame, do not replace each other."""
    assert "dropped" not in grades(one, "The weather was nice.", other).values()


def test_chat_has_what_it_says() -> None:
    """The generator itself: every planted value stands in the chat with its subject."""
    chat: Chat = make_chat(TUNED["ops"], 3)
    text = [message.text for message in chat.messages]
    assert all(_names(text, subject, value) for subject, value in (*chat.values, *chat.lookalikes))
