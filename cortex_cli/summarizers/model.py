"""Summaries by a model: what is sent, how often it is tried, what is accepted, what happens when it fails.

Source: SPEC section 4.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cortex_cli import marks
from cortex_cli.errors import InputError, OptionError, name_hint
from cortex_cli.llm import anthropic, openai
from cortex_cli.llm.ask import Attempts
from cortex_cli.llm.client import Client, ModelError, OnText
from cortex_cli.llm.command import CommandClient
from cortex_cli.llm.http import shown_url
from cortex_cli.report import MODEL_FAILED, Facts
from cortex_cli.settings import Settings
from cortex_cli.summarizers.acceptance import read_summary, why_unusable
from cortex_cli.summarizers.asking import AskingSummary, Usage, ask, replaced_tokens
from cortex_cli.summarizers.base import KEY_VARIABLES, Summarizer, SummaryOutcome, SummaryRequest
from cortex_cli.summarizers.boundaries import open_tags
from cortex_cli.summarizers.builtin import summarize as summarize_builtin
from cortex_cli.summarizers.ledger import Ledger, append_ledger, without_ledger
from cortex_cli.summarizers.survey import survey

SUMMARIZERS = ("builtin", "openai", "anthropic", "command")


def make_client(settings: Settings, environ: Mapping[str, str]) -> Client:
    """Build the client that the settings name.

    Raises:
        OptionError: Unknown kind, or no model, key or command.
    """
    kind = settings.summarizer
    if kind == "command":
        if not settings.llm_command.strip():
            raise OptionError("--summarizer command needs a program", hint="give --llm-command CMD")
        program = CommandClient(settings.llm_command, settings.timeout_seconds)
        try:
            program.words  # noqa: B018 - read to be checked
        except ValueError as error:
            raise OptionError(f"no command line: {error}", where="--llm-command", hint="close its quotes") from error
        return program
    if kind not in KEY_VARIABLES:
        raise OptionError(f"no summarizer {kind!r}", hint=name_hint(kind, SUMMARIZERS), where="--summarizer")
    if not settings.llm_model:
        raise OptionError(f"--summarizer {kind} needs a model", hint="give --llm-model NAME")
    if settings.llm_url and not _URL.match(settings.llm_url):
        shown = shown_url(settings.llm_url)
        raise OptionError(f"{shown!r} is no URL", where="--llm-url", hint="give it as http(s)://host/...")
    own = openai.DEFAULT_URL if kind == "openai" else anthropic.DEFAULT_URL
    maker = openai.OpenAIClient if kind == "openai" else anthropic.AnthropicClient
    return maker(settings.llm_model, _key(kind, settings, environ), settings.llm_url or own, settings.timeout_seconds)


_URL = re.compile(r"https?://[^/\s]", re.IGNORECASE)


def _key(kind: str, settings: Settings, environ: Mapping[str, str]) -> str:
    variable = settings.llm_key_env or ("" if settings.llm_url else KEY_VARIABLES[kind])
    key = environ.get(variable, "").strip() if variable else ""
    if variable and not key:
        raise OptionError(f"no API key in ${variable}", hint=f"set {variable}, or name another with --llm-key-env")
    if not (key.isascii() and key.isprintable()):
        raise OptionError(f"the value of ${variable} cannot be an API key", hint="it holds line ends or strange signs")
    return key


def make_summarizer(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    client: Client | None = None,
    attempts: Attempts | None = None,
    on_text: OnText | None = None,
) -> Summarizer | None:
    """Build the summariser that the settings name; None for the built-in one, which sends nothing anywhere.

    Args:
        settings: Keys of group `summary`.
        environ: Where keys are looked up.
        client: Instead of the one the settings name.
        attempts: How stubborn to be; default: as the settings say.
        on_text: Called with each piece of an answer.

    Raises:
        OptionError: The settings name no usable model.
    """
    if settings.summarizer == "builtin" and client is None:
        return None
    asked = client or make_client(settings, environ)
    tries = attempts or Attempts(max(1, settings.max_retries), settings.retry_delay_seconds)

    async def summarize(request: SummaryRequest) -> SummaryOutcome | None:
        usage = Usage()
        try:
            return await _summarize(request, settings, asked, tries, usage, on_text)
        except ModelError as error:
            return _fall_back(request, settings, asked, error, usage)

    return summarize


async def _summarize(
    request: SummaryRequest, settings: Settings, client: Client, tries: Attempts, usage: Usage, on_text: OnText | None
) -> SummaryOutcome:
    """Ask for the summary and put the ledger under it."""
    asking = AskingSummary.about(request, settings)
    usage.redacted = asking.redacted
    await ask(asking, client, tries, usage, on_text)
    body = asking.text
    room_left = request.max_tokens - request.counter.count_text(body)
    whole = append_ledger(body, asking.facts, room_left, request.counter)
    return _outcome(
        whole,
        body,
        len(asking.facts),
        summarizer=client.name,
        events=tuple(usage.events),
        cost=usage.bill(client),
        redacted=usage.redacted,
    )


def accept_file(path: str) -> Summarizer:
    """Build a summariser that installs a reviewed or hand-edited summary, under the same checks.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        written = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        hint = "check the path; a summary is a text file in UTF-8"
        raise InputError(f"cannot read the summary: {reason}", where=path, hint=hint) from error
    installed = marks.parse_summary(written)  # copied out of an output, tags and ledger and all
    text = without_ledger(read_summary(installed.text if installed else written))

    async def summarize(request: SummaryRequest) -> SummaryOutcome | None:
        counter = request.counter
        tokens = counter.count_text(text)
        replaced = replaced_tokens(request)
        if why := why_unusable(text, tokens=tokens, max_tokens=request.max_tokens, replaced_tokens=replaced):
            raise InputError(f"the summary was refused: {why}", where=path, hint="edit it, or raise --summary-max")
        found = survey(request.messages, request.earlier, request.following)
        whole = append_ledger(open_tags(text), found.facts, request.max_tokens - tokens, counter)
        return _outcome(whole, text, len(found.facts), summarizer=f"file {path}")

    return summarize


def _outcome(whole: Ledger, body: str, found: int, **more: Any) -> SummaryOutcome:
    """Account for the facts: one is lost that neither the ledger nor the text holds."""
    lost = tuple(fact.name for fact in whole.lost if fact.text not in body)
    return SummaryOutcome(text=whole.text, facts=Facts(found, found - len(lost), lost), **more)


def _fall_back(
    request: SummaryRequest, settings: Settings, client: Client, error: ModelError, usage: Usage
) -> SummaryOutcome:
    """Do what the settings say when no attempt gave a summary."""
    reason = f"{MODEL_FAILED}: {error}"
    known: dict[str, Any] = {"events": tuple(usage.events), "failure": str(error)}
    if usage.calls:  # what was refused has its price too
        known |= {"cost": usage.bill(client), "redacted": usage.redacted}
    hint = f" ({error.hint})" if error.hint else ""
    if settings.fallback == "builtin" and not settings.strict:
        outcome = summarize_builtin(request)
        if outcome is not None:
            warning = f"{reason}; the built-in summariser wrote the summary{hint}"
            return replace(outcome, summarizer=f"builtin ({reason})", warnings=(warning,), **known)
    return SummaryOutcome(text="", facts=Facts(), summarizer=f"none ({reason})", warnings=(reason + hint,), **known)
