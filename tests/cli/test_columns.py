"""Plain text is laid out by us, terminals by Rich: both must break, cut and fill in the same places."""

import io
import subprocess
import sys

from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from cortex_cli.cli.columns import plain_lines
from cortex_cli.cli.in_rich import print_shapes
from cortex_cli.cli.paint import BLANK, block, indented, line, print_all, table
from cortex_cli.cli.shapes import Column, Line, PlainConsole, Shape, Table
from tests.cli.command import ROOT

JOINED = ("\U0001f600", "\U0001f468\u200d\U0001f469", "\u2764\ufe0f", "e\u0301")

SIGNS = (*"ab. \u00e9\u2588\u2591\u2026\u2424\t\n\u4f60\u597d\u3000", *JOINED)
"""Narrow and wide ones, joined ones, blanks, and what stands for a line feed."""

TEXTS = st.lists(st.sampled_from(SIGNS), max_size=90).map("".join) | st.lists(
    st.text(st.sampled_from("abcdefgh,._-/"), min_size=1, max_size=70), max_size=30
).map(" ".join)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Tables as the commands make them, in all sizes."""
    titles = draw(st.lists(st.sampled_from(["", "tokens", "begins with", "\u4f60"]), min_size=1, max_size=9))
    right = draw(st.sets(st.integers(0, len(titles) - 1)))
    cell = TEXTS | TEXTS.map(line) | TEXTS.map(lambda text: line((text, "dim"), ("x", "green")))
    rows = draw(st.lists(st.lists(cell, min_size=len(titles), max_size=len(titles)), max_size=6))
    return table(titles, rows, right=tuple(right), indent=draw(st.sampled_from([0, 2, 4])))


@st.composite
def comparisons(draw: st.DrawFn) -> Table:
    """Two texts side by side, as `--show-diff` shows them."""
    cells = st.tuples(TEXTS, st.sampled_from(["", "ellipsis"])).map(lambda one: block(one[0])._replace(fit=one[1]))
    rows = draw(st.lists(st.tuples(st.sampled_from("+-").map(block), cells), min_size=1, max_size=5))
    return Table((Column(justify="right", width=3), Column()), rows, gap=1)


SHAPES = st.one_of(
    TEXTS.map(line), TEXTS.map(block), TEXTS.map(indented), tables(), comparisons(), st.just(Line()), st.just(BLANK)
)


def _by_rich(shape: Shape, width: int, *, wrap: bool) -> list[str]:
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, color_system=None, markup=False, highlight=False, emoji=False, _environ={}
    )
    print_shapes(console, [shape], wrap=wrap)
    return [text.rstrip() for text in stream.getvalue().split("\n")[:-1]]


@settings(max_examples=400)
@given(SHAPES, st.integers(40, 130))
@example(table(("", "tokens", "why"), [("a" * 70, "1" * 60, "b " * 80)], right=(1,)), 40)
def test_plain_text_breaks_where_rich_does(shape: Shape, width: int) -> None:
    """Who pipes a report into a file sees what stood on the terminal."""
    assert plain_lines(shape, width) == _by_rich(shape, width, wrap=True)


@given(st.one_of(TEXTS.map(line), TEXTS.map(block)))
def test_lines_for_programs_are_never_broken(shape: Line) -> None:
    """A path that is broken cannot be copied."""
    assert plain_lines(shape, 40, wrap=False) == _by_rich(shape, 40, wrap=False)


def test_plain_text_needs_no_rich() -> None:
    """Hooks and pipes run the command all the time; Rich takes longer to import than a small session to compact."""
    code = (
        "import sys, cortex_cli.cli.render as r; from cortex_cli.cli.shell import make_console;"
        "from cortex_cli.cli.paint import *;"
        "print_all(make_console(sys.stdout, {}), [table(('a', 'b'), [('x', 'y')]), line('z')]);"
        "print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["a", "b", "x", "y", "z", "False"]


def test_a_stream_without_an_encoding_is_utf8() -> None:
    """What tests and programs hand in need not be a file."""
    stream = io.StringIO()
    console = PlainConsole(stream, 80)
    print_all(console, [line("x")])
    assert (stream.getvalue(), console.encoding) == ("x\n", "utf-8")
    assert PlainConsole(sys.__stdout__ or stream, 80).encoding
