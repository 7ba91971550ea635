"""OpenHands conversations on disk: a file for each event, in a folder beside the state."""

import json
from pathlib import Path

import pytest

from cortex_cli import event_folders, folders
from cortex_cli.errors import InputError, OutputError
from tests.cli.command import cortex
from tests.hostile import SOUND
from tests.roundtrip import load
from tests.wire_agents import openhands

SMALL = ("--fit", "300", "--keep-last", "1", "--layers", "failsafe", "--tokenizer", "heuristic")


@pytest.fixture
def conversation(chdir_tmp: Path) -> Path:
    """Write a conversation as the SDK does."""
    folder = chdir_tmp / "talk"
    (folder / "events").mkdir(parents=True)
    (folder / "base_state.json").write_text('{"id": "x", "n": 1.10}')
    for number, line in enumerate(openhands(SOUND).splitlines()):
        body = json.dumps(json.loads(line), indent=number % 2)
        (folder / "events" / f"event-{number:05d}-{json.loads(line)['id']}.json").write_text(body)
    return folder


def names(folder: Path) -> list[str]:
    """Return the names of the events."""
    return sorted(path.name for path in (folder / "events").iterdir())


def test_a_folder_is_read_as_its_events(conversation: Path) -> None:
    """The conversation's folder, or the events' own; the bytes of each are kept."""
    assert folders.is_session(conversation)
    for path in (conversation, conversation / "events"):
        transcript = load(folders.read_source(str(path)).data)
        assert (transcript.format, len(transcript.messages)) == ("openhands", len(SOUND))
    assert not folders.is_session(conversation.parent)


def test_the_result_is_a_folder_beside_it(conversation: Path) -> None:
    """Numbered without gaps, the state beside it; untouched events are the same bytes, the input is not touched."""
    before = {path: path.read_bytes() for path in conversation.rglob("*.json")}
    assert cortex("compact", "talk", *SMALL).exit_code == 0
    new = conversation.with_name("talk.compacted")
    assert (new / "base_state.json").read_bytes() == before[conversation / "base_state.json"]
    assert [name[:11] for name in names(new)] == [f"event-{number:05d}" for number in range(len(names(new)))]
    kinds = [json.loads((new / "events" / name).read_bytes())["kind"] for name in names(new)]
    assert "Condensation" in kinds
    same = {path.read_bytes() for path in (new / "events").iterdir()} & set(before.values())
    assert len(same) > 3
    assert {path: path.read_bytes() for path in before} == before
    assert cortex("check", new).exit_code == 0
    assert cortex("compact", "talk", *SMALL).exit_code == 1
    assert cortex("compact", "talk", *SMALL, "--force").exit_code == 0


def test_in_place_the_old_events_are_kept_beside(conversation: Path) -> None:
    """With what was forgotten still in the log, as OpenHands keeps it."""
    before = names(conversation)
    assert cortex("compact", "talk", "--in-place", *SMALL).exit_code == 0
    assert sorted(path.name for path in (conversation / "events.bak").iterdir()) == before
    assert len(names(conversation)) > len(before)
    assert cortex("compact", "talk/events", "-o", "other", *SMALL, "--fit", "290").exit_code == 0
    assert all(name.startswith("event-") for name in (path.name for path in Path("other").iterdir()))


def test_what_cannot_be_read_or_written(conversation: Path) -> None:
    """A damaged event is named; what changed meanwhile is left alone."""
    source = event_folders.read(str(conversation))
    first = conversation / "events" / names(conversation)[0]
    first.write_text("{torn")
    with pytest.raises(InputError, match=f"{first.name}: not JSON"):
        event_folders.read(str(conversation))
    first.write_text("{}")
    with pytest.raises(OutputError, match="has changed"):
        event_folders.write_in_place(source, b"[]")
    with pytest.raises(OutputError, match="cannot be written"):
        event_folders.write(conversation / "no" / "where", b"[]", conversation)


def test_a_folder_converts_to_a_file(conversation: Path) -> None:
    """Another format is no folder of events."""
    assert cortex("convert", "talk", "--to", "codex", "--lossy").exit_code == 0
    assert (conversation.parent / "talk.codex.jsonl").read_bytes().startswith(b'{"timestamp"')


def test_one_event_is_not_written_over(conversation: Path) -> None:
    """A condensation in its place would take the numbers of all that follow; loose events are no conversation."""
    first = conversation / "events" / names(conversation)[0]
    result = cortex("compact", first, "--in-place", "--drop-thinking", "--fit", "1")
    assert result.exit_code in (2, 3)
    assert folders.is_member(first)
    first.with_name("event-00001-ffffffff.json").write_text("{}")
    assert not folders.is_session(conversation)
