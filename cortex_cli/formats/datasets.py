"""Inputs with several conversations, one a line or one an item of a list: taken apart, and nothing between is lost."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from cortex_cli.formats import shapes
from cortex_cli.formats.containers import Box, PlainSource, is_conversation, is_dataset, refuse_dataset
from cortex_cli.formats.source import Source
from cortex_cli.jsonscan import Path, item_spans


class Conversation(NamedTuple):
    """One conversation of a data set, as an input of its own."""

    source: Source
    before: bytes
    """What stands before it and belongs to none; only for the first."""
    after: bytes
    """What stands behind it, up to the next."""


def conversations(source: Source) -> Iterator[Conversation]:
    """Take a data set apart, one source for each conversation; nothing for an input that holds only one."""
    return split(source, is_conversation) if is_dataset(source) else iter(())


def split(source: Source, is_wanted: Callable[[Any], bool]) -> Iterator[Conversation]:
    """Take lines, or the list that the input is, apart by what its format calls a conversation.

    Yields:
        Nothing where there are fewer than two.
    """
    document = source.document
    if document is None:
        return _split_lines(source, is_wanted)
    return split_items(source, (), document, is_wanted) if isinstance(document, list) else iter(())


def find_only(source: Source, is_wanted: Callable[[Any], bool], path: Path) -> Box:
    """Find the messages of the only conversation of an input: the input itself, or the only item of a list.

    Args:
        source: The input.
        is_wanted: Tells what the format calls a conversation.
        path: Where its messages stand in it.

    Raises:
        InputError: There is none, or there are several.
    """
    document = source.document
    values = list(source.head) if document is None else document if isinstance(document, list) else [document]
    found = [index for index, value in enumerate(values) if is_wanted(value)]
    if isinstance(source, PlainSource):
        raise source.fail("a list of conversations, not of messages", hint="load each by itself")
    if len(found) != 1 or document is None:
        raise refuse_dataset(source) if found else shapes.refuse(source)
    top = values[found[0]]
    messages: Any = top
    for key in path:
        messages = messages[key]
    return Box("list", ((found[0],) if top is not document else ()) + path, top, messages)


def _split_lines(source: Source, is_wanted: Callable[[Any], bool]) -> Iterator[Conversation]:
    """Take lines apart; those that hold no conversation go with the one before."""
    records = source.records
    values = {index: value for index, value in source.values() if is_wanted(value)}
    indices = list(values)
    if not indices:
        return
    before = b"".join(record + b"\n" for record in records[: indices[0]])
    for index, following in zip(indices, [*indices[1:], len(records)], strict=True):
        own = records[index] if index == len(records) - 1 else records[index] + b"\n"
        after = b"\n".join(records[index + 1 : following])
        if index + 1 < following < len(records):
            after += b"\n"
        one = Source(own, source.path, first_line=source.first_line + index)
        one.__dict__["document"] = values.pop(index)
        yield Conversation(one, before, after)
        before = b""


def split_items(
    source: Source, path: Path, values: Sequence[Any], is_wanted: Callable[[Any], bool]
) -> Iterator[Conversation]:
    """Take the list at `path` of a document apart; items that hold no conversation go with the one before."""
    if sum(map(is_wanted, values)) < 2:
        return
    data = source.data
    wanted = [(span, value) for span, value in zip(item_spans(data, path), values, strict=True) if is_wanted(value)]
    line, last = source.first_line, 0
    before = data[: wanted[0][0][0]]
    for at, ((start, end), value) in enumerate(wanted):
        line += data.count(b"\n", last, start)
        last = start
        one = Source(data[start:end], source.path, first_line=line)
        one.__dict__["document"] = value
        yield Conversation(one, before, data[end : wanted[at + 1][0][0] if at + 1 < len(wanted) else len(data)])
        before = b""
