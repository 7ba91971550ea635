"""What is broken in a transcript, for people: one line each, `path:line` in front, as compilers do."""

from collections.abc import Iterator
from shlex import quote

from rich.console import Console, RenderableType

from cortex_cli.checking import Check, Finding
from cortex_cli.cli.paint import BAD, CAREFUL, GOOD, LABEL, NAME, STRONG, count, line, print_all, size
from cortex_cli.cli.render import hints, place_of
from cortex_cli.files import STDIO


def print_check(console: Console, check: Check, *, is_one: bool = True) -> None:
    """Print every problem, note and repair, then the verdict, which names its file where there are several."""
    print_all(console, _lines(check, is_one), wrap=False)


def _lines(check: Check, is_one: bool) -> Iterator[RenderableType]:
    yield from (_finding(check, problem, "problem", BAD) for problem in check.problems)
    yield from (_finding(check, note, "note", CAREFUL) for note in check.notes)
    for one in check.repairs:
        yield line(
            (f"{_path(check)}:{one.line}: ", STRONG),
            ("repaired: ", GOOD),
            one.tool or "message",
            (f"  {place_of(one)}", LABEL),
        )
    place = "" if is_one else f"{_path(check)}: "
    yield from (line((place, STRONG), ("warning: ", CAREFUL), warning) for warning in check.warnings)
    yield _verdict(check, is_one)
    if check.problems and not check.repairs and not check.written.path:
        yield from hints((_advice(check),))
    yield from hints(check.written.hints)


def _path(check: Check) -> str:
    return "standard input" if check.path == STDIO else check.path


def _finding(check: Check, finding: Finding, kind: str, style: str) -> RenderableType:
    place = f"{_path(check)}:{finding.line}: " if finding.line else f"{_path(check)}: "
    return line((place, STRONG), (f"{kind}: ", style), finding.text, (f"  (message {finding.message})", LABEL))


def _advice(check: Check) -> str:
    own = sorted({problem.hint for problem in check.problems if "check --fix" not in problem.hint and problem.hint})
    return own[0] if own else f"`cortex check --fix {quote(check.path)}` repairs it"


def _verdict(check: Check, is_one: bool) -> RenderableType:
    place = "" if is_one else f"{_path(check)}: "
    what = f"{place}{check.format}, {count(check.messages, 'message')}: "
    wrote = ""
    if check.written.path and not check.is_on_stdout:
        wrote = f"; wrote {check.written.path} ({size(check.written.size_bytes)})"
    if check.problems:
        return line((what, LABEL), (count(len(check.problems), "problem"), BAD), wrote)
    if check.repairs:
        return line((what, LABEL), (f"{count(len(check.repairs), 'repair')}, now valid", GOOD), wrote)
    return line((what, LABEL), ("valid", GOOD), (wrote, NAME))
