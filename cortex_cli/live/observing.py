"""Observational memory in a live session: who writes its log, and how the layers hand it the conversation."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from cortex_cli.layers.view import View
from cortex_cli.llm.client import Client
from cortex_cli.memory.account import Account
from cortex_cli.memory.base import Observer, Reflector
from cortex_cli.memory.live import LiveMemory
from cortex_cli.memory.model import make_observer, make_reflector
from cortex_cli.messages import LayerResult
from cortex_cli.pipeline import Remember
from cortex_cli.remembering import Remembering
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import BUILTIN
from cortex_cli.tokens import Counter


def live_memory(
    settings: Settings,
    counter: Counter,
    *,
    client: Client | None,
    observer: Observer | None,
    reflector: Reflector | None,
    emit: Callable[..., Awaitable[Any]],
    recall: str,
    known: LiveMemory | None,
) -> LiveMemory:
    """Build the memory of a session, or give the one it has other authors.

    Args:
        settings: Keys of the groups `observe` and `summary`.
        counter: Counts.
        client: The model that observes and reflects where nobody else does.
        observer: Instead of it.
        reflector: Instead of it.
        emit: Told of observations, reflections and errors.
        recall: How originals are looked up, one line for the model.
        known: The memory so far.
    """
    if client is not None:
        observer = observer or make_observer(settings, client)
        reflector = reflector or make_reflector(settings, client)
    # whoever writes was handed in: what the settings name is not looked for
    own = replace(settings, summarizer=BUILTIN, observer_model="", reflector_model="")
    remembering = Remembering(observer=observer, reflector=reflector, recall=recall, emit=emit)
    made = remembering.memory(own, counter)
    if known is None:
        return LiveMemory(made)
    memory = known.memory
    memory.observer, memory.reflector, memory.settings = made.observer, made.reflector, made.settings
    return known


def remember_live(memory: LiveMemory) -> Remember:
    """Return what hands the conversation to a memory that goes on; the account is of this pass alone."""
    memory.memory.account = Account()

    async def remember(view: View, is_forced: bool) -> LayerResult:
        return await (memory.before_truncation(view) if is_forced else memory.transform(view))

    return remember
