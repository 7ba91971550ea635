"""What is asked of an observing or condensing model: its input within the cap, its answers taken in piece by piece."""

from dataclasses import dataclass, field

from cortex_cli.llm.ask import Refused
from cortex_cli.llm.client import Completion, ModelError
from cortex_cli.memory.answers import Answer, read_answer, why_no_log
from cortex_cli.memory.asking import newest_part
from cortex_cli.memory.base import ObserveRequest, ReflectRequest
from cortex_cli.memory.condensing import DETAIL
from cortex_cli.memory.dialogue import dialogue
from cortex_cli.memory.limits import INPUT_SHARE
from cortex_cli.prompts import fill, load_prompt
from cortex_cli.settings import Settings
from cortex_cli.summarizers.acceptance import REPETITIVE, SIZE_SLACK
from cortex_cli.summarizers.asking import ANSWER_SHARE, MIN_ANSWER_TOKENS, WORDS_PER_TOKEN, Asking, Prompt, window_of
from cortex_cli.summarizers.boundaries import open_tags
from cortex_cli.summarizers.redact import redact_all, redact_messages
from cortex_cli.summarizers.serialize import Chunk, squeeze
from cortex_cli.tokens import Counter

EARLIER_SHARE = 0.25
"""Of the cap that earlier observations may take."""

HINT_TOKENS = 300
"""For task and suggested response, besides the log."""

LEAST_INPUT_TOKENS = 64
"""Shown at a time however small the cap is; else nothing would ever be observed."""


@dataclass(slots=True, kw_only=True)
class AskingForLog(Asking):
    """A piece of log on its way: what is sent, and what was answered."""

    counter: Counter
    max_tokens: int
    """What the log may take."""
    is_limit: bool
    """Whether a log that is much larger is refused."""
    redacted: int = 0
    answers: list[Answer] = field(default_factory=list)
    loops: int = 0
    """Answers that ran in circles."""

    @property
    def answer_tokens(self) -> int:
        """The answer's limit: log and hints."""
        wanted = max(MIN_ANSWER_TOKENS, self.largest_tokens + HINT_TOKENS)
        return min(wanted, max(MIN_ANSWER_TOKENS, int(ANSWER_SHARE * self.window)))

    @property
    def largest_tokens(self) -> int:
        """The largest log of this part that is read to its end."""
        return int(self.piece_tokens * SIZE_SLACK)

    @property
    def piece_tokens(self) -> int:
        """What the log of this part may take."""
        total = sum(chunk.tokens for chunk in self.chunks)
        return max(1, self.max_tokens * self.chunks[self.done].tokens // max(1, total))

    @property
    def max_words(self) -> str:
        """The same as a model is told it."""
        room = min(self.piece_tokens, self.answer_tokens - HINT_TOKENS // 2)
        return str(max(20, int(room * WORDS_PER_TOKEN)))

    @property
    def log(self) -> str:
        """Everything that was answered."""
        return "\n\n".join(answer.observations for answer in self.answers)

    def take(self, completion: Completion) -> None:
        """Take an answer in; one that runs in circles is asked for once more, then no more.

        Raises:
            ModelError: It cannot be used.
        """
        answer = read_answer(completion.text)
        why = why_no_log(completion, answer.observations)
        tokens = self.counter.count_text(answer.observations)
        if not why and self.is_limit and tokens > self.piece_tokens * SIZE_SLACK:
            why = f"its {tokens:,} tokens are more than the {self.piece_tokens:,} asked for"
        if why == REPETITIVE:
            self.loops += 1
            if self.loops > 1:
                raise ModelError(f"the log was refused: {why}, also when asked again")
        if why:
            raise Refused(f"the log was refused: {why}")
        self.answers.append(answer)


@dataclass(slots=True, kw_only=True)
class AskingObserver(AskingForLog):
    """New observations."""

    request: ObserveRequest
    """Without secrets, if the settings say so."""
    earlier: str

    @classmethod
    def about(cls, request: ObserveRequest, settings: Settings) -> "AskingObserver":
        """Prepare what an observer is asked with."""
        messages, (earlier,), redacted = (
            redact_messages(request.messages, (request.earlier,))
            if settings.redact
            else (request.messages, (request.earlier,), 0)
        )
        return cls(
            settings=settings,
            window=window_of(settings),
            counter=request.counter,
            max_tokens=request.max_tokens,
            is_limit=True,
            redacted=redacted,
            request=ObserveRequest(
                messages=messages,
                earlier=earlier,
                max_tokens=request.max_tokens,
                counter=request.counter,
                instruction=request.instruction,
            ),
            earlier=earlier,
        )

    @property
    def cap(self) -> int:
        """Most that is sent at a time, prompt and all. Source: SPEC section 6."""
        return min(self.settings.buffer_cap_tokens, int(INPUT_SHARE * self.window))

    def cut(self) -> None:
        """Cut the conversation into chunks that leave room for prompt and earlier observations."""
        self.answers = []
        bare = self._prompt("", "", "0000")
        taken = sum(map(self.counter.count_text, bare)) + self._earlier_tokens
        room = max(LEAST_INPUT_TOKENS, self.cap - taken)
        self.chunks = dialogue(self.request.messages, room, self.counter)

    @property
    def _earlier_tokens(self) -> int:
        return min(self.settings.previous_observations_tokens, int(EARLIER_SHARE * self.cap))

    def prompt(self) -> Prompt:
        """Return what is sent next, word for word."""
        known = "\n\n".join(filter(None, (self.earlier, self.log)))
        earlier = newest_part(open_tags(known), self._earlier_tokens, self.counter)
        return self._prompt(earlier, self.chunks[self.done].text, self.max_words)

    def _prompt(self, earlier: str, conversation: str, max_words: str) -> Prompt:
        fenced = f"<earlier-observations>\n{earlier}\n</earlier-observations>\n\n" if earlier else ""
        wish = self.request.instruction
        text = fill(
            load_prompt("observer"),
            earlier=fenced,
            conversation=conversation,
            max_words=max_words,
            instruction=f"\nLook most at this: {wish}\n" if wish else "",
        )
        return Prompt(load_prompt("observer_system"), text.strip())


@dataclass(slots=True, kw_only=True)
class AskingReflector(AskingForLog):
    """A condensed log."""

    request: ReflectRequest
    """Without secrets, if the settings say so."""

    @classmethod
    def about(cls, request: ReflectRequest, settings: Settings) -> "AskingReflector":
        """Prepare what a reflector is asked with."""
        (log,), redacted = redact_all([request.observations]) if settings.redact else ((request.observations,), 0)
        return cls(
            settings=settings,
            window=window_of(settings),
            counter=request.counter,
            max_tokens=request.max_tokens,
            is_limit=False,  # whoever asked compares, and asks at the next level
            redacted=redacted,
            request=ReflectRequest(
                observations=log,
                max_tokens=request.max_tokens,
                level=request.level,
                counter=request.counter,
                instruction=request.instruction,
            ),
        )

    @property
    def largest_tokens(self) -> int:
        """As large as the log is: one that is too long is compared and asked for at the next level, not cut off."""
        return max(int(self.piece_tokens * SIZE_SLACK), self.chunks[self.done].tokens)

    def cut(self) -> None:
        """Take the log whole, or entry by entry as much as the window holds."""
        self.answers = []
        room = max(LEAST_INPUT_TOKENS, int(INPUT_SHARE * self.window))
        self.chunks = tuple(split_log(open_tags(self.request.observations), room, self.counter))

    def prompt(self) -> Prompt:
        """Return what is sent next, word for word."""
        level, wish = self.request.level, self.request.instruction
        detail = str(round(10 * DETAIL[min(level, len(DETAIL) - 1)]))
        text = fill(
            load_prompt("reflector"),
            observations=self.chunks[self.done].text,
            max_words=self.max_words,
            condense=f"{fill(load_prompt('condense'), detail=detail)}\n" if level else "",
            instruction=f"\nLook most at this: {wish}\n" if wish else "",
        )
        return Prompt(load_prompt("reflector_system"), text.strip())


def split_log(log: str, max_tokens: int, counter: Counter) -> list[Chunk]:
    """Cut a log between entries into pieces that fit, each under its date; details stay with their entry."""
    if (tokens := counter.count_text(log)) <= max_tokens:
        return [Chunk(log, tokens)]
    pieces: list[Chunk] = []
    date, lines, size = "", list[str](), 0
    for entry in _entries(log):
        entry = squeeze(entry, max_tokens // 2, counter)
        tokens = counter.count_text(entry) + 1
        if lines and size + tokens > max_tokens:
            pieces.append(Chunk("\n".join(lines), size))
            lines = [date] if date and not entry.startswith("Date: ") else []
            size = counter.count_text(date) + 1 if lines else 0
        date = entry if entry.startswith("Date: ") else date
        lines.append(entry)
        size += tokens
    return [*pieces, Chunk("\n".join(lines), size)] if lines else pieces


def _entries(log: str) -> list[str]:
    """Return a log's entries with their details; date lines stand alone."""
    entries: list[str] = []
    for line in log.splitlines():
        if line.startswith((" ", "\t")) and entries and not entries[-1].startswith("Date: "):
            entries[-1] += f"\n{line}"
        elif line.strip():
            entries.append(line)
    return entries
