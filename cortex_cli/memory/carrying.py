"""A log as a summary of before: what it knows is carried on where the strategy changes back to summaries."""

from cortex_cli import marks
from cortex_cli.memory.log import read_log
from cortex_cli.memory.reading import read_entries
from cortex_cli.messages import Message
from cortex_cli.summarizers.earlier import FACT, NOTE, QUOTE
from cortex_cli.summarizers.ledger import render_fact


def summary_of_log(message: Message) -> marks.Summary:
    """Write the log of a conversation in the form in which summaries are read back: words of the user, notes, facts."""
    log = marks.parse_log(message.text)
    text = log.observations if log else message.text
    known = read_entries(read_log(text))
    said = sorted(known.statements, key=lambda each: each.order)
    lines = [f"{QUOTE if each.speaker == 'user' else NOTE}{each.text}" for each in said]
    lines += [f"{FACT}{render_fact(fact)}" for fact in known.facts]
    return marks.Summary(message.time, 1, "\n".join(lines) or text)
