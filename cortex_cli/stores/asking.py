"""Who may write the summaries of a store, and how each is asked."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from cortex_cli.prompts import load_prompt
from cortex_cli.stores.codecs import Codec, axio_codec
from cortex_cli.stores.memory import MemoryContextStore
from cortex_cli.summarizers import builtin
from cortex_cli.summarizers.acceptance import read_summary
from cortex_cli.summarizers.base import Summarizer, SummaryOutcome, SummaryRequest
from cortex_cli.summarizers.redact import redact_all

DEFAULT_WINDOW_TOKENS = 128_000
"""Where nothing says how large the model's window is. Source: SPEC section 9."""

_ASK = "Summarize the conversation above."
"""What axio's agent is told after the messages. Source: axio's own compaction."""

_log = logging.getLogger("cortex_cli")

TextSummarizer = Callable[[list[Any], str], str | Awaitable[str]]
"""(the messages to be replaced, as the store's user knows them; the prompt) -> the summary."""


class Transport(Protocol):
    """A completion transport of axio."""

    def stream(self, messages: Any, tools: Any, system: str) -> Any:
        """Ask the model."""
        ...


StoreSummarizer = Summarizer | TextSummarizer | Transport
"""One of ours (called with a `SummaryRequest`), a function of messages and prompt, or a transport of axio."""


class Asked(NamedTuple):
    """What a summary is to be written of."""

    request: SummaryRequest
    messages: Sequence[Any]
    """The same as the store's user knows them, earlier summaries among them."""
    codec: Codec
    """Theirs."""
    prompt: str | None
    """For functions and transports instead of our prompt; for ours the focus, which is in the request."""


class NoSummaryError(Exception):
    """Nobody wrote a summary that can be used; says why."""


def window_of(summarizer: StoreSummarizer | None) -> int:
    """Return the window of the model behind a transport, in tokens; the default where there is none."""
    window = getattr(getattr(summarizer, "model", None), "context_window", None)
    return window if isinstance(window, int) and window > 0 else DEFAULT_WINDOW_TOKENS


async def write_summary(summarizer: StoreSummarizer | None, asked: Asked) -> str:
    """Have a summary written, secrets taken out.

    Raises:
        NoSummaryError: There is none.
        Exception: Whatever the summariser raises.
    """
    text = await _written(summarizer, asked)
    if not text.strip():
        raise NoSummaryError("the summary is empty")
    (clean,), _ = redact_all([text])
    return clean


async def _written(summarizer: StoreSummarizer | None, asked: Asked) -> str:
    if summarizer is None:
        # in a thread: seconds of work on a long conversation, and others append meanwhile
        return _text_of(await asyncio.to_thread(builtin.summarize, asked.request))
    prompt = load_prompt("store") if asked.prompt is None else asked.prompt
    if not callable(summarizer):
        return read_summary(await _stream(summarizer, asked, prompt))
    function: Callable[..., Any] = summarizer
    found = function(list(asked.messages), prompt) if takes_two(function) else function(asked.request)
    return _text_of(await found if inspect.isawaitable(found) else found)


def takes_two(function: Callable[..., Any]) -> bool:
    """Tell a function of messages and prompt from a summariser of ours, by what it can be called with."""
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # it has no signature that could be read
        return True
    return True


def _text_of(found: Any) -> str:
    if isinstance(found, SummaryOutcome):
        for warning in found.warnings:
            _log.warning("%s", warning)
        if not found.text:
            raise NoSummaryError(found.failure or "nothing was written")
        return found.text
    if found is None:
        raise NoSummaryError("nothing could be said in the space there was")
    if not isinstance(found, str):
        raise NoSummaryError(f"the summariser gave a {type(found).__name__}, not a text")
    return read_summary(found)


async def _stream(transport: Transport, asked: Asked, prompt: str) -> str:
    """Ask a transport as axio does: by an agent without tools that reads the messages and answers once."""
    axio = axio_codec()
    own = [axio.decode(asked.codec.encode(message)) for message in asked.messages]
    agent = import_module("axio.agent").Agent(system=prompt, transport=transport, max_iterations=1)
    return str(await agent.run(_ASK, MemoryContextStore(own)))
