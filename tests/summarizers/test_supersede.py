"""Which statement a later one replaces: the same subject with another value, never a subject that only looks alike."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.messages import Message, Part
from cortex_cli.summarizers.claims import claims_of
from cortex_cli.summarizers.earlier import read_line
from cortex_cli.summarizers.salience import Unit, weigh
from cortex_cli.summarizers.statements import Statement, read_statements
from cortex_cli.summarizers.supersede import find_replacements
from cortex_cli.summarizers.survey import EARLIER_MARK, holding
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


def turns(*texts: str) -> list[Unit]:
    """Weigh a conversation; what an assistant says begins with `A: `."""
    said = [
        Message("assistant" if text.startswith("A: ") else "user", (Part("text", text.removeprefix("A: ")),))
        for text in texts
    ]
    typed = [message._replace(typed=message.role == "user") for message in said]
    return weigh(list(read_statements(numbered(typed))), Lexer())


def fates(*texts: str) -> dict[str, str]:
    """Return what becomes of which statement of a conversation."""
    units = turns(*texts)
    return {units[each.earlier].statement.text: each.grade for each in find_replacements(units)}


@pytest.mark.parametrize(
    ("texts", "gone"),
    [
        (("The word limit is 5506.", "A: Is the word limit still 5506?", "no, 6682"), "The word limit is 5506."),
        (
            (
                "The word limit is 5506.",
                "A: Just to check, the word limit is 5506?",
                "Not any more. It's 6682 since May.",
            ),
            "The word limit is 5506.",
        ),
        (("A: What is the word limit?", "5506", "A: Fine.", "The word limit is 6682 now."), "5506"),
        (
            (
                "A: And the mail relay limit, what is that?",
                "73, but ask the ops people.",
                "The mail relay limit is 90 now.",
            ),
            "73, but ask the ops people.",
        ),
    ],
)
def test_an_answer_has_its_subject_in_the_question(texts: tuple[str, ...], gone: str) -> None:
    """Half of what people say of values they say as answers."""
    assert fates(*texts) == {gone: "dropped"}


def test_an_answer_of_the_assistants_overrules_nobody() -> None:
    """A user asks, and what comes back holds a name or a number that has nothing to do with it."""
    assert fates("The chef is Freya Silva.", "Freya Silva is the chef, got that?", "A: Critics can be hard.") == {}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("The cluster job runs on node DB-5838.", "Forget DB-5838, the cluster node will be BC-8779."),
        ("The south gate: 21", "Yuki took the south gate from 21 to 26."),
        ("The blood thinner is 4.8 mg.", "It's 5.8 for the blood thinner dose, not 4.8."),
        ("The log retention is 82 days.", "the log retention: 82 -> 44"),
        (
            "The photographer: Dr. Ada Moravec",
            "Kim called, they want Mr. Elin Berg as the photographer, Dr. Ada Moravec didn't work out.",
        ),
        ("The bowl costs €2169.", "Correction: the bowl costs 2709 euros."),
        ("The dress fitting is on 8 May.", "The dress fitting is on 18th of January now."),
        (
            "The stamina refill takes 3.4 seconds.",
            "They want 8.7 for the stamina refill after all, 3.4 didn't work out.",
        ),
        ("The south gate opens at level 77.", "**Changed:** Hm, the south gate opens at level 64."),
        ("The log retention is 99 days.", "UPDATE: Can we make the log retention 71 instead?"),
    ],
)
def test_a_change_that_names_the_old_value_or_writes_it_anew(earlier: str, later: str) -> None:
    """Dates with an `of`, money with its unit in front or behind, numbers without theirs; arrows, `not`, `from`."""
    assert fates(earlier, "A: Okay.", "The weather was nice.", "A: Indeed.", later) == {earlier: "dropped"}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("The kiln goes up to 5478 degrees.", "Turns out I was wrong about the kiln temperature: 6189."),
        ("The ceremony begins at 19:45.", "Actually, 15:45 for the start of the ceremony."),
        ("The florist wants 450 euros.", "The florist's quote changed to 520 euros."),
    ],
)
def test_a_subject_that_is_worded_anew_is_marked(earlier: str, later: str) -> None:
    """The same noun and a noun of measure: likely the same thing, not surely."""
    assert fates(earlier, "A: Okay.", later) == {earlier: "marked"}


@pytest.mark.parametrize("link", [" and", " while", ","])
@pytest.mark.parametrize("kind", ["export", "import"])
def test_of_a_sentence_with_two_subjects_one_is_replaced(link: str, kind: str) -> None:
    """The live value of the other one stays, and it is said which is which."""
    text = f"The import batch size is 468 rows{link} the export batch size is 459 rows."
    old = {"import": "468 rows", "export": "459 rows"}
    held = holding(list(read_statements(numbered([said(text), said(f"The {kind} batch size is 133 rows now.")]))))
    assert [unit.statement.text for unit in held.units] == [
        text.replace(old[kind], f"{old[kind]} (earlier)"),
        f"The {kind} batch size is 133 rows now.",
    ]


def test_the_mark_stays_with_its_sentence() -> None:
    """A full stop parts it from its sentence; it is no sentence, no second mark, and tells of no change."""
    line = "The port is 8080. (earlier) The host is db-1. The bowl costs 5 euros (earlier) and the mug 7 euros."
    carried = tuple(read_line(line, "user", -1, "decisions"))
    assert [each.text for each in carried] == [
        "The port is 8080. (earlier)",
        "The host is db-1.",
        "The bowl costs 5 euros (earlier) and the mug 7 euros.",
    ]
    units = weigh([each._replace(message=-1) for each in carried], Lexer())
    assert [len(claims_of(unit, at)) for at, unit in enumerate(units)] == [0, 1, 1]
    first, *_ = holding([each._replace(message=-1) for each in carried]).units
    assert first.score < units[0].score


def test_the_mark_stands_behind_the_value_where_more_follows() -> None:
    """Behind a whole long sentence it might be taken for a mark of all of it."""
    held = holding(
        list(
            read_statements(
                numbered(
                    [
                        said("The kiln goes up to 5478 degrees, and then please look at the glaze recipe again."),
                        said("Turns out I was wrong about the kiln temperature: 6189."),
                    ]
                )
            )
        )
    )
    assert held.units[0].statement.text == (
        "The kiln goes up to 5478 degrees (earlier), and then please look at the glaze recipe again."
    )


@given(
    st.lists(
        st.sampled_from(
            [*"端口是数据库。，", "port", "is", "8080", "9001", "now", "and", "the", "host", "7.", "was", "5,"]
        ),
        max_size=30,
    )
)
def test_marks_go_into_any_text(pieces: list[str]) -> None:
    """Words are not always what spaces part; whatever is marked, the text itself stays."""
    text = "".join(piece if ord(piece[0]) > 255 else f" {piece} " for piece in pieces)
    now = said("The port is 1234 now and the host 77 now, the 端口 is 4 now.")
    for unit in holding(list(read_statements(numbered([said(f"The port is 8080 and the host 5 {text}"), now])))).units:
        assert " ".join(unit.statement.text.replace(EARLIER_MARK, "").split()) in " ".join(
            f"The port is 8080 and the host 5 {text} {now.text}".split()
        )


def said(text: str) -> Message:
    """Return what a user said."""
    return Message("user", (Part("text", text),), typed=True)


def test_what_both_sides_said_goes_together() -> None:
    """An assistant that repeats a value would keep the old one alive."""
    old, echo = "The session cookie expires after 2786 seconds.", "Understood, the cookie lives for 2786 seconds."
    assert fates(old, f"A: {echo}", "The session cookie expires after 60 seconds now.") == {
        old: "dropped",
        echo: "dropped",
    }


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


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("The goods hoist carries 800 kg.", "After the inspection the hoist takes 650 kg now."),
        ("the nightly export begins at 01:30", "we pushed the nightly job to 03:10 because of the dumps"),
        ("The oboe part is thirty-two bars long.", "The oboe has thirty-six bars after all."),
        ("the archive keeps scans for 90 days", "from here on scans stay 30 days"),
    ],
)
def test_a_change_marks_what_shares_its_rarest_words(earlier: str, later: str) -> None:
    """Its subject is told in other words; one of another kind of value, or of a value in between, is not meant."""
    others = ("The van carries 1,200 kg.", "The choir rehearses at 19:00.", "Drawings are kept for 10 years.")
    assert grades(*others, earlier, "The weather was nice.", later) == {3: "marked"}


def test_what_two_may_mean_is_not_marked() -> None:
    """Two hoists come into question, so neither does."""
    assert (
        grades("The goods hoist carries 800 kg.", "The guest hoist carries 450 kg.", "A hoist takes 650 kg now.") == {}
    )


@pytest.mark.parametrize(
    ("earlier", "said", "answer"),
    [
        ("The move is on 9 June.", "With the move on 9 June you have little slack.", "it's 23 June now, they moved it"),
        (
            "The loader runs a batch of 300.",
            "Is a batch of 300 for the loader still what you run?",
            "nope, 450, it choked",
        ),
        (
            "The hall needs 2,560 mm.",
            "Do I keep 2,560 mm for the hall on the list?",
            "rather 1,980 mm, it has that window",
        ),
    ],
)
def test_who_corrects_the_other_side_replaces_what_it_took_for_given(earlier: str, said: str, answer: str) -> None:
    """Whatever else the answer says, and whether it was asked or not."""
    units_ = turns(earlier, "A: Noted.", f"A: {said}", answer)
    assert earlier in {units_[each.earlier].statement.text for each in find_replacements(units_)}
