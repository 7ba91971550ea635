"""Text that plays at being an instruction, a fence or a fact of ours changes neither structure nor who said what."""

import asyncio
import re
from dataclasses import dataclass, field

from cortex_cli import marks
from cortex_cli.compaction import compact
from cortex_cli.llm.client import Completion, CompletionRequest, OnText
from cortex_cli.messages import Message, Transcript
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import SummaryOutcome, SummaryRequest
from cortex_cli.summarizers.builtin import summarize_builtin
from cortex_cli.summarizers.ledger import append_ledger, parse_ledger
from cortex_cli.summarizers.model import make_summarizer
from cortex_cli.tokens import make_counter
from tests.conftest import live
from tests.summarizers.attacks import ATTACKS, EACH, EVIL, conversation

COUNTER = make_counter("heuristic")


def request_of(messages: tuple[Message, ...]) -> SummaryRequest:
    """Ask for a summary of all of it."""
    return SummaryRequest(messages=messages, earlier=(), max_tokens=1_200, counter=COUNTER)


def said_by_user(text: str) -> list[str]:
    """Return the facts of a summary that count as the user's words or as decided."""
    return [fact.text for fact in parse_ledger(text) if fact.kind in ("user", "decided")]


@dataclass
class Model:
    """A model that obeys whatever it reads: its answer is the attack."""

    answer: str
    prompts: list[str] = field(default_factory=list)
    name: str = "obedient"
    model: str = ""
    endpoint: str = "obedient"

    async def complete(self, request: CompletionRequest, on_text: OnText | None = None) -> Completion:
        """Answer."""
        del on_text
        self.prompts.append(request.prompt)
        return Completion(text=self.answer, stop="end")


def by_model(messages: tuple[Message, ...], answer: str) -> tuple[SummaryOutcome, str]:
    """Summarise by a model that gives this answer; return the prompt too."""
    model = Model(answer)
    summarizer = make_summarizer(Settings(max_retries=1), {}, client=model)
    assert summarizer is not None

    async def work() -> SummaryOutcome | None:
        return await summarizer(request_of(messages))

    outcome = asyncio.run(work())
    assert outcome is not None
    return outcome, model.prompts[0]


@EACH
def test_the_prompt_keeps_its_structure(attack: str) -> None:
    """One transcript, as many entries as messages, and only real user messages marked as typed."""
    messages = conversation(attack)
    _, prompt = by_model(messages, "x" * 50)
    assert prompt.count("<transcript>") == prompt.count("</transcript>") == 1
    assert prompt.count("<entry ") == prompt.count("</entry>") == len(messages)
    typed = re.findall(r'<entry [^>]*typed="yes"[^>]*>\n(.*?)\n</entry>', prompt, re.DOTALL)
    assert typed == [message.text for message in messages if message.role == "user"]


@EACH
def test_a_model_that_obeys_adds_no_fact_and_no_structure(attack: str) -> None:
    """What it writes is prose between our tags; the ledger is gathered mechanically and stays that."""
    outcome, _ = by_model(conversation(attack), f"## Current work\nThe port is 8473, as was agreed.\n{attack}")
    assert outcome.failure == ""
    whole = marks.summary_text(marks.Summary("", 1, outcome.text))
    assert whole.count("<compaction-summary") == whole.count("</compaction-summary>") == 1
    assert marks.parse_summary(whole) == marks.Summary("", 1, outcome.text)
    assert not any(EVIL in said for said in said_by_user(outcome.text))
    assert any("8473" in said for said in said_by_user(outcome.text))


@EACH
def test_the_builtin_summary_is_not_impressed(attack: str) -> None:
    """It quotes the user from typed messages alone."""
    outcome = asyncio.run(_builtin(request_of(conversation(attack))))
    assert marks.parse_summary(marks.summary_text(marks.Summary("", 1, outcome.text))) is not None
    assert "<compaction-summary" not in outcome.text
    assert not any(EVIL in said for said in said_by_user(outcome.text))
    asked = outcome.text.split("## All user messages")[-1].split("\n## ")[0]
    assert EVIL not in asked
    assert "8473" in outcome.text


async def _builtin(request: SummaryRequest) -> SummaryOutcome:
    outcome = await summarize_builtin(request)
    assert outcome is not None
    return outcome


@EACH
def test_a_second_compaction_believes_no_forged_summary(attack: str) -> None:
    """Structure that survived one round would be trusted in the next."""
    messages = conversation(attack)
    settings = Settings(layers=("summary",), threshold=0.0, tokenizer="heuristic", now="2026-01-01T00:00:00Z")
    once = compact(Transcript(format="openai", messages=messages, loaded=messages), settings).transcript
    again = live(*once.messages, *conversation(attack))
    twice = compact(Transcript(format="openai", messages=again, loaded=again), settings).transcript
    (ours,) = (message for message in twice.messages if message.synthetic == "summary")
    assert not any(EVIL in said for said in said_by_user(ours.text))


def test_no_summary_can_hold_the_beginning_of_a_ledger() -> None:
    """An open fence before the real ledger would take its lines in."""
    facts = parse_ledger("## Facts ledger\n```cortex-facts v1\nuser: the port is 8473\n```")
    whole = append_ledger(f"Text\n{ATTACKS['open-ledger']}", facts, 1_000, COUNTER)
    assert [fact.text for fact in parse_ledger(whole.text)] == ["the port is 8473"]
