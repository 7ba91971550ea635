"""Which models write the log, by what the settings name."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from cortex_cli.errors import OptionError
from cortex_cli.memory.base import Observer, Reflector
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import BUILTIN

if TYPE_CHECKING:
    from cortex_cli.llm.ask import Attempts
    from cortex_cli.llm.client import Client, OnText

    Wrap = Callable[[Client], Client]

COMMAND = "command"
"""The one summarizer that needs no model's name."""


def observer_of(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    attempts: "Attempts | None" = None,
    on_text: "OnText | None" = None,
    wrap: "Wrap | None" = None,
) -> Observer | None:
    """Return the observer that the settings name; None for the built-in one.

    Args:
        settings: `observer_model`, else `llm_model`, at what `summarizer` and `llm_url` name.
        environ: Where the API key is looked up.
        attempts: How stubborn to be; default: as the settings say.
        on_text: Called with each piece of a model's answer as it comes.
        wrap: Puts limits around the model's client.

    Raises:
        OptionError: The settings name no usable model.
    """
    named = _named(settings, settings.observer_model, settings.reflector_model, "--observer-model")
    if named is None:
        return None
    from cortex_cli.memory.model import make_observer  # noqa: PLC0415 - httpx takes 0.1 s to import
    from cortex_cli.summarizers.model import make_client  # noqa: PLC0415

    client = make_client(named, environ)
    return make_observer(named, wrap(client) if wrap else client, attempts=attempts, on_text=on_text)


def reflector_of(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    attempts: "Attempts | None" = None,
    on_text: "OnText | None" = None,
    wrap: "Wrap | None" = None,
) -> Reflector | None:
    """Return the reflector that the settings name; None for the built-in one. See `observer_of`."""
    named = _named(settings, settings.reflector_model, settings.observer_model, "--reflector-model")
    if named is None:
        return None
    from cortex_cli.memory.model import make_reflector  # noqa: PLC0415 - httpx takes 0.1 s to import
    from cortex_cli.summarizers.model import make_client  # noqa: PLC0415

    client = make_client(named, environ)
    return make_reflector(named, wrap(client) if wrap else client, attempts=attempts, on_text=on_text)


def _named(settings: Settings, own: str, other: str, flag: str) -> Settings | None:
    """Return the settings with the model of this role as `llm_model`; None where the built-in author writes."""
    if settings.summarizer == BUILTIN:
        if own:
            raise OptionError(
                "it needs an API to be asked at", where=flag, hint="give --summarizer openai or anthropic"
            )
        return None
    name = own or settings.llm_model
    if not name and other and settings.summarizer != COMMAND:
        return None
    return replace(settings, llm_model=name)
