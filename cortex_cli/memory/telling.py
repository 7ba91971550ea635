"""What a memory says of one run over a transcript: in the words of a summary's outcome, counted by its ledger."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cortex_cli.memory.account import Account
from cortex_cli.memory.engine import Memory
from cortex_cli.memory.facts import head_and_text
from cortex_cli.memory.log import read_log
from cortex_cli.memory.reading import read_entries
from cortex_cli.messages import Message
from cortex_cli.report import Facts
from cortex_cli.summarizers.base import SummaryOutcome
from cortex_cli.summarizers.boundaries import harmless
from cortex_cli.summarizers.earlier import earlier_summary
from cortex_cli.summarizers.ledger import Fact, merge_facts
from cortex_cli.summarizers.survey import survey


def outcome_of(memory: Memory) -> SummaryOutcome:
    """Tell what became of a run; its facts are counted by `Noted.count_facts`, where somebody asks for them."""
    account = memory.account
    return SummaryOutcome(
        text=memory.state.observations,
        facts=Facts(),
        summarizer=account.author,
        warnings=(*account.warnings, *_untold(account)),
        events=tuple(account.events),
        cost=account.cost,
        redacted=account.redacted,
        failure=account.failures[-1] if account.failures else "",
    )


def _untold(account: Account) -> list[str]:
    """Return why pieces were not taken in, where no author warned of it."""
    told = "\n".join(account.warnings)
    return [f"observational memory: {why}" for why in dict.fromkeys(account.failures) if why not in told]


class Noted(NamedTuple):
    """What a log took in."""

    log_before: str
    """The log that the run began with."""
    gone: tuple[Message, ...]
    """Messages that left for it, oldest first."""
    following: tuple[Message, ...]
    """Messages that stayed."""
    log: str
    """As it is now."""

    def count_facts(self) -> Facts:
        """Count the facts of what left, as for a summary: found, and kept in the log or in what stayed."""
        if not self.gone:
            return Facts()
        text = "\n".join((self.log, *(part.text for message in self.following for part in message.parts)))
        known = read_entries(read_log(self.log_before)).facts
        return facts_in(text, (*known, *facts_of(self.gone, self.following)))


def facts_of(messages: Sequence[Message], following: Sequence[Message] = ()) -> tuple[Fact, ...]:
    """Return the ledger of a conversation, by which every strategy is measured.

    Args:
        messages: The conversation, oldest first; summaries among them count with what they carry.
        following: What stays behind it: newer statements there replace older ones.
    """
    summaries = [earlier_summary(message) for message in messages if message.synthetic == "summary"]
    plain = [message for message in messages if message.synthetic not in ("summary", "log")]
    return survey(plain, summaries, following).facts


def facts_in(text: str, facts: Sequence[Fact]) -> Facts:
    """Count the facts that a text holds."""
    found = merge_facts((), facts)
    lost = tuple(fact.name for fact in found if not fact_is_in(fact, text))
    return Facts(found=len(found), kept=len(found) - len(lost), lost=lost)


def fact_is_in(fact: Fact, text: str) -> bool:
    """Tell whether a text still holds a fact."""
    return any(form in text for form in forms_of(fact))


def forms_of(fact: Fact) -> Iterator[str]:
    """Yield the texts by one of which a fact is told."""
    yield fact.text
    yield harmless(fact.text)
    if fact.kind not in ("user", "decided"):
        yield head_and_text(fact)[1]
