"""Agent sessions with long tool results, each with one planted line, and rules of the user's among them."""

import json
from collections.abc import Sequence
from random import Random
from typing import Literal

from cortex_cli.messages import Message, Part
from cortex_cli.typed import finish
from tests.summarizers.outputs import Output, make_output

RULES = (
    "Never push to the main branch without a review.",
    "Use tabs in the Makefile and four spaces everywhere else.",
    "The service must keep listening on port 8473.",
    "Don't touch the files below vendor/.",
    "All new endpoints need an entry in docs/api.md.",
)
TALK = (
    "Let me look at that next.",
    "I'll check what the output says.",
    "Now I will go on with the following step.",
    "That looks fine so far, continuing.",
)
ASKS = ("Please have a look at the next part.", "Go on.", "What does it say?", "Continue, please.")
PLACES = ("head", "middle", "end")


def make_session(
    kinds: Sequence[str], seed: int, *, lines: int = 160, tool: str = ""
) -> tuple[tuple[Message, ...], list[Output]]:
    """Build a session with one result of each kind.

    Args:
        kinds: Of outputs.
        seed: Of the draw.
        lines: Of each result.
        tool: One tool for all calls, always with the same arguments; empty: each kind's own.

    Returns:
        The messages, and the outputs in them.
    """
    outputs = [make_output(kind, 1000 * seed + at, where=PLACES[at % 3], lines=lines) for at, kind in enumerate(kinds)]
    return session_of(outputs, seed, tool=tool), outputs


def session_of(outputs: Sequence[Output], seed: int, *, tool: str = "") -> tuple[Message, ...]:
    """Build a session of these outputs; see `make_session`."""
    r = Random(seed)
    messages = [said("user", f"Please find out why the nightly build is slow. {RULES[0]}")]
    for at, output in enumerate(outputs):
        name, arguments = (
            output.tool,
            {"command": output.argument} if output.tool == "Bash" else {"path": output.argument},
        )
        if tool:
            name, arguments = tool, {"command": "make"}
        call = Part("call", json.dumps(arguments), name=name, call_id=f"c{at}", json=True)
        messages.append(Message("assistant", (Part("text", r.choice(TALK)), call)))
        messages.append(Message("tool", (Part("result", output.text, name=name, call_id=f"c{at}"),)))
        if at % 3 == 2 and at // 3 + 1 < len(RULES):
            messages.append(said("assistant", "Done with this part."))
            messages.append(said("user", f"{r.choice(ASKS)} {RULES[at // 3 + 1]}"))
    messages += [said("assistant", "I have seen all of it."), said("user", "Good, what next?")]
    return finish(messages)


def said(role: Literal["user", "assistant"], text: str) -> Message:
    """Build a message of words."""
    return Message(role, (Part("text", text),), typed=role == "user")
