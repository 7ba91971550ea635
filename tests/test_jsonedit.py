"""Editing JSON in place."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.jsonedit import Delete, Edit, Insert, Path, Raw, Replace, edit, encode, parse
from cortex_cli.jsonscan import cut_out, item_spans

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=5), st.just('"],\\{'))
KEYS = st.sampled_from(["a", "b", 'q"', "é", "\\"])
VALUES = st.recursive(SCALARS, lambda one: st.lists(one, max_size=4) | st.dictionaries(KEYS, one, max_size=4))


def paths_of(value: Any, path: Path = ()) -> list[Path]:
    """Return the paths of everything below a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, one in items for found in [(*path, key), *paths_of(one, (*path, key))]]


def apply(value: Any, edits: list[Edit]) -> Any:
    """Do on Python values what `edit` does on bytes: later positions first, so that earlier ones stay true."""
    value = copy.deepcopy(value)
    order = (Insert, Delete, Replace)
    for one in sorted(edits, key=lambda one: ([str(key) for key in one.path], -order.index(type(one))), reverse=True):
        parent = value
        for key in one.path[:-1]:
            parent = parent[key]
        if isinstance(one, Replace):
            parent[one.path[-1]] = one.value
        elif isinstance(one, Delete):
            del parent[one.path[-1]]
        else:
            parent[one.path[-1] : one.path[-1]] = list(one.values)
    return value


STYLES = st.sampled_from([{"indent": 2}, {}, {"separators": (",", ":")}])


@given(value=VALUES, drawn=st.data(), style=STYLES, ascii_only=st.booleans())
def test_edits_do_what_they_would_on_values(
    value: Any, drawn: st.DataObject, style: dict[str, Any], ascii_only: bool
) -> None:
    """The bytes parse to the values with the same edits made."""
    edits: list[Edit] = []
    for path in drawn.draw(st.permutations(paths_of(value)))[:4]:
        if any(path[: len(one.path)] == one.path or one.path[: len(path)] == path for one in edits):
            continue
        kinds = ["replace", "delete", "insert"] if isinstance(path[-1], int) else ["replace", "delete"]
        kind = drawn.draw(st.sampled_from(kinds))
        new: dict[str, Edit] = {
            "replace": Replace(path, {"n": 1}),
            "delete": Delete(path),
            "insert": Insert(path, (7, "x")),
        }
        edits.append(new[kind])
    data = json.dumps(value, ensure_ascii=ascii_only, **style).encode()
    assert json.loads(edit(data, edits)) == apply(value, edits)
    assert edit(data, []) is data


def test_everything_else_keeps_its_bytes() -> None:
    """Numbers, spaces, escapes and duplicate keys are somebody's data."""
    data = b'\xef\xbb\xbf { "n" : 1.10 , "big":12345678901234567890123,"d":1,"d": 2 , "u":"\\u00e9", "l":[ 1,  2 ] }\n'
    edited = edit(data, [Replace(("d",), 3), Insert(("l", 1), (9,)), Delete(("u",))])
    expected = b'\xef\xbb\xbf { "n" : 1.10 , "big":12345678901234567890123,"d":1,"d": 3 , "l":[ 1,  9,  2 ] }\n'
    assert edited == expected


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b'{"a":1}', ("b",)),
        (b'{"a":1}', ("a", "b")),
        (b"[1]", (1,)),
        (b'{"a":{"b":1},"a":2}', ("a", "b")),
        (b"[]", ("k",)),
    ],
)
def test_missing_paths_are_errors(data: bytes, path: Path) -> None:
    """A path that names nothing is a mistake of ours, not to be passed over."""
    with pytest.raises(KeyError):
        edit(data, [Replace(path, 0)])


def test_of_duplicate_keys_the_last_is_edited() -> None:
    """It is the one that parsers read; the other's shape does not matter."""
    assert edit(b'{"a":1,"a":{"b":1}}', [Replace(("a", "b"), 2)]) == b'{"a":1,"a":{"b":2}}'
    assert edit(b'{"a":{"b":1},"a":{"b":1}}', [Replace(("a", "b"), 2)]) == b'{"a":{"b":1},"a":{"b":2}}'
    assert edit(b'{"a":1,"b":0,"a":2}', [Delete(("a",))]) == b'{"b":0}'


@pytest.mark.parametrize(
    "odd", [b"[" * 3000 + b"]" * 3000, b'{"a":' * 3000 + b"1" + b"}" * 3000, b"1" * 5000, b'["]", "\\"]"]', b"NaN"]
)
def test_odd_values_are_passed_over(odd: bytes) -> None:
    """What is deeper than Python's stack, or longer than Python converts, stands beside what is edited."""
    data = b'{"x":' + odd + b',"a":1}'
    assert edit(data, [Replace(("a",), 2)]) == b'{"x":' + odd + b',"a":2}'
    assert cut_out(data, ("x",)) == odd


def test_white_space_before_a_comma_stays() -> None:
    """A line written by hand keeps the hand of its writer, deleted members but for their own space."""
    data = b'{"a" : 1 , "b":[ 1 , 2 ,3 ] , "c":{} }'
    assert edit(data, [Replace(("b", 1), 5)]) == b'{"a" : 1 , "b":[ 1 , 5 ,3 ] , "c":{} }'
    assert edit(data, [Delete(("a",))]) == b'{ "b":[ 1 , 2 ,3 ] , "c":{} }'
    assert edit(b'{"a":1 ,"a":2 , "b":3}', [Replace(("a",), 7)]) == b'{"a":1 ,"a":7 , "b":3}'


def test_invalid_utf8_stays() -> None:
    """Bytes that are no text ride along, in keys too."""
    assert edit(b'{"\xff":"\xfe","a":1}', [Replace(("a",), 2)]) == b'{"\xff":"\xfe","a":2}'


@given(value=st.lists(VALUES), indent=st.sampled_from([None, 1]))
def test_spans_are_the_items(value: list[Any], indent: int | None) -> None:
    """Whoever cuts an item out gets that item."""
    data = json.dumps({"x": 1, "l": value}, indent=indent).encode()
    assert [json.loads(data[start:end]) for start, end in item_spans(data, ("l",))] == value


@pytest.mark.parametrize("value", ["\ud83d", 12345678901234567890123, {"k\udc00": ["é"]}])
def test_encode_takes_what_orjson_refuses(value: Any) -> None:
    """Lone surrogates and long integers stand in real files."""
    assert json.loads(encode(value)) == value


@pytest.mark.parametrize("depth", [300, 950, 5_000])
def test_encode_takes_any_depth(depth: int) -> None:
    """What could be parsed must be counted and written again."""
    value: Any = 'é"'
    for level in range(depth):
        value = [1, value, {}] if level % 2 else {"a": value, "b": []}
    assert encode(value).decode().count("[1,") == depth // 2
    assert encode(value).startswith(b'[1,{"a":[1,')
    assert encode(value).endswith(b'"b":[]},{}]')


def test_raw_is_written_as_it_stands() -> None:
    """Blocks that move keep their bytes."""
    assert edit(b"[1, 2]", [Insert((1,), (Raw(b'{"n": 1.10}'),)), Delete((1,))]) == b'[1, {"n": 1.10}]'


def test_parse_refuses_what_is_too_deep() -> None:
    """As a ValueError, like everything else that is no usable JSON."""
    with pytest.raises(ValueError, match="deeply"):
        parse(b"[" * 100_000 + b"]" * 100_000)


@given(value=VALUES, drawn=st.data(), style=STYLES, ascii_only=st.booleans())
def test_found_strings_are_those_that_a_scan_finds(
    value: Any, drawn: st.DataObject, style: dict[str, Any], ascii_only: bool
) -> None:
    """Equal strings, keys that are spelled like values and any order of edits must not lead to the wrong place."""
    paths = paths_of(value)
    chosen = drawn.draw(st.lists(st.sampled_from(paths), unique=True, max_size=3)) if paths else []
    chosen = [path for path in chosen if not any(path[: len(one)] == one for one in chosen if one != path)]
    edits: list[Edit] = [Replace(path, drawn.draw(st.sampled_from(["new", "a", None]))) for path in chosen]
    data = json.dumps(value, ensure_ascii=ascii_only, **style).encode()
    assert edit(data, edits) == edit(data, edits, None)  # no value is known: nothing but a scan can find them


@given(value=VALUES, drawn=st.data(), ascii_only=st.booleans())
def test_what_is_known_of_the_text_changes_nothing(value: Any, drawn: st.DataObject, ascii_only: bool) -> None:
    """Knowing the parsed value only saves time, even where it is not the value of this text."""
    paths = paths_of(value)
    edits: list[Edit] = [Replace(drawn.draw(st.sampled_from(paths)), "new")] if paths else []
    data = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).encode()
    expected = edit(data, edits, None)
    assert edit(data, edits) == expected
    assert edit(data, edits, value) == expected
    assert edit(data, edits, drawn.draw(VALUES)) == expected
