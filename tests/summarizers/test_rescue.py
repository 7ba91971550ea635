"""Which line of a tool result is kept: the one that is unlike the others."""

import pytest

from cortex_cli.summarizers.rescue import telling_lines
from tests.summarizers.outputs import HELD_OUT, NOUNS, TUNED, make_output

SEEDS = range(8)


@pytest.mark.parametrize("where", ["head", "middle", "end"])
@pytest.mark.parametrize("kind", [*TUNED, *HELD_OUT])
def test_planted_line_is_among_the_first(kind: str, where: str) -> None:
    """One error, path, identifier or value among its neighbours; kinds in HELD_OUT were not tuned to."""
    found = 0
    for seed in SEEDS:
        output = make_output(kind, seed, where=where)
        found += any(output.planted in line.text for line in telling_lines(output.text, most=3))
    assert found == len(SEEDS)


@pytest.mark.parametrize("lines", [12, 1000])
def test_short_and_long_results_give_it_too(lines: int) -> None:
    """Rarity must not need a certain size."""
    outputs = [make_output(kind, 3, lines=lines) for kind in TUNED | HELD_OUT]
    missed = [
        one.kind for one in outputs if not any(one.planted in each.text for each in telling_lines(one.text, most=3))
    ]
    assert missed == []


def test_minified_json_is_cut_at_its_own_commas() -> None:
    """One line of 20 kB is no line to keep."""
    rows = ",".join(f'{{"id":{i},"status":"ok","owner":"team"}}' for i in range(400))
    text = f'{{"rows":[{rows}],"next_cursor":"c-9f31ab77","more":[{rows}]}}'
    assert any("c-9f31ab77" in line.text for line in telling_lines(text, most=3))
    assert all(len(line.text) <= 240 for line in telling_lines(text))


def test_passing_run_reports_no_failure() -> None:
    """`0 errors` is no error."""
    lines = telling_lines("checking\nfound 0 errors in 12 files\nfailed: 0\n")
    assert not any(line.is_failure for line in lines)


def test_terminal_signs_do_not_hide_a_line() -> None:
    """Colours and progress bars are no text."""
    body = "\n".join(f"\x1b[32m[{i}/99]\x1b[0m fetching part\rprogress {i}%" for i in range(99))
    found = telling_lines(f"{body}\n\x1b[31mERROR: disk quota exceeded\x1b[0m\n", most=2)
    assert "ERROR: disk quota exceeded" in [line.text for line in found]


def test_only_the_asked_part_is_read() -> None:
    """A bookend rescues from its middle only, and never half a line."""
    text = "ERROR: first\n" + "plain line of output\n" * 30 + "ERROR: last\n"
    found = telling_lines(text, 4, len(text) - 12)
    assert not any("ERROR" in line.text for line in found)


def test_names_of_tests_and_programs_tell_of_no_failure() -> None:
    """They say what is looked for; the one that failed says so outside of its name."""
    names = [f"tests/test_{one}.py::test_{one}_after_failure_and_timeout" for one in NOUNS]
    lines = [f"{name} PASSED [{at}%]" for at, name in enumerate(names)]
    lines[9] = f"{names[9]} FAILED [9%]"
    assert telling_lines("\n".join(lines))[0].text == lines[9]
    program = [f"raise {one.title()}Error({one}_id)\n{one} = read_{one}(timeout=30)" for one in NOUNS]
    program.insert(12, "# FIXME: two writers may both win when the clock steps back")
    assert telling_lines("\n".join(program))[0].text.startswith("# FIXME")


def test_a_count_of_no_errors_is_none() -> None:
    """Of a list of counters the one is told that is not zero."""
    lines = [f'{one}_errors_total{{stage="read"}} 0' for one in NOUNS]
    lines[7] = lines[7].replace(" 0", " 4711")
    assert telling_lines("\n".join(lines))[0].text == lines[7]
