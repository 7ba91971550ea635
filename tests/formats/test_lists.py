"""What holds for all list formats: bytes survive, changes are exact, what was written loads again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli import formats
from cortex_cli.messages import Message
from tests.formats.lists import ELEMENTS, changed, files
from tests.roundtrip import dump, essence, load
from tests.strategies import examples

NAMES = ("f", "g")
"""Of the tools: calls without ids are known by them."""

EACH_FORMAT = pytest.mark.parametrize("name", ELEMENTS)


@EACH_FORMAT
@examples(60)
@given(drawn=st.data())
def test_untouched_is_byte_identical(name: str, drawn: st.DataObject) -> None:
    """Whatever the container, the spelling and the texts."""
    data, values = drawn.draw(files(name))
    transcript = load(data, name)
    assert dump(transcript) == data
    assert dump(transcript.with_messages(list(transcript.messages))) == data
    assert {index for message in transcript.messages for index in message.records} <= set(range(2 * len(values)))


@EACH_FORMAT
@examples(60)
@given(drawn=st.data())
def test_changes_load_again(name: str, drawn: st.DataObject) -> None:
    """What a layer made is what the next run reads; a message that nobody touched is the same bytes."""
    data, _ = drawn.draw(files(name))
    transcript = load(data, name)
    changes = drawn.draw(changed(transcript.messages))
    if not any(message.records for message in changes):
        return
    output = dump(transcript.with_messages(changes))
    again = load(output, name)
    order = sorted if formats.rules_of(name).alternates else list
    assert order(facts(again.messages)) == order(facts(changes))
    assert dump(again) == output


def facts(messages: tuple[Message, ...]) -> list[tuple[str, ...]]:
    """Return what is read, with call ids as in the file; empty texts are not put into blocks, the API refuses them."""
    found = ((role, kind, said, one.partition("#")[0]) for role, kind, said, one in essence(messages))
    return [
        (role, kind, said, "" if one in NAMES else one) for role, kind, said, one in found if said or kind != "text"
    ]
