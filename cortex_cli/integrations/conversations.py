"""What the integrations share: one manager for each conversation, and the framework's messages in and out of it."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict, TypeVar

from cortex_cli.layers.view import Persist
from cortex_cli.live.completing import Complete
from cortex_cli.llm.client import Client
from cortex_cli.manager import CompactionManager
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import Summarizer
from cortex_cli.tokens import Counter, make_counter

T = TypeVar("T")

MAX_CONVERSATIONS = 256
"""Managers that are kept; of a conversation that comes again after so many others it is decided anew."""

Pair = tuple[Any, Sequence[Any]]
"""A message of the framework's, and the values that it is for the manager."""


class Shape(Protocol):
    """How a framework's messages become values that the manager reads."""

    @property
    def format(self) -> str:
        """Of the values: a format's name, or `auto`."""
        ...

    def encode(self, message: Any) -> Sequence[Any]:
        """Return the values of one message."""
        ...

    def decode(self, values: Sequence[Any], origins: "Origins") -> list[Pair]:
        """Return the messages of values, each with its own; untouched ones are the same objects."""
        ...


@dataclass(frozen=True, slots=True)
class AsTheyAre:
    """The shape of a framework whose messages are a provider's own dicts or objects."""

    format: str = "auto"

    def encode(self, message: Any) -> Sequence[Any]:
        """Return the message itself."""
        return (message,)

    def decode(self, values: Sequence[Any], origins: "Origins") -> list[Pair]:
        """Return the values themselves."""
        del origins
        return [(value, (value,)) for value in values]


class Origins:
    """Tells of a value that the manager gave back which message it was made of."""

    def __init__(self, given: Sequence[Pair]) -> None:
        self.pairs = [(value, message) for message, values in given for value in values]
        self._by_id = {id(value): message for value, message in self.pairs}

    def find(self, value: Any) -> Any:
        """Return the message; None where it was edited, or is the manager's own.

        The manager may give back what it was handed in an earlier call, where that was equal.
        """
        if id(value) in self._by_id:
            return self._by_id[id(value)]
        return next((message for other, message in self.pairs if other == value), None)


class ManagerOptions(TypedDict, total=False):
    """How conversations are compacted; all but the last are arguments of `CompactionManager`."""

    summarizer: Summarizer | None
    complete: Complete | Client | None
    persist: Persist | None
    prepare: Callable[[CompactionManager], None]
    """Called with every new manager: to add handlers of events, to set the cache."""


class Conversation:
    """One conversation of a framework, and the manager that keeps it inside the window."""

    def __init__(self, shape: Shape, settings: Settings, options: ManagerOptions, counter: Counter) -> None:
        self.manager = CompactionManager(
            settings,
            summarizer=options.get("summarizer"),
            complete=options.get("complete"),
            counter=counter,
            persist=options.get("persist"),
            format=shape.format,
        )
        if prepare := options.get("prepare"):
            prepare(self.manager)
        self._shape = shape
        self._model = settings.model
        self._may_follow = not (settings.model or settings.window)
        self._given: list[Pair] = []
        self._known: dict[int, Pair] = {}
        self._answer: Any = None

    async def transform(self, messages: Sequence[Any], *, system: Any = None, model: str = "") -> list[Any]:
        """Return what to send instead of these messages.

        Args:
            messages: The framework's, oldest first.
            system: What is sent beside them.
            model: Who is asked; decides the window where the settings name neither.

        Raises:
            DoesNotFitError: Not even what must stay fits into the window.
            InputError: They cannot be read.
        """
        if self._may_follow and model and model != self._model:
            self.manager.set_model(model)
            self._model = model
        given = self._encoded(messages)
        sent = await self.manager.transform([value for _, values in given for value in values], system=system)
        self._given = given
        return self._decoded(sent)

    async def handle_overflow(self, error: Any) -> list[Any] | None:
        """Return what to send instead of what was refused as too long; None where the error is another one."""
        sent = await self.manager.handle_overflow(error)
        return None if sent is None else self._decoded(sent)

    def note_usage(self, answer: Any, usage: Any = None, *, input_tokens: int = 0) -> None:
        """Take in what a call took, once for each answer."""
        if answer is None or answer is not self._answer:
            self._answer = answer
            self.manager.update_usage(usage, input_tokens=input_tokens)

    def _encoded(self, messages: Sequence[Any]) -> list[Pair]:
        """Encode messages; one that says what it said before has the same values as before."""
        found: list[Pair] = []
        for at, message in enumerate(messages):
            values = self._shape.encode(message)
            _, known = self._known.get(id(message)) or (self._given[at] if at < len(self._given) else (None, ()))
            found.append((message, known if list(known) == list(values) else values))
        return found

    def _decoded(self, sent: Sequence[Any]) -> list[Any]:
        made = self._shape.decode(sent, Origins(self._given))
        self._known = {id(message): (message, values) for message, values in [*self._given, *made]}
        return [message for message, _ in made]


class Conversations:
    """The conversations of one program, by a key of the framework's."""

    def __init__(self, shape: Shape, settings: Settings | None, options: ManagerOptions) -> None:
        self._shape = shape
        self._settings = settings or Settings()
        self._options = options
        self._counter = make_counter(self._settings.tokenizer)
        self._known: OrderedDict[Hashable, Conversation] = OrderedDict()
        self.of("")  # settings that cannot be used are told at once

    def of(self, key: Hashable) -> Conversation:
        """Return the conversation of that key, a new one where it is not known."""
        if key not in self._known:
            self._known[key] = Conversation(self._shape, self._settings, self._options, self._counter)
        self._known.move_to_end(key)
        while len(self._known) > MAX_CONVERSATIONS:
            self._known.popitem(last=False)
        return self._known[key]

    def name(self, key: Hashable, conversation: Conversation) -> None:
        """Let a conversation be known by another key too."""
        self._known[key] = conversation

    def forget(self, key: Hashable) -> None:
        """Begin anew with the conversation of that key."""
        self._known.pop(key, None)


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine for a framework's synchronous face, also where an event loop runs already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
