"""What a memory says of one run over a transcript: in the words of a summary's outcome, counted by its ledger."""

from collections.abc import Iterator, Sequence

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


def outcome_of(
    memory: Memory, log_before: str, gone: Sequence[Message], following: Sequence[Message]
) -> SummaryOutcome:
    """Tell what became of a run.

    Args:
        memory: After the run.
        log_before: The log that the run began with.
        gone: Messages that left for the log, oldest first.
        following: Messages that stayed.
    """
    account = memory.account
    return SummaryOutcome(
        text=memory.state.observations,
        facts=count_facts(log_before, gone, following, memory.state.observations),
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


def count_facts(log_before: str, gone: Sequence[Message], following: Sequence[Message], log: str) -> Facts:
    """Count the facts of what left, as for a summary: found, and kept in the log or in what stayed."""
    if not gone:
        return Facts()
    text = "\n".join((log, *(part.text for message in following for part in message.parts)))
    return facts_in(text, (*read_entries(read_log(log_before)).facts, *facts_of(gone, following)))


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
