"""How the messages of a store become the dicts that everything else reads, and come back."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from cortex_cli.errors import StoreError
from cortex_cli.formats import axio


class Codec(NamedTuple):
    """A pair of functions; what goes in comes out equal."""

    encode: Callable[[Any], dict[str, Any]]
    """Message -> dict with `role` and `content`, of values that JSON has.

    Raises:
        StoreError: It is no message of this kind.
    """
    decode: Callable[[dict[str, Any]], Any]
    """Dict -> message."""
    format: str = "auto"
    """The format that the dicts are of (`Format.NAME`); `auto`: it is found out."""


def _checked(message: Any) -> dict[str, Any]:
    if isinstance(message, dict) and isinstance(message.get("role"), str):
        return message
    if isinstance(message, dict):
        raise StoreError("a message has no role", hint="messages are dicts with `role` and `content`")
    hint = "hand in dicts, or give the store a codec: `codec=axio_codec()` for axio's Message"
    raise StoreError(f"a message is a {type(message).__name__}, not a dict", hint=hint)


DICTS = Codec(_checked, lambda value: value)
"""Message dicts of OpenAI's and Anthropic's APIs and of axio, as they are."""


def _codec_of_type(kind: type[Any]) -> Codec:
    is_axio = kind.__module__.partition(".")[0] == axio.NAME
    return Codec(lambda message: dict(message.to_dict()), kind.from_dict, axio.NAME if is_axio else "auto")


def axio_codec() -> Codec:
    """Return the codec for axio's own `Message` objects.

    Raises:
        StoreError: axio is not installed.
    """
    try:
        kind: type[Any] = import_module("axio.messages").Message
    except ImportError as error:
        raise StoreError("axio is not installed", hint="pip install axio (it needs Python 3.12)") from error
    return _codec_of_type(kind)


def codec_for(message: Any) -> Codec:
    """Return the codec for a message of a store that names none.

    Raises:
        StoreError: It is neither a dict nor an object with `to_dict` and `from_dict`.
    """
    if hasattr(message, "to_dict") and hasattr(type(message), "from_dict"):
        return _codec_of_type(type(message))
    _checked(message)
    return DICTS
