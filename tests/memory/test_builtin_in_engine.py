"""The built-in authors in the engine: a long conversation stays small, its rules stay known, no secret is kept."""

import asyncio
from typing import Any

from cortex_cli.memory.condensing import reflect_builtin
from cortex_cli.memory.observing import observe_builtin
from tests.conftest import assistant, user
from tests.memory.authors import TINY, Conversation, live_memory, size, view_of

RULE = "Never edit anything below migrations/; the staging port is 8473."
SECRET = "AKIA" + "ABCDEFGHIJKLMNOP"


async def go_on(memory: Any, talk: Conversation, turns: int) -> str:
    """Go on for some turns; return what the log says then."""
    for _ in range(turns):
        seen = (await memory.transform(view_of(talk.messages))).messages
        assert size(seen) < 2_000
        talk.say(steps=2)
        memory.turn_end(view_of(talk.messages))
        await memory.settle()
    return "\n".join(message.text for message in seen if message.synthetic == "log")


def test_a_rule_outlives_the_conversation() -> None:
    """Said once at the beginning, known after many observations and reflections; a key that was shown is not."""

    async def session() -> None:
        memory = live_memory(observer=observe_builtin, reflector=reflect_builtin, settings=TINY)
        talk = Conversation()
        talk.add(user(RULE), assistant("Understood."), user(f"The AWS key is {SECRET} for the staging bucket."))
        talk.add(assistant("Noted."), user("Go on."), assistant("Yes."))
        log = await go_on(memory, talk, 40)
        assert f"User: {RULE}" in log
        assert SECRET not in log
        assert memory.memory.account.reflections > 0
        assert not memory.memory.account.failures

    asyncio.run(session())
