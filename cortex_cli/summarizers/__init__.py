"""Summarisers: built-in and by a model, and the facts ledger."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import BUILTIN, KEY_VARIABLES, Summarizer

if TYPE_CHECKING:
    from cortex_cli.llm.client import OnText


def summarizer_of(settings: Settings, environ: Mapping[str, str], on_text: "OnText | None" = None) -> Summarizer | None:
    """Return the summariser that the settings name; None for the built-in one.

    Args:
        settings: Keys of group `summary`.
        environ: Where the API key is looked up.
        on_text: Called with each piece of a model's answer as it comes.

    Raises:
        OptionError: The settings name no usable model.
    """
    if settings.summarizer == BUILTIN:
        return None
    from cortex_cli.summarizers.model import make_summarizer  # noqa: PLC0415 - httpx takes 0.1 s to import

    return make_summarizer(settings, environ, on_text=on_text)


def key_environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return of the environment only what a model's client may need, to hand it to another process."""
    names = (settings.llm_key_env, *KEY_VARIABLES.values())
    return {name: environ[name] for name in names if name in environ} if settings.summarizer != BUILTIN else {}
