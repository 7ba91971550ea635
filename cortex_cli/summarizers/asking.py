"""One summary that a model is asked for: what is sent, in how many parts, how far it has come.

Whether it is tried again, and what happens when it fails, is decided in `model.py`. Source: SPEC section 4.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from cortex_cli import costs, models
from cortex_cli.errors import InputError
from cortex_cli.llm.ask import Attempts, Refused, attempt
from cortex_cli.llm.client import Client, Completion, CompletionRequest, ModelError, OnText
from cortex_cli.prompts import fill, load_prompt
from cortex_cli.settings import Settings
from cortex_cli.summarizers.acceptance import read_summary, why_refused
from cortex_cli.summarizers.base import SummaryRequest
from cortex_cli.summarizers.boundaries import open_tags
from cortex_cli.summarizers.ledger import Fact, append_ledger, without_ledger
from cortex_cli.summarizers.redact import redact_messages
from cortex_cli.summarizers.serialize import Chunk, serialize
from cortex_cli.summarizers.survey import survey
from cortex_cli.tokens import count_messages

INPUT_SHARE = 0.6
"""Of the summariser's window, for the transcript. Source: SPEC section 4."""

LEDGER_SHARE = 0.4
"""Of the summary, for the facts ledger, at most. Source: SPEC section 4."""

ANALYSIS_FACTOR = 2
"""An answer may be so many times the summary's size: the private analysis comes first."""

ANSWER_SHARE = 0.35
"""Of the summariser's window, for the answer, at most: what the input leaves, and some room for the prompt."""

MIN_ANSWER_TOKENS = 256
"""A shorter answer is no summary, however small the window."""

WORDS_PER_TOKEN = 0.7
"""Of English prose; models are told a number of words."""

UNKNOWN_WINDOW = 64_000
"""Of a summariser whose window nobody told us, in tokens. Where it is smaller, the refusal halves the input."""


class Prompt(NamedTuple):
    """What is sent in one request."""

    system: str
    text: str


@dataclass(slots=True)
class Usage:
    """What the calls of one summary took together."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    redacted: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    def add(self, completion: Completion) -> None:
        """Take one answer in."""
        self.calls += 1
        self.input_tokens += completion.input_tokens
        self.output_tokens += completion.output_tokens
        self.cached_tokens += completion.cached_tokens

    def bill(self, client: Client) -> dict[str, Any]:
        """Price the calls."""
        model = models.find_model(client.model) if client.model else None
        usd = costs.price_of_call(model, self.input_tokens, self.cached_tokens, self.output_tokens) if model else None
        return {
            "model": client.model,
            "calls": self.calls,
            "input_tokens": self.input_tokens,
            "cached_tokens": self.cached_tokens,
            "output_tokens": self.output_tokens,
            "usd": usd,
        }


@dataclass(slots=True, kw_only=True)
class Asking:
    """A text that a model is asked for, in as many parts as its window makes of what it is to read."""

    settings: Settings
    window: int
    """Of the model, as far as anybody knows; refusals make it smaller."""
    chunks: tuple[Chunk, ...] = ()
    done: int = 0
    """Chunks that are answered."""

    def send_less(self, limit_tokens: int) -> None:
        """Halve the input after a refusal as too long, or obey the window that the refusal states."""
        self.window = min(self.window // 2, limit_tokens or self.window)
        self.chunks = ()

    async def ask_all(self, client: Client, usage: Usage, on_text: OnText | None = None) -> None:
        """Ask chunk by chunk; what was answered before a failure is not asked again."""
        if not self.chunks:
            self.cut()
            self.done = 0
        while self.done < len(self.chunks):
            prompt = self.prompt()
            completion = await client.complete(
                CompletionRequest(system=prompt.system, prompt=prompt.text, max_tokens=self.answer_tokens), on_text
            )
            usage.add(completion)
            self.take(completion)
            self.done += 1

    def cut(self) -> None:
        """Cut what is to be read into chunks, and forget the answers there are."""
        raise NotImplementedError

    def prompt(self) -> Prompt:
        """Return what is sent next, word for word."""
        raise NotImplementedError

    @property
    def answer_tokens(self) -> int:
        """The answer's limit."""
        raise NotImplementedError

    def take(self, completion: Completion) -> None:
        """Take one answer in.

        Raises:
            Refused: It cannot be used.
        """
        raise NotImplementedError


async def ask(asking: Asking, client: Client, tries: Attempts, usage: Usage, on_text: OnText | None = None) -> None:
    """Ask until every part is answered; failures on the way are events.

    Raises:
        ModelError: The last failure, when the attempts are used up.
    """

    async def once() -> None:
        await asking.ask_all(client, usage, on_text)

    def failed(number: int, error: ModelError) -> None:
        usage.events.append({"event": "error", "attempt": number, "reason": str(error)})
        if error.overflow:
            asking.send_less(error.limit_tokens)

    await attempt(client.endpoint, once, tries, failed)


@dataclass(slots=True, kw_only=True)
class AskingSummary(Asking):
    """One summary on its way: what is sent, and how far it has come."""

    request: SummaryRequest
    """Without secrets, if the settings say so."""
    facts: tuple[Fact, ...]
    room: int
    """Tokens for the model's words; the ledger has the rest."""
    replaced_tokens: int
    redacted: int
    notes: str = ""

    @classmethod
    def about(cls, request: SummaryRequest, settings: Settings) -> "AskingSummary":
        """Prepare what a request will be asked with."""
        counter = request.counter
        facts = survey(request.messages, request.earlier, request.following).facts
        ledger = append_ledger("", facts, int(request.max_tokens * LEDGER_SHARE), counter)
        clean, redacted = without_secrets(request) if settings.redact else (request, 0)
        return cls(
            request=clean,
            settings=settings,
            facts=facts,
            room=request.max_tokens - counter.count_text(ledger.text),
            replaced_tokens=replaced_tokens(request),
            redacted=redacted,
            window=window_of(settings),
        )

    @property
    def text(self) -> str:
        """The summary that the model wrote, without a ledger."""
        return open_tags(without_ledger(self.notes))

    def cut(self) -> None:
        """Cut the conversation into chunks."""
        self.chunks = serialize(self.request.messages, int(INPUT_SHARE * self.window), self.request.counter)
        self.notes = _earlier_text(self.request)

    @property
    def answer_tokens(self) -> int:
        """The answer's limit: analysis and notes."""
        return min(self.room * ANALYSIS_FACTOR, max(MIN_ANSWER_TOKENS, int(ANSWER_SHARE * self.window)))

    def take(self, completion: Completion) -> None:
        """Take the notes of an answer.

        Raises:
            Refused: They cannot be used.
        """
        body = read_summary(completion.text)
        tokens = self.request.counter.count_text(body)
        why = why_refused(completion, body, tokens=tokens, max_tokens=self.room, replaced_tokens=self.replaced_tokens)
        if why:
            raise Refused(f"the summary was refused: {why}")
        self.notes = body

    def prompt(self) -> Prompt:
        """Return what is sent next, word for word."""
        fenced = f"<earlier-summary>\n{open_tags(self.notes)}\n</earlier-summary>\n\n" if self.notes else ""
        text = fill(
            _template(self.settings),
            earlier=fenced,
            and_earlier=", carrying on and updating the earlier notes" if self.notes else "",
            transcript=self.chunks[self.done].text,
            max_words=str(int(min(self.room, self.answer_tokens // ANALYSIS_FACTOR) * WORDS_PER_TOKEN)),
            focus=f"\nLook most at this: {self.settings.focus}\n" if self.settings.focus else "",
        )
        return Prompt(load_prompt("system"), text.strip())


def without_secrets(request: SummaryRequest) -> tuple[SummaryRequest, int]:
    """Take secrets out of everything that may be sent."""
    messages, texts, count = redact_messages(request.messages, [summary.text for summary in request.earlier])
    if not count:
        return request, 0
    earlier = tuple(summary._replace(text=text) for summary, text in zip(request.earlier, texts, strict=True))
    return replace(request, messages=messages, earlier=earlier), count


def replaced_tokens(request: SummaryRequest) -> int:
    """Return the size of what a summary replaces."""
    counter = request.counter
    earlier = sum(counter.count_text(summary.text) for summary in request.earlier)
    return count_messages(request.messages, counter) + earlier


def window_of(settings: Settings) -> int:
    """Return the window of the model that writes, as far as anybody knows."""
    known = models.find_model(settings.llm_model) if settings.llm_model else None
    return settings.utility_window_tokens or (known.window if known else 0) or UNKNOWN_WINDOW


def _earlier_text(request: SummaryRequest) -> str:
    return "\n\n".join(without_ledger(summary.text) for summary in request.earlier)


def _template(settings: Settings) -> str:
    """Return our prompt or the user's own, which gets the transcript where it does not ask for it."""
    if not settings.prompt_file:
        return load_prompt("summary")
    try:
        own = Path(settings.prompt_file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        hint = "check `--prompt-file`; a prompt is a text file in UTF-8"
        raise InputError(f"cannot read the prompt: {reason}", where=settings.prompt_file, hint=hint) from error
    if "{{transcript}}" in own:
        return own
    return "{{earlier}}<transcript>\n{{transcript}}\n</transcript>\n\n" + own


def render_prompt(request: SummaryRequest, settings: Settings) -> tuple[str, int]:
    """Return what would be sent first, word for word, and how many requests would follow it.

    Those have the same form and hold the notes so far.
    """
    asking = AskingSummary.about(request, settings)
    asking.cut()
    prompt = asking.prompt()
    return f"{prompt.system}\n\n{prompt.text}", len(asking.chunks) - 1
