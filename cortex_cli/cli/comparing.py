"""`cortex compact --compare-strategies`: both strategies on each source; nothing is written."""

from cortex_cli.cli import sources
from cortex_cli.cli.options import OutputOptions, ReportOptions
from cortex_cli.cli.shell import Shell, make_console
from cortex_cli.errors import OptionError
from cortex_cli.memory.authors import observer_of, reflector_of
from cortex_cli.remembering import Remembering
from cortex_cli.report import REPORT_VERSION
from cortex_cli.settings import Settings
from cortex_cli.strategies import compare_strategies
from cortex_cli.summarizers import summarizer_of
from cortex_cli.tokens import make_counter


def compare(
    given: list[str] | None, settings: Settings, shell: Shell, output: OutputOptions, report: ReportOptions
) -> None:
    """Compare the strategies on every source, on standard output.

    Raises:
        OptionError: An option says where a result would go, and there is none.
    """
    if output.in_place or output.fork or output.output is not None or settings.state:
        hint = "leave out what says where the result goes (-o, --in-place, --fork, --state)"
        raise OptionError("a comparison writes nothing", where="--compare-strategies", hint=hint)
    counter = make_counter(settings.tokenizer)
    environment = shell.environment
    summarizer = summarizer_of(settings, environment)
    remembering = Remembering(
        observer=observer_of(settings, environment), reflector=reflector_of(settings, environment)
    )
    for name in sources.named_sources(given, shell):
        loaded = sources.load(name, settings, shell)
        for transcript in loaded.transcripts:
            outcomes = compare_strategies(
                transcript, settings, counter=counter, summarizer=summarizer, remembering=remembering
            )
            if report.json or report.report == "json":
                head = {"version": REPORT_VERSION, "command": "compact", "dry_run": True}
                side = outcomes[0].report.to_json()["input"]
                shell.print_json({**head, "input": side, "strategies": [one.to_json() for one in outcomes]})
                continue
            from cortex_cli.cli.render_strategies import print_strategies  # noqa: PLC0415  # Rich is slow to import

            print_strategies(make_console(shell.stdout, environment, form=report.report), transcript.path, outcomes)
