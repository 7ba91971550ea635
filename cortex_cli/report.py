"""What a run did, as plain values: the JSON report is one way to write it, the terminal another."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from cortex_cli.messages import NO_RECORD, WHOLE, Action, Change, Message, Transcript, build

MODEL_FAILED = "model failed"
"""How a reason begins where a model was to write something and did not. Source: SPEC section 4, "Failure"."""

REPORT_VERSION = 1
"""Of the JSON form. Source: DESIGN section 5."""


@dataclass(frozen=True, slots=True)
class Side:
    """The transcript before or after."""

    path: str
    messages: int
    tokens: int
    """Everything that would be sent, overhead included, by the report's counter."""
    bytes: int = 0
    format: str = ""
    digest: Callable[[], str] | None = field(default=None, repr=False, compare=False)
    """Works the SHA-256 out: it takes as long as parsing half of the input, and is only looked at as data."""
    overhead_tokens: int = 0

    @property
    def sha256(self) -> str:
        """Of the input's bytes, hexadecimal; empty for messages that came from no file."""
        return self.digest() if self.digest else ""


class ChangeReport(NamedTuple):
    """One change, tied to the input; there may be thousands."""

    message: int
    """0-based index in the input's live path; -1 for a message that was added."""
    line: int
    """1-based line of its record; 0 for a message that was added."""
    id: str
    part: int
    tool: str
    action: Action
    tokens_before: int
    tokens_after: int
    ref: str = ""
    before: str = ""
    after: str = ""
    typed: bool = False
    """A person wrote what was changed."""

    def to_json(self, *, texts: bool = False) -> dict[str, Any]:
        """Return the entry of the JSON report; texts stay out of it unless asked for."""
        more = {"typed": self.typed, "before": self.before, "after": self.after} if texts else {}
        return {
            "message": self.message,
            "line": self.line,
            "id": self.id,
            "part": self.part,
            "tool": self.tool,
            "action": self.action,
            "tokens_before": self.tokens_before,
            "tokens_after": self.tokens_after,
            "ref": self.ref,
            **more,
        }


class LayerReport(NamedTuple):
    """What one layer did, all its passes together."""

    name: str
    fired: bool
    reason: str
    tokens_before: int
    tokens_after: int
    changes: tuple[ChangeReport, ...] = ()

    def to_json(self, *, texts: bool = False) -> dict[str, Any]:
        """Return the entry of the JSON report."""
        return {
            "name": self.name,
            "fired": self.fired,
            "reason": self.reason,
            "tokens_before": self.tokens_before,
            "tokens_after": self.tokens_after,
            "changes": [change.to_json(texts=texts) for change in self.changes],
        }

    def count_actions(self) -> dict[tuple[Action, str], int]:
        """Count the changes by (action, tool)."""
        return dict(Tally((change.action, change.tool) for change in self.changes))


class Facts(NamedTuple):
    """Facts of the ledger."""

    found: int = 0
    kept: int = 0
    lost: tuple[str, ...] = ()


NO_FACTS = Facts()


def add_bills(bills: Iterable[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Add up what several summaries took and cost; None where no model was asked."""
    asked = [bill for bill in bills if bill]
    if len(asked) < 2:
        return asked[0] if asked else None
    sums = {name: sum(bill[name] for bill in asked) for name in asked[0] if name not in ("model", "usd")}
    prices = [bill["usd"] for bill in asked]
    return {**asked[0], **sums, "usd": None if None in prices else sum(prices)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run over one transcript."""

    command: str
    input: Side
    output: Side
    window: int
    window_source: str
    budget: int
    tokenizer: str
    counter: str
    model_scale: float = 1.0
    model_scale_source: str = ""
    strategy: str = "classic"
    summarizer: str = ""
    layers: tuple[LayerReport, ...] = ()
    facts: Facts = NO_FACTS
    cost: dict[str, Any] | None = None
    repairs: tuple[ChangeReport, ...] = ()
    warnings: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    """Advice for people: what would act when nothing fired, how to resume the output."""
    events: tuple[dict[str, Any], ...] = ()
    dry_run: bool = False
    elapsed_seconds: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] | None = field(default=None, repr=False)
    """State of observational memory, for the next run over the conversation; the JSON report has its sizes."""

    @property
    def fell_back(self) -> bool:
        """Whether a model was to write the summary and failed."""
        return f"({MODEL_FAILED}" in self.summarizer

    @property
    def saved_tokens(self) -> int:
        """Tokens that left."""
        return self.input.tokens - self.output.tokens

    @property
    def saved_ratio(self) -> float:
        """Share of the input's tokens that left, 0-1."""
        return self.saved_tokens / self.input.tokens if self.input.tokens else 0.0

    @property
    def changed(self) -> bool:
        """Whether the output differs from the input."""
        return bool(self.repairs) or any(layer.fired for layer in self.layers)

    def with_output(
        self, *, path: str, size_bytes: int, input_path: str | None = None, dry_run: bool = False
    ) -> "Report":
        """Return the report with what only the writer knows."""
        source = self.input if input_path is None else replace(self.input, path=input_path)
        return replace(self, input=source, output=replace(self.output, path=path, bytes=size_bytes), dry_run=dry_run)

    def to_json(self, *, texts: bool = False) -> dict[str, Any]:
        """Return the JSON report; with the changed texts for those who show them. Source: DESIGN section 5."""
        return {
            "version": REPORT_VERSION,
            "command": self.command,
            "dry_run": self.dry_run,
            "input": {
                "path": self.input.path,
                "format": self.input.format,
                "sha256": self.input.sha256,
                "messages": self.input.messages,
                "tokens": self.input.tokens,
                "bytes": self.input.bytes,
                "overhead_tokens": self.input.overhead_tokens,
            },
            "output": {
                "path": self.output.path,
                "messages": self.output.messages,
                "tokens": self.output.tokens,
                "bytes": self.output.bytes,
            },
            "window": self.window,
            "window_source": self.window_source,
            "budget": self.budget,
            "tokenizer": self.tokenizer,
            "counter": self.counter,
            "model_scale": self.model_scale,
            "strategy": self.strategy,
            "summarizer": self.summarizer,
            "layers": [layer.to_json(texts=texts) for layer in self.layers],
            "saved_tokens": self.saved_tokens,
            "saved_ratio": round(self.saved_ratio, 4),
            "facts": {"found": self.facts.found, "kept": self.facts.kept, "lost": list(self.facts.lost)},
            "cost": self.cost,
            "repairs": [repair.to_json(texts=texts) for repair in self.repairs],
            "warnings": list(self.warnings),
            "events": list(self.events),
            "elapsed_seconds": round(self.elapsed_seconds, 3),
            **self.extra,
            **({"memory": _memory_sizes(self.memory)} if self.memory else {}),
        }


def _memory_sizes(state: dict[str, Any]) -> dict[str, int]:
    """Return how much a memory holds: of its log and of what waits to be put into it."""
    return {
        "log_tokens": state["observation_tokens"],
        "reflections": state["generation"],
        "chunks": len(state["chunks"]),
        "chunk_messages": sum(chunk["messages"] for chunk in state["chunks"]),
    }


def merge_reports(reports: Sequence[Report]) -> Report:
    """Put the reports of one data set's conversations together; of a single one it is the report itself.

    `message` then counts within its conversation; `line` tells them apart.
    """
    first = reports[0]
    if len(reports) == 1:
        return first
    names = dict.fromkeys(layer.name for report in reports for layer in report.layers)
    return replace(
        first,
        input=_merge_sides([report.input for report in reports]),
        output=_merge_sides([report.output for report in reports]),
        layers=tuple(_merge_layers(name, reports) for name in names),
        cost=None,
        repairs=tuple(repair for report in reports for repair in report.repairs),
        warnings=tuple(dict.fromkeys(warning for report in reports for warning in report.warnings)),
        hints=first.hints if not any(report.changed for report in reports) else (),
        events=tuple(event for report in reports for event in report.events),
        elapsed_seconds=sum(report.elapsed_seconds for report in reports),
        extra=_merge_extras([report.extra for report in reports]),
    )


def _merge_extras(extras: Sequence[dict[str, Any]]) -> dict[str, Any]:
    merged = {name: value for extra in extras for name, value in extra.items()}
    if "redacted_secrets" in merged:
        merged["redacted_secrets"] = sum(extra.get("redacted_secrets", 0) for extra in extras)
    if bill := add_bills(extra.get("summary_cost") for extra in extras):
        merged["summary_cost"] = bill
    return merged


def _merge_sides(sides: Sequence[Side]) -> Side:
    totals = {name: sum(getattr(side, name) for side in sides) for name in ("messages", "tokens", "overhead_tokens")}
    return replace(sides[0], **totals)


def _merge_layers(name: str, reports: Sequence[Report]) -> LayerReport:
    layers = [layer for report in reports for layer in report.layers if layer.name == name]
    fired = [layer for layer in layers if layer.fired]
    return LayerReport(
        name=name,
        fired=bool(fired),
        reason=(fired or layers)[0].reason,
        tokens_before=sum(layer.tokens_before for layer in layers),
        tokens_after=sum(layer.tokens_after for layer in layers),
        changes=tuple(change for layer in layers for change in layer.changes),
    )


def batch_report(
    command: str,
    files: Sequence[dict[str, Any]],
    failed: Sequence[dict[str, Any]],
    *,
    skipped: int = 0,
    finished: int = 0,
) -> dict[str, Any]:
    """Return the JSON report over several files. Source: DESIGN section 5.

    Args:
        command: As the user typed it.
        files: Reports of the files that were done, as JSON.
        failed: path, error and hint of the others.
        skipped: Files that were no transcripts.
        finished: Files that an earlier run had done.
    """
    before, after = (sum(one[side]["tokens"] for one in files) for side in ("input", "output"))
    return {
        "version": REPORT_VERSION,
        "command": command,
        "files": list(files),
        "totals": {
            "files": len(files),
            "changed": sum(one["saved_tokens"] != 0 for one in files),
            "failed": len(failed),
            "skipped": skipped,
            "finished_before": finished,
            "tokens_before": before,
            "tokens_after": after,
            "saved_tokens": before - after,
            "saved_ratio": round((before - after) / before, 4) if before else 0.0,
        },
        "failed": list(failed),
    }


def report_changes(changes: Iterable[Change], transcript: Transcript) -> tuple[ChangeReport, ...]:
    """Tie changes to the input, those of one part over several passes merged into one.

    The first text before and the last text after stand.
    """
    merged: dict[tuple[int, ...], ChangeReport] = {}
    for number, change in enumerate(changes):
        message, at, action, tokens_before, tokens_after, before, after, ref = change
        parts, position = message.parts, message.position
        if 0 <= at < len(parts):
            part = parts[at]
            tool, record, block = part.name, part.record, part.block  # passes may shift its index, not its place
            if position >= 0 and message is not (loaded := transcript.loaded[position]):
                at = _index_of((record, block), loaded, at)
        else:
            result = message.result if message.role == "tool" else None
            tool, record, block = result.name if result else "", NO_RECORD, WHOLE
            if at < 0 and not (before or after):
                before = result.text if result and position >= 0 and len(parts) == 1 else _text_of(message)
        key = (position, record, block, number if position < 0 else 0)
        if (earlier := merged.get(key)) is not None:
            tokens_before, before = earlier.tokens_before, earlier.before
        line, typed = transcript.line_of(message), message.typed
        sizes = tokens_before, tokens_after
        merged[key] = build(
            ChangeReport, (position, line, message.id, at, tool, action, *sizes, ref, before, after, typed)
        )
    return tuple(merged.values())


def _index_of(place: tuple[int, int], message: Message, otherwise: int) -> int:
    places = [(part.record, part.block) for part in message.parts]
    return places.index(place) if place in places else otherwise


def _text_of(message: Message) -> str:
    """What stood in a message that left as a whole: what was said; where nothing was, its result, or its calls."""
    parts = message.parts
    if (text := "\n".join([part.text for part in parts if part.kind == "text"])) or message.position < 0:
        return text
    if (result := message.result) is not None:
        return result.text
    return "\n".join([f"{part.name} {part.text}" for part in parts if part.kind == "call"])
