"""What `compact`, `micro` and `failsafe` share: every source through the layers, written, reported."""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cortex_cli import formats
from cortex_cli.cli import outputs, sources
from cortex_cli.cli.options import PAGE_ENDING, OutputOptions, ReportOptions, check_report_file
from cortex_cli.cli.shell import Shell, keep_until_exit, make_console
from cortex_cli.compaction import compact, summary_request
from cortex_cli.errors import OptionError, name_hint
from cortex_cli.formats.source import Source
from cortex_cli.report import Report, batch_report, merge_reports
from cortex_cli.settings import Settings
from cortex_cli.summarizers import summarizer_of
from cortex_cli.summarizers.base import BUILTIN, Summarizer
from cortex_cli.targets import Written, write_result
from cortex_cli.tokens import Counter, make_counter

if TYPE_CHECKING:
    from cortex_cli.archiving import Recording
    from cortex_cli.llm.client import OnText
    from cortex_cli.memory.statefile import StateFile
    from cortex_cli.remembering import Remembering

FORMS = ("rich", "text", "json", "none")
"""Forms of the report. Source: DESIGN section 4."""


@dataclass(frozen=True, slots=True)
class Runner:
    """One command over its sources."""

    command: str
    shell: Shell
    settings: Settings
    output: OutputOptions
    report: ReportOptions
    summarizer: Summarizer | None = None
    """Instead of the one that the settings name."""

    def run(self, given: list[str] | None) -> None:
        """Compact every source; a bad one of several is told and the others go on.

        Raises:
            CortexError: The only source failed, or some of several did.
        """
        names = sources.named_sources(given, self.shell)
        self._check(names)
        counter = make_counter(self.settings.tokenizer)
        summarizer = None if self._observes else self._summarizer()
        reports, failed = sources.run_each(names, lambda name: self._run_one(name, counter, summarizer))
        self._give_data(reports, failed, is_one=len(names) == 1)
        sources.refuse_failures(names, failed)

    def _summarizer(self) -> Summarizer | None:
        return self.summarizer or summarizer_of(self.settings, self.shell.environment, self._progress())

    def _check(self, names: list[str]) -> None:
        outputs.check_options(self.output, names, json=self.report.json)
        form = self.report.report
        if form is not None and form not in FORMS:
            raise OptionError(f"unknown form {form!r}", where="--report", hint=name_hint(form, FORMS))
        check_report_file(self.report.report_file)
        if self.settings.state and self.command == "compact" and not self._observes:
            hint = "add --strategy observational, or use `cortex observe`"
            raise OptionError("it is the memory of the observational strategy", where="--state", hint=hint)
        if self.settings.state and len(names) > 1:
            hint = "a memory is of one conversation; run them one by one"
            raise OptionError(f"{len(names)} inputs and one memory", where="--state", hint=hint)

    def _run_one(self, name: str, counter: Counter, summarizer: Summarizer | None) -> Report:
        with self._state() as state:
            return self._run_with(state, name, counter, summarizer)

    def _run_with(
        self, state: "StateFile | None", name: str, counter: Counter, summarizer: Summarizer | None
    ) -> Report:
        keep_until_exit()  # else this source and the one before would be held at once
        file = sources.read(name, self.shell)
        is_silent = self.report.quiet or summarizer is not None  # a model shows its own progress
        recording = self._recording()
        with self.shell.working(f"compacting {name}", len(file.data), quiet=is_silent):
            transcripts = formats.load_all(Source(file.data, file.path), self.settings.format)
            remembering = self._remembering(state, len(transcripts))
            results = [
                compact(
                    one,
                    self.settings,
                    counter=counter,
                    summarizer=summarizer,
                    remembering=remembering,
                    persist=recording.persist if recording else None,
                    command=self.command,
                )
                for one in transcripts
            ]
        self._clear_progress()
        done = [result.transcript for result in results]
        report = merge_reports([result.report for result in results])
        report = replace(report, input=replace(report.input, bytes=len(file.raw), digest=self._digest(file.raw)))
        if state is not None and report.memory is not None and not self.output.dry_run:
            state.write(report.memory)
        target = outputs.target_of(file, self.output, self.shell)
        keeps = target.keeps_history(self.settings)
        written = write_result(
            file,
            lambda: formats.dump_all(done, keep_history=keeps),
            target,
            done[0],
            changed=report.changed,
            keep=recording.keeper(file, done, report) if recording else None,
        )
        report = report.with_output(path=written.path, size_bytes=written.size_bytes, dry_run=self.output.dry_run)
        self._show(report, written)
        keep_until_exit(file, results, report)
        return report

    def _state(self) -> "AbstractContextManager[StateFile | None]":
        """Hold the memory of earlier runs, where one is named."""
        if not self.settings.state:
            return nullcontext()
        from cortex_cli.memory.statefile import StateFile  # noqa: PLC0415  # most runs have none

        return StateFile.held(self.settings.state)

    def _remembering(self, state: "StateFile | None", conversations: int) -> "Remembering | None":
        """Say who observes, and from what memory; None where nobody does."""
        if not self._observes:
            return None
        from cortex_cli.memory.authors import observer_of, reflector_of  # noqa: PLC0415  # start-up time
        from cortex_cli.remembering import Remembering, how_to_recall  # noqa: PLC0415  # the same

        if state is not None and conversations > 1:
            hint = "a memory is of one conversation; leave --state out"
            raise OptionError(f"{conversations} conversations in one file", where="--state", hint=hint)
        environment, progress = self.shell.environment, self._progress()
        return Remembering(
            observer=observer_of(self.settings, environment, on_text=progress),
            reflector=reflector_of(self.settings, environment, on_text=progress),
            state=state.data if state else None,
            saves=state is not None,
            recall=how_to_recall(self.settings.archive),
        )

    @property
    def _observes(self) -> bool:
        return self.settings.second_layer == "observe"

    def _digest(self, data: bytes) -> Callable[[], str] | None:
        """Work the input's hash out where it will be asked for; what is not asked for must not keep the input."""
        if not (self.report.json or self.report.report_file or self.report.report == "json" or self.settings.archive):
            return None
        import hashlib  # noqa: PLC0415  # with OpenSSL behind it, it takes 3 ms to import

        digest = hashlib.sha256(data).hexdigest()
        return lambda: digest

    def _recording(self) -> "Recording | None":
        if not self.settings.archive:
            return None
        from cortex_cli.archiving import Recording  # noqa: PLC0415  # without an archive nobody needs SQLite

        return Recording.of(self.settings)

    def _progress(self) -> "OnText | None":
        """Show on a terminal that a model is writing, on one line that is cleared afterwards."""
        stream = self.shell.stderr
        if self.report.quiet or not stream.isatty():
            return None
        written, what = 0, "log" if self._observes else "summary"

        def show(text: str) -> None:
            nonlocal written
            written += len(text)
            stream.write(f"\r\x1b[2K{what}: {written:,} characters so far (Ctrl-C leaves everything as it is)\r")
            stream.flush()

        return show

    def _clear_progress(self) -> None:
        if self.settings.summarizer != BUILTIN and not self.report.quiet and self.shell.stderr.isatty():
            self.shell.stderr.write("\r\x1b[2K")

    def _show(self, report: Report, written: Written) -> None:
        form = self.report.report
        if self.report.json or self.report.quiet or form == "none":
            return
        stream = self.shell.stdout if self.output.dry_run else self.shell.stderr
        if form == "json":
            self.shell.print_json(report.to_json(), stream)
            return
        from cortex_cli.cli.render import print_report  # noqa: PLC0415  # Rich is slow to import, and may not be needed

        console = make_console(stream, self.shell.environment, form=form)
        if self.report.show_diff:
            from cortex_cli.cli.render_changes import print_changes  # noqa: PLC0415  # the same

            print_changes(console, report, verbose=self.report.verbose)
        print_report(console, report, written, verbose=self.report.verbose)

    def _give_data(self, reports: list[Report], failed: Iterable[sources.Failure], *, is_one: bool) -> None:
        """Print and write the JSON report: of one input its own, of several that of a batch."""
        if not (self.report.json or self.report.report_file):
            return
        done = [report.to_json() for report in reports]
        failures = [failure.to_json() for failure in failed]
        data: dict[str, Any] = done[0] if is_one else batch_report(self.command, done, failures)
        if not is_one:
            from cortex_cli.sums import sums_of  # noqa: PLC0415  # of one input nothing is added up

            data["sums"] = sums_of(done, time.time())
        if self.report.json:
            self.shell.print_json(data, self.shell.stdout)
        if self.report.report_file:
            self._write_report(self.report.report_file, data, reports, is_one=is_one)

    def _write_report(self, path: str, data: dict[str, Any], reports: list[Report], *, is_one: bool) -> None:
        """Write the report of one input with the changed texts, if it is a page; of several their sums."""
        from cortex_cli.pages import batch_page, compaction_page  # noqa: PLC0415  # few ask for a page

        make = compaction_page if is_one else batch_page
        if is_one and path.lower().endswith(PAGE_ENDING):
            data = reports[0].to_json(texts=True)
        outputs.write_report(self.shell, path, data, make, overwrite=self.output.force)


def print_prompts(given: list[str] | None, settings: Settings, shell: Shell) -> None:
    """Print what a model would be sent for each source; nothing is sent.

    Raises:
        CortexError: There is nothing to summarise in one of them.
    """
    from cortex_cli.summarizers.asking import render_prompt  # noqa: PLC0415  # the model's side is slow to import

    for name in sources.named_sources(given, shell):
        for transcript in sources.load(name, settings, shell).transcripts:
            request = summary_request(transcript, settings)
            prompt, more = render_prompt(request, settings)
            shell.stdout.write(prompt + "\n")
            if more:
                shell.err.print(f"note: {more} more requests would follow, each with the notes so far")
