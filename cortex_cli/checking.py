"""What is broken in an input, and its repair: validity of the conversation and of the format's records together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cortex_cli import formats
from cortex_cli.files import STDIO, InputFile
from cortex_cli.formats.source import Source
from cortex_cli.messages import Transcript
from cortex_cli.repair import repair
from cortex_cli.report import REPORT_VERSION, ChangeReport, report_changes
from cortex_cli.targets import Target, Written, write_result
from cortex_cli.tokens import make_counter
from cortex_cli.validity import find_notes, find_problems

NOT_WRITTEN = Written("", 0)


class Finding(NamedTuple):
    """One thing that is wrong."""

    line: int
    """1-based line of its record; 0 where it stands in none."""
    message: int
    """0-based index in the live path."""
    rule: str
    text: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What is wrong with one input."""

    path: str
    format: str
    messages: int
    problems: tuple[Finding, ...]
    """What is broken still: with a repair, what it could not mend."""
    notes: tuple[Finding, ...] = ()
    """What an API may refuse, though it can be read."""
    repairs: tuple[ChangeReport, ...] = ()
    warnings: tuple[str, ...] = ()
    """Damage that rides along."""
    written: Written = NOT_WRITTEN

    @property
    def is_on_stdout(self) -> bool:
        """Whether the repaired transcript went to standard output."""
        return self.written.path == STDIO

    def to_json(self) -> dict[str, Any]:
        """Return what `cortex check --json` prints."""
        return {
            "version": REPORT_VERSION,
            "command": "check",
            "input": {"path": self.path, "format": self.format, "messages": self.messages},
            "output": {"path": self.written.path, "bytes": self.written.size_bytes},
            "problems": [problem._asdict() for problem in self.problems],
            "notes": [note._asdict() for note in self.notes],
            "repairs": [one.to_json() for one in self.repairs],
            "warnings": list(self.warnings),
        }


def check_report(checks: Sequence[Check], failed: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Return what `cortex check --json` prints of several inputs; `failed` has path, error and hint of bad ones."""
    totals = {"files": len(checks), "problems": sum(len(one.problems) for one in checks), "failed": len(failed)}
    files = [one.to_json() for one in checks]
    return {"version": REPORT_VERSION, "command": "check", "files": files, "totals": totals, "failed": list(failed)}


def check_transcript(source: InputFile, transcripts: Sequence[Transcript]) -> Check:
    """Find what is wrong with an input; `transcripts` are all of its conversations."""
    return Check(
        path=source.path,
        format=transcripts[0].format,
        messages=sum(len(one.messages) for one in transcripts),
        problems=tuple(problem for one in transcripts for problem in _problems(one)),
        notes=tuple(note for one in transcripts for note in _notes(one)),
        warnings=tuple(warning for one in transcripts for warning in one.warnings),
    )


def fix_transcript(source: InputFile, transcripts: Sequence[Transcript], target: Target) -> Check:
    """Repair an input, write the result, and say what was mended and what is left.

    Raises:
        OutputError: The result cannot be written.
    """
    counter = make_counter("heuristic")  # sizes are not what is asked here
    fixed: list[Transcript] = []
    repairs: list[ChangeReport] = []
    warnings: list[str] = []
    for one in transcripts:
        done = repair(one.messages, formats.rules_of(one.format), counter)
        repairs.extend(report_changes(done.changes, one))
        warnings.extend((*one.warnings, *done.warnings))
        fixed.append(one.with_messages(done.messages) if done.changes else one)
    data = b"".join(formats.dump_all(fixed))
    written = write_result(source, lambda: [data], target, fixed[0], changed=bool(repairs))
    again = formats.load_all(Source(data, source.path), transcripts[0].format)
    left = check_transcript(source, again)
    return Check(
        path=source.path,
        format=left.format,
        messages=sum(len(one.messages) for one in transcripts),
        problems=left.problems,
        notes=left.notes,
        repairs=tuple(repairs),
        warnings=tuple(warnings),
        written=written,
    )


def _problems(transcript: Transcript) -> list[Finding]:
    rules = formats.rules_of(transcript.format)
    found = (*find_problems(transcript.messages, rules), *formats.check(transcript))
    return [Finding(one.line(transcript), one.position, one.rule, one.text, one.hint) for one in found]


def _notes(transcript: Transcript) -> list[Finding]:
    found = find_notes(transcript.messages, formats.rules_of(transcript.format))
    return [Finding(one.line(transcript), one.position, one.rule.lstrip("_"), one.text, one.hint) for one in found]
