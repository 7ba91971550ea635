"""LiteLLM: a callback that compacts the messages of every call, in a program and in the proxy.

LiteLLM lets callbacks change asynchronous calls only, and only arguments that are given by name:
`await litellm.acompletion(model=..., messages=...)`. Needs `litellm`.
"""

import json
from collections.abc import Hashable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Unpack

from cortex_cli.formats import openai_chat
from cortex_cli.integrations.conversations import AsTheyAre, Conversation, Conversations, ManagerOptions
from cortex_cli.integrations.packages import late
from cortex_cli.settings import Settings

PACKAGE = "litellm"

_CHATS = ("completion", "acompletion")
"""Types of calls whose messages are a conversation."""


class Callback:
    """Compacts what models are sent, for each conversation by itself.

    Add it with `litellm.callbacks.append(CompactionCallback(...))`. A conversation is known by its session
    (`litellm_session_id`, or `session_id` in `metadata`), else by the message that it begins with. The options are
    those of `CompactionManager`; `prepare` is called with every new manager.
    """

    def __init__(self, settings: Settings | None = None, **options: Unpack[ManagerOptions]) -> None:
        super().__init__()
        self._conversations = Conversations(AsTheyAre(openai_chat.NAME), settings, options)

    async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: Any) -> dict[str, Any] | None:
        """Change a call of a program or of a router."""
        return await self._compacted(kwargs, getattr(call_type, "value", call_type))

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> dict[str, Any] | None:
        """Change a request to the proxy."""
        del user_api_key_dict, cache
        return await self._compacted(data, call_type)

    async def async_post_call_success_deployment_hook(
        self, request_data: dict[str, Any], response: Any, call_type: Any
    ) -> None:
        """Take in what a call took."""
        del call_type
        if usage := getattr(response, "usage", None):
            self._of(request_data).note_usage(response, usage)

    async def _compacted(self, kwargs: dict[str, Any], call_type: Any) -> dict[str, Any] | None:
        messages = kwargs.get("messages")
        if call_type not in _CHATS or not messages:
            return None
        conversation = self._of(kwargs)
        sent = {**kwargs, "messages": await conversation.transform(messages, model=kwargs.get("model") or "")}
        self._conversations.name(_key(sent), conversation)  # its answer, and who goes on with it, begin as it does
        return sent

    def _of(self, kwargs: Mapping[str, Any]) -> Conversation:
        return self._conversations.of(_key(kwargs))


def _key(kwargs: Mapping[str, Any]) -> Hashable:
    metadata = kwargs.get("metadata") or {}
    session = kwargs.get("litellm_session_id") or metadata.get("session_id")
    return session or _beginning(kwargs.get("messages") or ())


def _beginning(messages: Any) -> str:
    """Name a conversation by the first thing that a user said in it."""
    first = next((one for one in messages if isinstance(one, Mapping) and one.get("role") == "user"), None)
    return sha256(json.dumps(first, sort_keys=True, default=str).encode()).hexdigest()


if TYPE_CHECKING:
    CompactionCallback = Callback

__getattr__ = late(__name__, "CompactionCallback", Callback, "litellm.integrations.custom_logger:CustomLogger", PACKAGE)
