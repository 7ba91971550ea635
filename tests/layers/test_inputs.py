"""Arguments of old calls shrink and stay JSON."""

import json
from typing import Any

from cortex_cli.layers.inputs import trim_inputs
from cortex_cli.layers.view import View
from cortex_cli.marks import parse_result
from cortex_cli.messages import LayerResult, Message
from cortex_cli.settings import Settings
from cortex_cli.tokens import HeuristicCounter
from tests.conftest import assistant, call, live, result, user

COUNTER = HeuristicCounter()
LONG = "".join(f"def f{at}(): return {at}\n" for at in range(200))
WRITE = '{"path":"a.py","content":' + json.dumps(LONG) + ',"tries":1.50}'


def view(*messages: Message) -> View:
    """Build a view of a conversation."""
    return View(messages=live(*messages), window=100_000, budget=100_000)


def run(*messages: Message, chars: int = 200, hot: int = 0, **fields: Any) -> LayerResult:
    """Run the layer; by default nothing is too new but the newest turn."""
    settings = Settings(trim_inputs=chars, hot_zone_min_tokens=hot, hot_zone_ratio=0.0, **fields)
    return trim_inputs(view(*messages), settings, COUNTER)


def wrote(arguments: str = WRITE, **fields: Any) -> tuple[Message, ...]:
    """Build a finished turn with one call, and the next turn."""
    return user("a"), assistant("I write", call("Write", "1", arguments, **fields)), result("1", "ok"), user("b")


def test_long_strings_shrink_and_the_rest_keeps_its_bytes() -> None:
    """The written file is on disk; that it was written must stay known."""
    done = run(*wrote())
    [change] = done.changes
    assert change.action == "input"
    assert change.after.startswith('{"path":"a.py","content":"def f0()')
    assert change.after.endswith(',"tries":1.50}')
    content = json.loads(change.after)["content"]
    assert content.startswith(LONG[:100])
    assert content.endswith(LONG[-100:])
    assert parse_result(content)
    assert not run(*done.messages).fired


def test_deep_strings_shrink_too() -> None:
    """A shell's script stands in a list."""
    arguments = json.dumps({"command": ["bash", "-lc", LONG], "edits": [{"new": LONG}]})
    value = json.loads(run(*wrote(arguments)).changes[0].after)
    assert value["command"][:2] == ["bash", "-lc"]
    assert len(value["command"][2]) < 300
    assert len(value["edits"][0]["new"]) < 300


def test_newest_turn_and_hot_zone_are_left_alone() -> None:
    """What the model is at work on it must see as it wrote it."""
    assert not run(*wrote()[:3]).fired
    assert not run(*wrote(), hot=1_000).fired
    assert run(*wrote(), assistant("x" * 4_000), hot=1_000).fired


def test_signed_calls_and_broken_arguments_are_left_alone() -> None:
    """A signature covers its bytes; what is not JSON cannot be edited as such."""
    assert not run(*wrote(signed=True)).fired
    assert not run(*wrote(WRITE[:-1])).fired
    assert not run(*wrote(LONG)).fired
    assert not run(*wrote(json.dumps(LONG))).fired


def test_off_by_default() -> None:
    """Arguments are the assistant's own words."""
    assert run(*wrote(), chars=0).reason == "arguments stay: no length was given"
    assert run(*wrote('{"a":1}')).reason == "no old call has longer strings"


def test_a_string_that_gets_no_smaller_stays() -> None:
    """The mark costs more than a few characters."""
    assert not run(*wrote(json.dumps({"a": "x" * 210}))).fired
    assert not run(*wrote(json.dumps({"a": "x" * 237}))).fired
