"""One input, split and parsed once."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from cortex_cli.formats import source as module
from cortex_cli.formats.source import Source

LINE = b'{"a":1}'


@pytest.mark.parametrize(
    ("data", "document"),
    [
        (LINE, {"a": 1}),
        (b"\xef\xbb\xbf\n" + LINE + b"\n\n", {"a": 1}),
        (b"[\n1\n]", [1]),
        (LINE + b"\n" + LINE, None),
        (b"\n\n" + LINE + b"\n" + LINE, None),
        (b"", None),
        (b"nonsense", None),
    ],
)
def test_a_document_is_one_value(data: bytes, document: Any) -> None:
    """Several lines that each are JSON are lines; one value over several lines is a document."""
    assert Source(data).document == document


def test_lines_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """`detect` of every format and `load` look at the same objects."""
    parsed: list[bytes] = []

    def count(data: bytes) -> Any:
        parsed.append(data)
        return json.loads(data)

    monkeypatch.setattr(module, "parse", count)
    monkeypatch.setattr(module, "orjson", SimpleNamespace(loads=count))
    source = Source(b"\n".join(b'{"n":%d}' % number for number in range(100)))
    assert source.document is None
    assert len(source.head) == 40
    assert source.head is source.head
    assert [value["n"] for _, value in source.objects()] == list(range(100))
    assert len(parsed) == len(set(parsed)) == 100


def test_damage_is_noted_with_its_line() -> None:
    """Such lines ride along; the user is told which."""
    source = Source(b'[1]\n{"a":1}{"b":2}\n\n{"a":"\xff"}\n\xff\xfe\n{"to', "f.jsonl")
    assert [index for index, _ in source.objects()] == [3]
    assert source.warnings() == (
        "f.jsonl:1: not a JSON object, kept as it is",
        "f.jsonl:2: not one JSON object, kept as it is",
        "f.jsonl:4: invalid UTF-8, kept as it is",
        "f.jsonl:5: not JSON, kept as it is",
        "f.jsonl:6: torn last line, kept as it is",
    )


def test_a_part_of_a_file_counts_from_its_first_line() -> None:
    """A conversation of a data set is told by its line in the file."""
    source = Source(b"{", "f.jsonl", first_line=7)
    assert list(source.objects()) == []
    assert source.warnings() == ("f.jsonl:7: torn last line, kept as it is",)
    assert str(source.fail("no", line=1)) == "f.jsonl:7: no"


def test_many_damaged_lines_cost_no_more_than_their_number() -> None:
    """A text file of a million lines is refused at once, not in an hour."""
    source = Source(b"x\n" * 20_000)
    assert list(source.values()) == []
    assert len(source.damage) == 20_000


def test_only_documents_without_a_key_are_passed_over() -> None:
    """A detection that looks no further must have nothing to find there."""
    assert Source(b'[{"a":1},{"b":2}]').may_hold("b", "c")
    assert not Source(b'[{"a":1},{"b":{"c":3}}]').may_hold("c")
    assert not Source(b"[]").may_hold("c")
    assert all(Source(data).may_hold("c") for data in (b'[{"a":1},[]]', b'{"a":1}', b'{"a":1}\n{"b":2}\n', b""))
