"""Damaged and awkward inputs of every format, made from a sound one."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from cortex_cli.messages import Message
from tests.conftest import assistant, call, filler, live, result, thinking, user
from tests.writers import WRITERS

SOUND: tuple[Message, ...] = live(
    user("please look at src/app.py"),
    assistant(thinking("where is it"), "I look", call("Read", "call_1"), call("Bash", "call_2")),
    result("call_1", chars=4000),
    result("call_2", "exit code 1\n" + filler(3000), name="Bash", is_error=True),
    assistant("there it is"),
    user("now mend it \u2013 all of it \U0001f527"),
    assistant(call("Edit", "call_3", '{"path":"a.py","new":"x = 1"}')),
    result("call_3", chars=6000, name="Edit"),
    assistant("done"),
    user("thanks"),
    assistant("you are welcome"),
)
"""A conversation with everything in it, long enough for every layer to act in a small window."""

DEPTH = 100_000
"""Levels of nesting: more than any parser that recurses can bear."""

NOT_TRANSCRIPTS: dict[str, bytes] = {
    "empty": b"",
    "white space": b" \n\n\t\r\n",
    "BOM alone": b"\xef\xbb\xbf",
    "NUL bytes": b"\0" * 4096,
    "binary": bytes(range(256)) * 40,
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xe6\x02\x00",
    "UTF-16": '{"role":"user","content":"hi"}\n'.encode("utf-16"),
    "prose": b"Dear reader,\nthis is no transcript.\n",
    "null": b"null",
    "number": b"12345678901234567890123",
    "not a number": b"NaN",
    "too large a number": b"1e999",
    "string": b'"text"',
    "lone surrogate": b'"\\ud83d"',
    "empty list": b"[]",
    "empty object": b"{}",
    "list of numbers": b"[1,2,3]",
    "list of null": b"[null]",
    "lists in lists": b"[[[[]]]]",
    "torn object": b'{"messages":[{"role":"user","con',
    "deep lists": b"[" * DEPTH,
    "deep closed lists": b"[" * DEPTH + b"]" * DEPTH,
    "deep objects": b'{"a":' * DEPTH + b"1" + b"}" * DEPTH,
    "messages of a number": b'{"messages":5}',
    "messages of numbers": b'{"messages":[1,null,"x",[]]}',
    "one closing bracket": b"]",
    "lines of numbers": b"1\n2\n3\n",
}
"""What no format can read, or as nothing but an empty conversation."""


@cache
def sound(written: str) -> bytes:
    """Write the sound conversation."""
    return WRITERS[written][1](SOUND)


def is_lines(written: str) -> bool:
    """Tell whether it is written as JSON Lines."""
    return sound(written).count(b"\n{") > 3


def damaged_lines(written: str) -> Iterator[tuple[str, bytes]]:
    """Yield (what was done, bytes) of damages to JSON Lines."""
    data = sound(written)
    lines = data.splitlines(keepends=True)
    middle = len(lines) // 2
    head, tail = b"".join(lines[:middle]), b"".join(lines[middle:])
    glued = lines[-3].rstrip(b"\n") + lines[-2]
    yield "torn last line", data + lines[-1][: len(lines[-1]) // 2]
    yield "torn within a character", data + b'{"text":"\xf0\x9f'
    yield "no last line feed", data.rstrip(b"\n")
    yield "two objects on one line", b"".join(lines[:-3]) + glued + lines[-1]
    yield "a line twice", b"".join(lines[:-2]) + lines[-2] * 2 + lines[-1]
    yield "invalid UTF-8", data.replace(b"done", b"do\xff\xfene")
    yield "blank lines", head + b"\n  \n\n" + tail
    yield "CRLF", data.replace(b"\n", b"\r\n")
    yield "BOM", b"\xef\xbb\xbf" + data
    yield "NUL bytes on a line", head + b"\0" * 100 + b"\n" + tail
    yield "a torn line in the middle", head + lines[middle][:40] + b"\n" + tail
    yield "scalars on lines", head + b'null\n12\n"x"\n[]\n{}\n' + tail
    yield "an unknown record", head + b'{"type":"future-record","payload":{"big":12345678901234567890123}}\n' + tail
    yield "deep nesting on a line", head + b'{"type":"x","deep":' + b"[" * DEPTH + b"]" * DEPTH + b"}\n" + tail


def awkward(written: str) -> Iterator[tuple[str, bytes]]:
    """Yield (what was done, bytes) of odd JSON that is legal and has to survive."""
    data = sound(written)
    yield "lone surrogates", data.replace(b"there it is", b"there \\ud83d it is")
    yield "surrogate in a result", data.replace(b"line 7 of", b"line \\udc00 of")
    yield "escaped NUL", data.replace(b"there it is", b"there\\u0000it is")
    yield "ANSI and markup", data.replace(b"there it is", b"\\u001b[31m[red]it[/x] is\\u0007")
    odd = b'{"big":12345678901234567890123,"f":1.10,"e":1E+2,"z":-0,"dup":1,"dup":2,"nul":"a\\u0000b",'
    first = data.index(b"{")
    yield "odd values in front", data[:first] + odd + data[first + 1 :].lstrip()
    yield (
        "duplicate keys",
        data.replace(b'"role":', b'"role":"user","role":').replace(b'"role": ', b'"role": "user", "role": '),
    )
    deep = b'{"x_deep":' + b"[" * 400 + b"]" * 400 + b","
    yield "nesting that can be read", data[:first] + deep + data[first + 1 :].lstrip()
    yield "spaces", json_spaced(data) if not is_lines(written) else data.replace(b'":', b'" :  ')


def json_spaced(data: bytes) -> bytes:
    """Write a document over many lines."""
    return json.dumps(json.loads(data), indent=4, ensure_ascii=False).encode()


def paths(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*at, key)
        yield from paths(inner, (*at, key))


def with_value(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """Return a JSON value with another one at a path."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_value(value[path[0]], path[1:], new)  # type: ignore[index]
    return copy


WRONG_VALUES: tuple[Any, ...] = (None, True, 0, -1, 1.5, "", "x", [], {}, [None], [[]], {"type": "text"}, "\0", 10**22)
"""What stands where something else is expected."""
