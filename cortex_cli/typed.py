"""Which user text a person wrote, and which messages are slots.

Source: SPEC section 0, "typed" and "slot".
"""

import re
from collections.abc import Iterable, Sequence

from cortex_cli.messages import Message, build

_WRAPPED = re.compile(
    r"\s*(?:<(system-reminder|command-[\w-]+|local-command-[\w-]+|environment_context|user_instructions|turn_aborted)\b[^>]*>.*?</\1>\s*)+\Z",
    re.DOTALL,
)


def is_machine_text(text: str) -> bool:
    """Tell whether a whole user text was written by a program: only wrapped reminders, commands, rules."""
    head = text.lstrip()[:24]
    if head.startswith("# AGENTS.md instructions"):
        return True
    return head.startswith("<") and _WRAPPED.match(text) is not None


def is_typed_text(text: str) -> bool:
    """Tell whether a user text holds words that a person typed."""
    return not is_blank(text) and not is_machine_text(text)


def is_blank(text: str) -> bool:
    """Tell whether a text has no sign but white space; `strip` would copy a long one."""
    return not text or text.isspace()


def finish(messages: Iterable[Message], *, after: Sequence[Message] = ()) -> tuple[Message, ...]:
    """Number the loaded live path and mark its slots; every format's `load` ends with this.

    System messages are slots wherever they stand; user messages that nobody typed are slots
    before the first typed one (project rules, environment).

    Args:
        messages: The live path, or what was added to one.
        after: What stands before, finished already.
    """
    done: list[Message] = []
    before_first_typed = all(not message.typed and message.role in ("system", "user") for message in after)
    for position, message in enumerate(messages, start=len(after)):
        role = message.role
        before_first_typed = before_first_typed and not message.typed and role in ("system", "user")
        is_slot = role == "system" or (before_first_typed and not message.synthetic)
        done.append(build(Message, (*message[:6], is_slot, message.synthetic, position)))
    return tuple(done)
