"""What an input looks like that no format takes: the errors that say what was seen and how to go on."""

from collections.abc import Sequence
from typing import Any

from cortex_cli.errors import InputError, UnknownFormatError
from cortex_cli.formats.source import BOM, Source

MAX_KEYS = 6
"""Keys of an object that an error names."""

BINARY_HEAD_BYTES = 4_096
"""How far a NUL byte is looked for: no JSON text holds one."""

EXPECTED = "a transcript is JSON or JSON Lines in UTF-8"

_BEGINNINGS = {
    b"\x1f\x8b": "gzip data",
    b"PK\x03\x04": "a zip archive",
    b"SQLite format 3": "an SQLite database",
    b"\x28\xb5\x2f\xfd": "zstd data",
    b"\x89PNG": "an image",
    b"%PDF": "a PDF document",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


def refuse(source: Source) -> InputError:
    """Build the error for an input of no known format."""
    if (error := _refuse_bytes(source)) is not None:
        return error
    value = source.document if source.document is not None else next(iter(source.head_values), None)
    if value is None:
        line, what = source.find_error()
        return source.fail(f"not JSON ({what})", line=line, hint=EXPECTED)
    line = source.data[: len(source.data) - len(source.data.removeprefix(BOM).lstrip())].count(b"\n") + 1
    where = f"{source.path}:{line}"
    return UnknownFormatError("not a transcript of a known format", where=where, hint=f"seen: {describe(value)}")


def _refuse_bytes(source: Source) -> InputError | None:
    body = source.data.removeprefix(BOM)
    if not body.strip():
        return source.fail("the input is empty", line=1, hint="nothing to compact; is this the right file?")
    if what := next((what for beginning, what in _BEGINNINGS.items() if body.startswith(beginning)), ""):
        return source.fail(f"this is {what}, not a transcript", line=1, hint=EXPECTED)
    if b"\0" in body[:BINARY_HEAD_BYTES]:
        return source.fail("this is binary data, not a transcript", line=1, hint=EXPECTED)
    return None


def refuse_as(source: Source, name: str, instead: Sequence[str]) -> InputError:
    """Build the error for an input that is certainly not of the format that was asked for."""
    hint = f"it looks like {' or '.join(instead)}: leave `--format` out, or name that"
    return source.fail(f"not a transcript of format {name}", line=1, hint=hint)


def describe(value: Any) -> str:
    """Say in a few words what a JSON value is."""
    if isinstance(value, dict):
        role = f" of role {value['role'][:40]!r}" if isinstance(value.get("role"), str) else ""
        keys = [repr(key[:40]) for key in list(value)[:MAX_KEYS]]
        more = ", ..." if len(value) > MAX_KEYS else ""
        return f"an object{role} with keys {', '.join(keys)}{more}" if keys else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}, the first {describe(value[0])}" if value else "an empty list"
    names: dict[type, str] = {str: "a string", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")
