"""What becomes of old results where `--fit` leaves room for them."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.compaction import compact
from cortex_cli.layers.fitting import least_tokens, micro_to_fit, plan_to_fit
from cortex_cli.layers.micro import micro
from cortex_cli.layers.view import View
from cortex_cli.marks import Bookend, Stub, parse_result
from cortex_cli.messages import Message, Transcript
from cortex_cli.settings import Settings, Share
from cortex_cli.tokens import Counter, HeuristicCounter, count_messages, make_counter
from tests.conftest import assistant, tool_pair, transcript, user
from tests.layers.conversations import settle, spoken, trimming, views
from tests.strategies import examples

MICRO = ("cap", "micro")
"""Without a summary, results are all that can get smaller."""

COUNTER = make_counter("o200k_base")
BOTH = st.sampled_from([HeuristicCounter(), COUNTER])
LINES = "".join(f"[{at % 100:3}%] Building CXX object src/unit_{at}.cpp.o\n" for at in range(400))


def output(number: int, chars: int = 9_000) -> str:
    """Build a build log with one line that is not like the others in its middle."""
    half = LINES[: chars // 2].rpartition("\n")[0]
    return f"{half}\nwarning: target-{number:02}.yml sets retries to {number + 70}\n{half}"


def session(results: int = 12, chars: int = 9_000, name: str = "Bash") -> Transcript:
    """Build a session of calls whose results are as long as each other, and what was said of them."""
    messages: list[Message | list[Message]] = [user("Look at the build, and never touch the lock file.")]
    for number in range(results):
        messages += [tool_pair(name, value=output(number, chars), call_id=f"c{number}")]
        messages += [assistant(f"Step {number} is done."), user("Go on.")]
    return transcript(*messages, assistant("All steps are done."))


def texts(done: Transcript) -> list[str]:
    """Return what is left of each result, oldest first."""
    return [message.result.text for message in done.messages if message.result is not None]


def forms(done: Transcript) -> str:
    """Spell what became of each result: whole, bookend or placeholder."""
    parsed = [parse_result(text) for text in texts(done)]
    return "".join("b" if isinstance(form, Bookend) else "p" if isinstance(form, Stub) else "w" for form in parsed)


@pytest.mark.parametrize("share", [0.15, 0.25, 0.35, 0.5])
def test_every_result_keeps_its_telling_line_where_there_is_room(share: float) -> None:
    """Placeholders for the oldest say nothing, and the room they leave is nobody's."""
    done = compact(session(), Settings(fit=Share(share), layers=MICRO))
    assert all(f"target-{n:02}.yml sets retries to {n + 70}" in text for n, text in enumerate(texts(done.transcript)))
    assert 0.85 * share < done.report.output.tokens / done.report.input.tokens <= share


@pytest.mark.parametrize("share", [0.1, 0.25, 0.35])
def test_what_trimming_by_age_is_not_enough_for_gets_a_summary(share: float) -> None:
    """Whoever wants so much gone wants to read what it was; the telling lines stand in the summary then."""
    done = compact(session(), Settings(fit=Share(share))).transcript
    assert sum(message.synthetic == "summary" for message in done.messages) == 1
    said = "\n".join(part.text for message in done.messages for part in message.parts)
    assert all(f"target-{n:02}.yml sets retries to {n + 70}" in said for n in range(12))


def test_the_newest_results_stay_whole() -> None:
    """What is left of the room goes to what the agent works on."""
    assert set(forms(compact(session(), Settings(fit=Share(0.9))).transcript).lstrip("b")) == {"w"}
    assert forms(compact(session(), Settings(fit=Share(0.5))).transcript).endswith("www")


def test_the_newest_leave_some_of_the_room_to_the_others() -> None:
    """A few characters more of each keep lines that the whole text of one more result is not worth."""
    source = session()
    size = count_messages(source.messages, COUNTER)
    for target, longer in ((size // 3, True), (size // 7, False)):
        found = [parse_result(text) for text in texts(compact(source, Settings(fit=target, layers=MICRO)).transcript)]
        kept = [form.kept_chars for form in found if isinstance(form, Bookend)]
        assert (min(kept[:-1]) > 2 * Settings().bookend_min_chars + 100) is longer


def test_the_oldest_lose_their_lines_first() -> None:
    """Where not all can keep them, layer 1 goes by age as ever, and stops as soon as the target is reached."""
    source, settings = session(results=60, chars=1_200), Settings(fit=Share(0.4), layers=("cap", "micro"))
    found = forms(compact(source, settings).transcript)
    assert found == "p" * found.count("p") + "b" * found.count("b") + "w" * found.count("w")
    without = forms(compact(source, replace(settings, rescue=False)).transcript)
    assert 0 < found.count("p") < without.count("p")


def test_without_rescue_layer_1_goes_by_age_alone() -> None:
    """`--no-rescue` gives the texts that the layer has by itself."""
    view = View(messages=session().messages, window=9_000, budget=9_000, target_tokens=9_000)
    settings = Settings(rescue=False)
    assert micro_to_fit(view, settings, COUNTER) == micro(view, settings, COUNTER)


def test_results_of_no_lasting_worth_are_cleared() -> None:
    """Nobody asks again for what a status poll said."""
    found = texts(compact(session(name="TaskOutput"), Settings(fit=Share(0.4))).transcript)
    assert found[0] == "[Tool result cleared]"
    assert found[-1] == output(11)


def test_what_no_model_has_seen_stays_whole() -> None:
    """The answers to the newest call are what the next request is about."""
    newest = tool_pair("Bash", value=output(99, 30_000), call_id="new")
    source = transcript(*session().messages, user("And this one?"), newest)
    view = View(messages=source.messages, window=20_000, budget=20_000, target_tokens=20_000)
    plan = plan_to_fit(view, Settings(), COUNTER)
    assert plan is not None
    assert len(source.messages) - 1 not in {trim.message for trim in plan}
    assert least_tokens(view, Settings(), COUNTER)[-1] == COUNTER.count_message(source.messages[-1])


def test_a_target_that_is_reached_asks_for_nothing() -> None:
    """A second run of the same file with the same `--fit` changes no byte, a smaller one only makes results shorter."""
    settings = Settings(fit=9_000, layers=MICRO)
    once = compact(session(), settings).transcript
    again = transcript(*once.messages)
    assert compact(again, settings).transcript.messages == again.messages
    less = compact(again, replace(settings, fit=5_000)).transcript
    assert all(len(new) <= len(old) for new, old in zip(texts(less), texts(again), strict=True))
    assert all(f"retries to {n + 70}" in text for n, text in enumerate(texts(less)))


@pytest.mark.parametrize("talked", [0, 40])
def test_who_leaves_more_room_gets_more(talked: int) -> None:
    """No size is near a cliff where the next larger one suddenly keeps a summary and six messages."""
    talk = [(user(f"Please explain part {n}."), assistant(f"Part {n} does this. " * 40)) for n in range(talked)]
    source = transcript(*(one for pair in talk for one in pair), *session().messages)
    shares = [0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8]
    reports = [compact(source, Settings(fit=Share(share))).report for share in shares]
    used = [report.output.tokens / report.input.tokens for report in reports]
    assert all(0.85 * share < one <= share for one, share in zip(used, shares, strict=True))


def test_more_than_the_newest_messages_stay_beside_a_summary() -> None:
    """A summary takes little of a large target, and what it tells of a result is less than the result's own lines."""
    talk = [(user(f"Please explain part {n}."), assistant(f"Part {n} does this and that. " * 40)) for n in range(40)]
    source = transcript(*(one for pair in talk for one in pair), *session().messages)
    tokens = count_messages(source.messages, COUNTER)
    done = compact(source, Settings(fit=Share(0.25)))
    assert sum(message.synthetic == "summary" for message in done.transcript.messages) == 1
    assert len(texts(done.transcript)) == 12
    assert all(f"retries to {n + 70}" in text for n, text in enumerate(texts(done.transcript)))
    assert 0.2 * tokens < done.report.output.tokens <= 0.25 * tokens
    kept = compact(source, Settings(fit=Share(0.25), keep_recent_messages=6))
    assert len(texts(kept.transcript)) < 12


@examples(100)
@given(views(), trimming(), BOTH)
def test_without_a_target_nothing_is_different(view: View, settings: Settings, counter: Counter) -> None:
    """The figures and texts of layer 1 are exact."""
    assert micro_to_fit(view, settings, counter) == micro(view, settings, counter)


@given(views(), trimming(), st.floats(0.05, 1.0), BOTH)
def test_any_target(view: View, settings: Settings, share: float, counter: Counter) -> None:
    """Results only get smaller, everything else stays, passes come to rest, no estimate is far below what there is."""
    target = max(1, math.floor(share * view.count(counter)))
    view = replace(view, target_tokens=target)
    rest = settle(micro_to_fit, view, settings, counter)
    assert spoken(rest) == spoken(view)
    for old, new in zip(view.messages, rest.messages, strict=True):
        assert new == old or counter.count_message(new) < counter.count_message(old)
    assert all(left >= 0 for left in least_tokens(view, settings, counter))
