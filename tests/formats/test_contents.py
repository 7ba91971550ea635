"""Contents of results and JSON values, for every format."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.formats.contents import compact, edit_json, edit_result, parse_text, read_result
from cortex_cli.jsonedit import edit
from cortex_cli.messages import Part

TEXT = {"type": "text", "text": "b"}
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=4)),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.sampled_from("abc"), one, max_size=3),
)


@pytest.mark.parametrize(
    ("content", "text", "media", "is_json"),
    [
        ("plain", "plain", [], False),
        (None, "", [], False),
        ([], "", [], False),
        ([{"type": "text", "text": "a"}, "b", {"type": "input_text", "text": "c"}], "a\nb\nc", [], False),
        ([{"type": "text", "value": "a"}], "a", [], False),
        ([{"type": "image", "data": "AAAA", "mimeType": "image/gif"}], "", ["image/gif"], False),
        ([{"type": "tool_reference", "tool_name": "x"}], "", ["tool_reference"], False),
        ([{"type": "text", "text": 5}], "", ["text"], False),
        ([1, 2], "[1,2]", [], True),
        ({"a": 1.5}, '{"a":1.5}', [], True),
        (7, "7", [], True),
    ],
)
def test_contents_are_read(content: Any, text: str, media: list[str], is_json: bool) -> None:
    """Strings, pieces, anything: all of it counts."""
    found = read_result(content)
    assert (found.text, [medium.type for medium in found.media], found.json) == (text, media, is_json)
    assert all(medium.tokens > 0 for medium in found.media)


@given(old=VALUES, new=VALUES)
def test_json_values_become_what_was_asked(old: Any, new: Any) -> None:
    """Only the members that differ are touched, and then all of it is right."""
    data = json.dumps({"v": old}).encode()
    assert json.loads(edit(data, edit_json(("v",), compact(old), compact(new))))["v"] == new


def test_members_that_stay_keep_their_bytes() -> None:
    """A shortened string is no reason to spell a number anew."""
    data = b'{"v": {"n": 1.10, "big": 12345678901234567890123, "s": "long", "gone": 0}}'
    old = parse_text('{"n":1.1,"big":1.2345678901234568e22,"s":"long","gone":0}')
    new = {key: "s" if key == "s" else value for key, value in old.items() if key != "gone"}
    assert edit(data, edit_json(("v",), compact(old), compact(new))) == (
        b'{"v": {"n": 1.10, "big": 12345678901234567890123, "s": "s"}}'
    )


def test_values_deeper_than_the_stack_are_replaced_whole() -> None:
    """Comparing them member by member would end in a traceback."""
    for depth in (200, 900):
        old = "[" * depth + "1" + "]" * depth
        data = b'{"v":' + old.encode() + b"}"
        assert edit(data, edit_json(("v",), old, old.replace("1", "2"))) == data.replace(b"1", b"2")


def test_what_is_no_json_is_written_as_a_string() -> None:
    """A placeholder in the place of an object."""
    assert edit(b'{"v": {"a": 1}}', edit_json(("v",), '{"a":1}', "[gone]")) == b'{"v": "[gone]"}'


@pytest.mark.parametrize("text", ['"\ud83d"', '{"a":"\\ud83d"}'])
def test_lone_surrogates_are_json_too(text: str) -> None:
    """Tools print them, clients record them."""
    assert parse_text(compact(parse_text(text))) == parse_text(text)


@pytest.mark.parametrize(
    ("content", "new", "expected"),
    [
        ("long", "s", "s"),
        ([{"type": "text", "text": "a", "x": 1}, TEXT], "s", [{"type": "text", "text": "s", "x": 1}]),
        (["a", "b"], "s", ["s"]),
        ([], "s", [{"type": "input_text", "text": "s"}]),
        ({"a": "long"}, '{"a":"s"}', {"a": "s"}),
    ],
)  # fmt: skip
def test_results_are_edited(content: Any, new: str, expected: Any) -> None:
    """The new text stands where the first one stood."""
    found = read_result(content)
    old = Part("result", found.text, media=found.media, json=found.json)
    edits = edit_result(("c",), content, old, old._replace(text=new), "input_text")
    assert json.loads(edit(json.dumps({"c": content}).encode(), edits))["c"] == expected


def test_only_the_dropped_media_leave() -> None:
    """Text and the other images keep their bytes."""
    image = {"type": "image", "data": "AAAA", "mimeType": "image/png"}
    content = [image, {"type": "text", "text": "t"}, image | {"n": 2}]
    found = read_result(content)
    old = Part("result", found.text, media=found.media)
    edits = edit_result(("c",), content, old, old._replace(media=found.media[1:]))
    assert json.loads(edit(json.dumps({"c": content}).encode(), edits))["c"] == content[1:]
