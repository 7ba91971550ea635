"""What a layer is handed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cortex_cli.messages import Change, LayerResult, Message
from cortex_cli.settings import Settings
from cortex_cli.tokens import Counter, count_messages

Persist = Callable[[str, str, str, str, int], str]
"""(content, tool, category, call id, index of the message) -> where it is now: a file path, or an id to recall it by.

An empty text: not kept (not wanted, or it failed). Paths hold a separator (`./a.txt`), ids do not.
"""


def forgiving(persist: Persist) -> Persist:
    """Let an archive that fails on one item cost only the reference. Source: SPEC section 2."""

    def tried(content: str, tool: str, category: str, call_id: str, index: int) -> str:
        try:
            return persist(content, tool, category, call_id, index)
        except Exception:  # somebody else's code: whatever it raises, the text goes all the same
            import logging  # noqa: PLC0415 - start-up time, hardly ever needed

            logging.getLogger("cortex_cli").warning(
                "the original of a result of %s was not kept", tool or "a tool", exc_info=True
            )
            return ""

    return tried


def of_originals(persist: Persist, messages: Sequence[Message]) -> Persist:
    """Put away what a tool said, also where a pass before shortened it without room to name where it is.

    Args:
        persist: Puts a text away.
        messages: The conversation before any layer.
    """
    said: dict[int, str] = {}

    def put(content: str, tool: str, category: str, call_id: str, index: int) -> str:
        if not said:
            said.update((message.position, part.text) for message in messages if (part := message.result) is not None)
        return persist(said.get(index, content) if index >= 0 else content, tool, category, call_id, index)

    return put


@dataclass(slots=True)
class Redone:
    """What layers last found and put in again, kept by a live session from call to call: most only add to the end."""

    decisions: Mapping[str, str] | None = None
    source: tuple[Message, ...] = ()
    """The messages that it was put into."""
    messages: tuple[Message, ...] = ()
    """What they became."""
    changes: tuple[Change, ...] = ()
    reason: str = ""
    uncapped: tuple[Message, ...] = ()
    """Messages with no batch of results over `batch_limit`."""
    batch_limit: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The live path and the sizes that decide."""

    messages: tuple[Message, ...]
    window: int
    """The model's limit, tokens."""
    budget: int
    """The smaller limit for layers 1 and 2, tokens; the window unless the user set one."""
    overhead_tokens: int = 0
    """Sent with every call and not in the file, measured from recorded usage; the file's own preamble included."""
    following_tokens: int = 0
    """Tokens of kept messages after the last one here (`--until`): they count, and they are distance."""
    scale: float = 1.0
    """What the model's own tokenizer counts for one token of ours; multiplies utilization only."""
    cache_is_warm: bool = False
    decisions: Mapping[str, str] = field(default_factory=dict)
    """Replacements made earlier in this conversation: call id -> text."""
    redone: Redone = field(default_factory=Redone, compare=False, repr=False)
    """What came of doing `decisions` again."""
    decided_at: tuple[int, int] | None = None
    """`micro.band` when `decisions` were made: while it is the same they hold, cold or not; None: unknown."""
    persist: Persist | None = None
    """Puts the whole text of a result away before it is shortened; None: there is no archive."""
    target_tokens: int = 0
    """Where a layer that must fit has to end up (`--fit`, overflow); 0: the layer's own threshold."""
    is_miscounted: bool = False
    """A provider refused what by our count had room: none of it is given away."""
    takes_turns: bool = False
    """User and assistant take turns in its format: two users that meet must be parted."""

    def with_messages(self, messages: tuple[Message, ...]) -> "View":
        """Return the same view of other messages."""
        return self if messages is self.messages else replace(self, messages=messages)

    def count(self, counter: Counter) -> int:
        """Count everything that would be sent, overhead included, in the counter's tokens."""
        return self.overhead_tokens + self.following_tokens + count_messages(self.messages, counter)


Layer = Callable[[View, Settings, Counter], LayerResult]
"""One layer: decides, plans and acts, without I/O."""
