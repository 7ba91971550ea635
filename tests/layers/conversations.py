"""Random conversations with results of every shape that a layer has to shorten."""

import json
from collections.abc import Callable

from hypothesis import strategies as st

from cortex_cli.layers.view import View
from cortex_cli.messages import LayerResult, Media, Message, Part
from cortex_cli.settings import Settings
from cortex_cli.tokens import Counter, HeuristicCounter
from cortex_cli.typed import finish

TOOLS = ("Read", "Bash", "TaskOutput", "mcp__db__query", "")
PIECES = (
    "word ",
    "line of output\n",
    "src/app.py:41: error: undefined name\n",
    "key=4711 ",
    "\r\n",
    "e\u0301",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7",
    "\u4e2d\u6587",
    "\ud83d",
    "\n\n... [~12 tokens trimmed] ...\n\n",
    "[Tool result cleared]",
    '"quoted" \\ ',
    " 1 tokens]",
    "\n... [end of kept lines] ...\n\n",
)


TEXTS: st.SearchStrategy[str] = st.lists(st.tuples(st.sampled_from(PIECES), st.integers(1, 60)), max_size=6).map(
    lambda drawn: "".join(piece * times for piece, times in drawn)
)
"""A result's text: pieces repeated, so that long ones are cheap to draw. Built once: Hypothesis checks what is new."""


@st.composite
def results(draw: st.DrawFn) -> Part:
    """Draw a result: plain text, JSON with one text, JSON of other shapes, with images or not."""
    text = draw(TEXTS)
    shape = draw(st.sampled_from(["plain", "plain", "field", "field value", "value", "list"]))
    match shape:
        case "field" | "field value":
            text = json.dumps({"output": text, "metadata": {"exit_code": 0, "seconds": 1.50}}, separators=(",", ":"))
        case "value":
            text = json.dumps({"a": text, "rows": [draw(TEXTS), 3, {"deep": text[:90]}]}, separators=(",", ":"))
        case "list":
            text = json.dumps([text, None, 1.0])
    media = tuple(Media("image/png", 300, 1) for _ in range(draw(st.integers(0, 4)) // 3))
    return Part("result", text, media=media, json=shape in ("field value", "value"))


CALLED = st.lists(st.tuples(st.sampled_from(TOOLS), results()), max_size=3)
"""Tools called side by side, with what they return."""


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Draw a valid conversation: users, assistants with parallel calls, results in any order."""
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append(Message("system", (Part("text", "be careful"),)))
    for turn in range(draw(st.integers(1, 5))):
        messages.append(Message("user", (Part("text", f"task {turn} " + draw(TEXTS)),), typed=True))
        for step in range(draw(st.integers(0, 3))):
            drawn = draw(CALLED)
            ids = [f"c{turn}.{step}.{at}" for at in range(len(drawn))]
            calls = [Part("call", "{}", tool or "Bash", one) for one, (tool, _) in zip(ids, drawn, strict=True)]
            thought = Part("thinking", "hm", signed=True)
            said = Part("text", draw(st.sampled_from(["", "I see", "done " * 30])) or ("" if calls else "ok"))
            messages.append(Message("assistant", (thought, said, *calls)))
            answers = [part._replace(name=tool, call_id=one) for one, (tool, part) in zip(ids, drawn, strict=True)]
            messages.extend(Message("tool", (part,)) for part in draw(st.permutations(answers)))
    return finish(messages)


@st.composite
def views(draw: st.DrawFn, smallest: int = 50, largest: int = 3_000) -> View:
    """Draw a conversation and a window that it is more or less full of."""
    window = draw(st.integers(smallest, largest))
    return View(messages=draw(conversations()), window=window, budget=window)


@st.composite
def trimming(draw: st.DrawFn) -> Settings:
    """Draw settings under which layers have something to do in small conversations."""
    return Settings(
        trim_floor_ratio=draw(st.sampled_from([0.0, 0.25])),
        hot_zone_min_tokens=draw(st.sampled_from([0, 20, 200])),
        bookend_max_chars=draw(st.sampled_from([40, 200, 2_000])),
        bookend_min_chars=draw(st.sampled_from([0, 16, 30])),
        degradation_span_ratio=draw(st.sampled_from([0.0, 0.1, 0.4, 2.0])),
        max_result_tokens=draw(st.sampled_from([None, 20, 300])),
        max_aggregate_turn_tokens=draw(st.sampled_from([None, 40, 500])),
        rescue=draw(st.booleans()),
        failsafe_threshold=draw(st.sampled_from([0.3, 0.9])),
        keep_last_messages=draw(st.integers(0, 5)),
    )


Layer = Callable[[View, Settings, Counter], LayerResult]

MOST_PASSES = 10


def settle(layer: Layer, view: View, settings: Settings, counter: Counter | None = None) -> View:
    """Repeat a layer until a pass changes nothing, as the pipeline does."""
    for _ in range(MOST_PASSES):
        done = layer(view, settings, counter or HeuristicCounter())
        if not done.fired:
            assert done.messages == view.messages
            return view
        view = view.with_messages(done.messages)
    raise AssertionError(f"still changing after {MOST_PASSES} passes")


def spoken(view: View) -> list[Message]:
    """Return everything that layers 0 and 1 must leave as it is."""
    return [message for message in view.messages if message.role != "tool"]
