"""How many of the newest messages stay under a small `--fit`."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.compaction import compact
from cortex_cli.groups import call_groups, safe_cuts
from cortex_cli.layers.partition import plan_partition
from cortex_cli.layers.summary import LEAST_SHARE, MIN_TOKENS
from cortex_cli.layers.tail import RESULT_TOKENS, Room, Tail, longest_tail, start_of_tail
from cortex_cli.messages import Message, Part, Transcript
from cortex_cli.report import LayerReport
from cortex_cli.settings import Settings
from cortex_cli.tokens import count_messages, make_counter
from tests.conftest import assistant, transcript, user
from tests.summarizers.chats import TUNED, make_chat

COUNTER = make_counter("heuristic")
FIT = Settings(tokenizer="heuristic", layers=("cap", "micro", "summary"))


def talk(count: int) -> list[Message]:
    return [
        Message("user" if n % 2 == 0 else "assistant", (Part("text", "x"),), typed=n % 2 == 0) for n in range(count)
    ]


def chat() -> Transcript:
    """A long plain chat whose six newest messages take some 210 tokens."""
    return transcript(*make_chat(TUNED["ops"], 1).messages)


def layer(report: object, name: str = "summary") -> LayerReport:
    return next(one for one in report.layers if one.name == name)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("room", "start"), [(170, 14), (140, 16), (120, 18), (10, 19)])
def test_the_longest_tail_that_leaves_the_summary_its_room(room: int, start: int) -> None:
    """Messages of 10 tokens, six of which should stay, and 100 for the summary of ones of 50."""
    assert start_of_tail(talk(20), [50] * 14 + [10] * 6, range(14, 21), 18, Room(room, 100)) == start


def test_little_to_say_needs_little() -> None:
    """A summary of three short messages is no reason to give up three others."""
    assert start_of_tail(talk(9), [10] * 9, range(3, 10), 8, Room(70, 60)) == 3
    assert start_of_tail(talk(90), [10] * 90, range(84, 91), 88, Room(70, 60)) > 84


def test_results_weigh_what_is_left_of_them() -> None:
    """A large result of the tail is shortened on a later rung: no reason to summarise it."""
    call = Message("assistant", (Part("call", "{}", name="Read", call_id="a"),))
    answer = Message("tool", (Part("result", "text", name="Read", call_id="a"),))
    messages = [*talk(20), call, answer, *talk(2)]
    sizes = [10] * 21 + [9_000, 10, 10]
    assert start_of_tail(messages, sizes, [20, 22, 23, 24], 22, Room(RESULT_TOKENS + 30 + 800, 800)) == 20


@pytest.mark.parametrize(
    ("room", "tail"),
    [
        (1_000, Tail(6, 120)),  # all have room; a summary stands for a quarter at least, here 300 of 1,200
        (460, Tail(8, 160)),  # of four pairs 20 typed and a fifth of 100 each; six pairs stay, 20 and what is left: 30
        (430, Tail(14, 280)),
        (429, None),
    ],
)
def test_the_longest_tail_beside_what_a_summary_needs(room: int, tail: Tail | None) -> None:
    """Longer than usual where results may shrink; what a person wrote is never counted as less."""
    sizes, least = [20, 100] * 10, [20, 30] * 10
    found = longest_tail(talk(20), range(0, 15, 2), sizes, Room(room, 800, tuple(least), summary_min=50))
    assert found == tail


def test_a_summary_has_its_least_size_however_little_it_replaces() -> None:
    """Two messages are not worth the form of one."""
    found = longest_tail(talk(20), range(0, 15, 2), [10] * 20, Room(190, 800, (10,) * 20, summary_min=50))
    assert found == Tail(6, 50)


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=12),
    st.integers(0, 8),
    st.integers(-50, 400),
    st.integers(0, 300),
)
def test_any_tail_is_a_safe_one(shape: list[int], keep: int, room: int, wanted: int) -> None:
    """No call is parted from its results, what was typed last stays, more room never keeps less."""
    messages: list[Message] = []
    for n, width in enumerate(shape):
        ids = [f"{n}-{i}" for i in range(width)]
        messages += talk(1) if width == 3 else []
        messages.append(Message("assistant", tuple(Part("call", "{}", name="Read", call_id=one) for one in ids)))
        messages += [Message("tool", (Part("result", "t", name="Read", call_id=one),)) for one in ids]
    sizes = [10] * len(messages)
    plain = plan_partition(messages, sizes, keep_recent_messages=keep, room_tokens=0)
    found = plan_partition(messages, sizes, keep_recent_messages=keep, room_tokens=0, fit=Room(room, wanted))
    more = plan_partition(messages, sizes, keep_recent_messages=keep, room_tokens=0, fit=Room(room + 40, wanted))
    gone = set(found.summarized)
    for group in call_groups(messages):
        assert len(gone & set(group.members)) in (0, len(group.members))
    typed = max((i for i, message in enumerate(messages) if message.typed), default=None)
    assert typed not in gone
    assert found.tail in safe_cuts(messages)
    assert plain.tail <= found.tail
    assert more.tail <= found.tail
    assert keep == 0 or found.tail < len(messages)


def test_a_small_fit_gives_the_summary_most_of_it() -> None:
    """At a tenth of a chat, six verbatim messages would take nearly half."""
    source = chat()
    target = count_messages(source.messages, COUNTER) // 10
    done = compact(source, replace(FIT, fit=target))
    reason = layer(done.report).reason
    assert "recent messages" in reason
    summary = next(one for one in done.transcript.messages if one.synthetic == "summary")
    assert COUNTER.count_message(summary) > LEAST_SHARE * target * 0.9
    last = max(i for i, one in enumerate(source.messages) if one.typed)
    assert source.messages[last:] == done.transcript.messages[-(len(source.messages) - last) :]


@pytest.mark.parametrize("asked", [{"keep_recent_messages": 6}, {"keep_recent_tokens": 250}])
def test_what_the_user_asks_for_is_obeyed(asked: dict[str, int]) -> None:
    """`--keep-recent 6` is no default: six stay, and so do tokens where they were asked for."""
    source = chat()
    done = compact(source, replace(FIT, fit=count_messages(source.messages, COUNTER) // 10, **asked))
    assert "recent messages" not in layer(done.report).reason
    kept = [one for one in done.transcript.messages if not one.synthetic]
    assert tuple(kept) == source.messages[-len(kept) :]
    assert len(kept) == 6 or 200 < count_messages(kept, COUNTER) <= 250


@pytest.mark.parametrize("settings", [replace(FIT, threshold=0.0), replace(FIT, fit=3 * MIN_TOKENS)])
def test_six_stay_where_there_is_room(settings: Settings) -> None:
    """Without `--fit`, and with one that has room for both, nothing gives way."""
    source = chat()
    done = compact(source, settings)
    assert "the last 6 stay" in layer(done.report).reason
    assert done.transcript.messages[-6:] == source.messages[-6:]


def test_a_second_run_changes_no_byte() -> None:
    """What fits is left alone."""
    source = chat()
    target = count_messages(source.messages, COUNTER) // 10
    once = compact(source, replace(FIT, fit=target)).transcript
    again = compact(replace(once, loaded=once.messages), replace(FIT, fit=target))
    assert again.transcript.messages == once.messages
    assert not again.report.changed


def test_requests_that_leave_the_tail_are_quoted() -> None:
    """What was asked two turns ago is still to be done."""
    asked = "Please rename the exporter to Courier and keep the old name as an alias."
    more = [
        user(asked),
        assistant("I will. " + "It takes a while. " * 20),
        user("Fine."),
        assistant("Back soon. " * 20),
    ]
    source = transcript(*make_chat(TUNED["ops"], 1).messages, *more)
    done = compact(source, replace(FIT, fit=500)).transcript
    summary = next(one for one in done.messages if one.synthetic == "summary")
    assert asked not in "".join(one.text for one in done.messages if one is not summary)
    assert asked in summary.text
