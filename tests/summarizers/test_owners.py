"""What a line of a tool result belongs to stands in front of it."""

import json

import pytest

from cortex_cli.summarizers.owners import owner_of
from tests.summarizers.test_builtin import did, filled

NODES = [{"name": f"node-{at}", "state": {"phase": "lost" if at == 7 else "up"}, "load": at} for at in range(20)]
WIDE = json.dumps({"items": NODES})
INDENTED = json.dumps({"items": NODES}, indent=2)
SERVICES = "".join(
    f"  svc-{at}:\n    port: {8000 + at}\n    tls: {'false' if at == 7 else 'true'}\n" for at in range(20)
)
ADVICE = "\n\n".join(f"pack-{at}\nSeverity: {'critical' if at == 7 else 'low'}\nsee notes/{at}" for at in range(20))


def owner(text: str, line: str) -> str:
    """Return what a line belongs to, as the choice of lines asks."""
    return owner_of(text, text.rfind("\n", 0, text.index(line)) + 1, line)


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        (WIDE, '"state": {"phase": "lost"},', '"name": "node-7"'),
        (INDENTED, '"phase": "lost"', '"name": "node-7"'),
        (f"services:\n{SERVICES}", "tls: false", "svc-7:"),
        (ADVICE, "Severity: critical", "pack-7"),
    ],
)
def test_a_line_is_named_by_what_it_belongs_to(text: str, line: str, name: str) -> None:
    """`tls: false` alone does not say whose."""
    assert owner(text, line) == name


def test_a_line_that_names_itself_has_no_other_name() -> None:
    """Said twice is no better, and neither is the name of the object before."""
    lines = ",\n".join(map(json.dumps, NODES))
    assert owner(f'{{"items": [\n{lines}\n]}}', json.dumps(NODES[7])) == ""
    assert owner(ADVICE, "pack-7") == ""
    assert owner("plain\nlines\nof a log", "of a log") == ""


def test_the_summary_says_both() -> None:
    """A reader has to know which of twenty services it is."""
    read = did("Read", {"file_path": "/srv/deploy.yaml"}, f"services:\n{SERVICES}")
    assert "svc-7: … tls: false" in filled(*read).text
