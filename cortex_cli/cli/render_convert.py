"""What became of a conversation in another format, for people."""

from collections.abc import Iterator

from rich.console import Console, RenderableType

from cortex_cli.cli.paint import CAREFUL, GOOD, LABEL, NAME, count, line, print_all, size
from cortex_cli.cli.render import hints
from cortex_cli.converting import ConversionReport, told
from cortex_cli.files import STDIO


def print_conversion(console: Console, report: ConversionReport) -> None:
    """Print what was lost, then where the rest is."""
    print_all(console, _lines(report), wrap=False)


def _lines(report: ConversionReport) -> Iterator[RenderableType]:
    lost = report.done.lost
    if lost:
        yield line(("lost: " if not report.dry_run else "would be lost: ", CAREFUL), told(lost))
    if report.done.repairs:
        yield line(("repaired: ", GOOD), count(report.done.repairs, "call or result", "calls or results"))
    kind = f"{report.source.format} to {report.to}, {count(report.done.messages, 'message')}: "
    verdict = ("nothing lost", GOOD) if not lost else (f"{sum(lost.values()):,} lost", CAREFUL)
    path, size_bytes = report.written.path, report.written.size_bytes
    wrote = f"; wrote {path} ({size(size_bytes)})" if path and path != STDIO else ""
    yield line((kind, LABEL), verdict, (wrote, NAME))
    yield from hints(report.done.hints if path else ())
