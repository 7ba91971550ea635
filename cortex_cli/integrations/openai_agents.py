"""OpenAI Agents SDK: a session that hands out a history which fits, over any session that keeps it whole.

Works on the SDK's own items, so that nothing of the SDK has to be imported here. Needs `openai-agents`.
"""

from dataclasses import replace
from typing import Any, Unpack

from cortex_cli.formats import openai_responses
from cortex_cli.integrations.conversations import AsTheyAre, Conversations, ManagerOptions
from cortex_cli.settings import Settings


class CompactionSession:
    """Wraps a session of the SDK; what is stored there stays whole.

    Give it to `Runner.run(..., session=CompactionSession(SQLiteSession("id")))`. The SDK reads a session once, when a
    run begins; for runs of many calls hand in its `input_filter` too, which works before every call:
    `run_config=RunConfig(call_model_input_filter=session.input_filter)`. The options are those of
    `CompactionManager`; `prepare` is called with the manager.
    """

    def __init__(self, inner: Any, settings: Settings | None = None, **options: Unpack[ManagerOptions]) -> None:
        self.inner = inner
        self._conversations = Conversations(AsTheyAre(openai_responses.NAME), settings, options)

    @property
    def session_id(self) -> str:
        """Return the id of the session inside."""
        return str(self.inner.session_id)

    @property
    def session_settings(self) -> Any:
        """Return the settings of the session inside."""
        return getattr(self.inner, "session_settings", None)

    @session_settings.setter
    def session_settings(self, value: Any) -> None:
        self.inner.session_settings = value

    async def get_items(self, limit: int | None = None) -> list[Any]:
        """Return the history as it is to be sent; with a limit the newest items as they are."""
        if limit is not None:
            return list(await self.inner.get_items(limit))
        items = await self.inner.get_items()
        return await self._conversations.of("").transform(items) if items else []

    async def add_items(self, items: list[Any]) -> None:
        """Store items."""
        await self.inner.add_items(items)

    async def pop_item(self) -> Any:
        """Remove and return the newest item."""
        return await self.inner.pop_item()

    async def clear_session(self) -> None:
        """Remove all items."""
        await self.inner.clear_session()
        self._conversations.forget("")

    async def input_filter(self, data: Any) -> Any:
        """Return what one call of a run is sent: a `call_model_input_filter` of the SDK."""
        given = data.model_data
        model = data.agent.model if isinstance(getattr(data.agent, "model", None), str) else ""
        sent = await self._conversations.of("").transform(given.input, system=given.instructions, model=model)
        return replace(given, input=sent)
