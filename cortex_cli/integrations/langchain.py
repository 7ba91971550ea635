"""LangChain: a middleware for `create_agent` that keeps what the model is sent inside its window.

The agent's state and its checkpoints keep every message as it was. Needs `langchain` 1.0 or newer.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from cortex_cli.formats import langchain as messages_format
from cortex_cli.integrations.conversations import Conversation, Conversations, ManagerOptions, Origins, Pair, run_sync
from cortex_cli.integrations.packages import late, need
from cortex_cli.settings import Settings

PACKAGE = "langchain"


class _Messages:
    """LangChain's messages, by way of the dicts that it stores them as."""

    format = messages_format.NAME

    def __init__(self) -> None:
        core = need("langchain_core.messages", PACKAGE)
        self._to_dict, self._from_dicts = core.message_to_dict, core.messages_from_dict

    def encode(self, message: Any) -> Sequence[Any]:
        """Return its dict."""
        return (self._to_dict(message),)

    def decode(self, values: Sequence[Any], origins: Origins) -> list[Pair]:
        """Return the messages."""
        return [(origins.find(value) or self._from_dicts([value])[0], (value,)) for value in values]


class Middleware:
    """Compacts what the model is sent, for each thread by itself.

    Hand it to `create_agent(..., middleware=[CompactionMiddleware(...)])`. A request that the provider refuses as
    too long is made again, smaller. The options are those of `CompactionManager`; `prepare` is called with every
    new manager.
    """

    def __init__(self, settings: Settings | None = None, **options: Unpack[ManagerOptions]) -> None:
        super().__init__()
        self._conversations = Conversations(_Messages(), settings, options)

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Send less, and again where it was still too much."""
        conversation = self._conversation(request)
        smaller = request.override(messages=run_sync(_transform(conversation, request)))
        try:
            response = handler(smaller)
        except Exception as error:  # whatever the provider's package raises
            fitting = run_sync(conversation.handle_overflow(error))
            if fitting is None:
                raise
            response = handler(request.override(messages=fitting))
        _note_usage(conversation, response)
        return response

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Do as `wrap_model_call` does."""
        conversation = self._conversation(request)
        smaller = request.override(messages=await _transform(conversation, request))
        try:
            response = await handler(smaller)
        except Exception as error:  # as above
            fitting = await conversation.handle_overflow(error)
            if fitting is None:
                raise
            response = await handler(request.override(messages=fitting))
        _note_usage(conversation, response)
        return response

    def _conversation(self, request: Any) -> Conversation:
        return self._conversations.of(_thread() or (request.messages[0].id if request.messages else ""))


def _thread() -> str:
    """Return the thread that LangGraph runs; empty where the agent keeps none."""
    try:
        config = need("langgraph.config", PACKAGE).get_config()
    except RuntimeError:  # what it raises outside a graph
        return ""
    return str(config.get("configurable", {}).get("thread_id", ""))


async def _transform(conversation: Conversation, request: Any) -> list[Any]:
    model = getattr(request.model, "model_name", None) or getattr(request.model, "model", None)
    name = model if isinstance(model, str) else ""
    return await conversation.transform(request.messages, system=request.system_prompt, model=name)


def _note_usage(conversation: Conversation, response: Any) -> None:
    """Hand LangChain's usage on in OpenAI's shape: its input counts what was read from a cache too."""
    for message in getattr(response, "result", ()):
        usage = getattr(message, "usage_metadata", None)
        if usage:
            cached = (usage.get("input_token_details") or {}).get("cache_read", 0)
            prompt = {"prompt_tokens": usage["input_tokens"], "completion_tokens": usage["output_tokens"]}
            conversation.note_usage(message, {**prompt, "prompt_tokens_details": {"cached_tokens": cached}})


if TYPE_CHECKING:
    CompactionMiddleware = Middleware

__getattr__ = late(__name__, "CompactionMiddleware", Middleware, "langchain.agents.middleware:AgentMiddleware", PACKAGE)
