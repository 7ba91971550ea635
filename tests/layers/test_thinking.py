"""Thinking of finished turns goes, that of the running one never does."""

from cortex_cli.layers.thinking import drop_thinking
from cortex_cli.layers.view import View
from cortex_cli.messages import LayerResult, Message, Part
from cortex_cli.settings import Settings
from cortex_cli.tokens import HeuristicCounter
from tests.conftest import assistant, call, live, result, thinking, user


def run(*messages: Message, asked: bool = True) -> LayerResult:
    """Run the layer on a conversation."""
    view = View(messages=live(*messages), window=1_000, budget=1_000)
    return drop_thinking(view, Settings(drop_thinking=asked), HeuristicCounter())


def kinds(done: LayerResult) -> list[list[str]]:
    """Return the kinds of the parts of each message."""
    return [[part.kind for part in message.parts] for message in done.messages]


OLD = (user("a"), assistant(thinking("hm " * 40), "said", call("Read", "1")), result("1", "ok"))


def test_finished_turns_lose_it_and_the_newest_keeps_it() -> None:
    """Providers want the thinking of a running tool loop unchanged."""
    done = run(*OLD, assistant(thinking("so"), "done"), user("b"), *OLD[1:])
    assert kinds(done)[1] == ["text", "call"]
    assert kinds(done)[3] == ["text"]
    assert kinds(done)[5] == ["thinking", "text", "call"]
    assert [change.action for change in done.changes] == ["thinking", "thinking"]
    assert done.changes[0].tokens_before - done.changes[0].tokens_after == 30
    assert done.changes[0].before == "hm " * 40


def test_it_does_nothing_unasked_or_without_a_finished_turn() -> None:
    """Thinking is part of the conversation."""
    assert not run(*OLD, user("b"), asked=False).fired
    assert run(*OLD).reason == "no thinking in finished turns"


def test_a_call_still_open_belongs_to_the_running_loop() -> None:
    """A message typed while a tool runs does not finish its turn."""
    loop = (user("a"), assistant(thinking("hm"), call("Bash", "1")), user("and hurry"))
    assert not run(*loop, result("1", "ok")).fired


def test_a_message_of_nothing_else_goes_whole() -> None:
    """An empty assistant message is refused."""
    done = run(*OLD, assistant(thinking("x")), assistant(thinking("y"), "done"), user("b"))
    assert kinds(done) == [["text"], ["text", "call"], ["result"], ["text"], ["text"]]
    assert done.changes[1].part == -1
    assert done.changes[1].tokens_after == 0


def test_a_message_of_nothing_else_stays_where_it_keeps_users_apart() -> None:
    """Alternating formats refuse two user messages in a row; results are sent as the user's."""
    blank = assistant(thinking("x"), Part("text", " \n"))
    assert not run(user("a"), blank, user("b")).fired
    assert kinds(run(*OLD, blank, user("b")))[3] == ["thinking", "text"]
    assert not run(blank, user("b")).fired
