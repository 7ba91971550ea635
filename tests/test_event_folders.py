"""OpenHands conversations on disk: a file for each event, in a folder beside the state."""

import json
from pathlib import Path

import pytest

from cortex_cli import event_folders, folders
from cortex_cli.errors import InputError, OutputError
from tests.cli.command import cortex
from tests.hostile import SOUND
from tests.roundtrip import dump, load
from tests.wire_agents import openhands, openhands_v0_answers

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


@pytest.fixture
def old_conversation(chdir_tmp: Path) -> Path:
    """Write a conversation as the older server does, copies of its events in pages beside them."""
    folder = chdir_tmp / "old"
    (folder / "events").mkdir(parents=True)
    (folder / "event_cache").mkdir()
    events = json.loads(openhands_v0_answers(SOUND))
    for one in events:
        (folder / "events" / f"{one['id']}.json").write_text(json.dumps(one, indent=one["id"] % 2))
    (folder / "event_cache" / "0-10.json").write_text(json.dumps(events[:10]))
    (folder / "metadata.json").write_text('{"n": 1.10}')
    return folder


def test_a_folder_of_the_older_server(old_conversation: Path) -> None:
    """In the order of their numbers, not of their names; what it would read in the place of new events is gone."""
    assert folders.is_session(old_conversation)
    assert folders.is_member(old_conversation / "events" / "10.json")
    transcript = load(folders.read_source("old").data)
    assert [one.text for one in transcript.messages] == [one.text for one in load(openhands_v0_answers(SOUND)).messages]
    before = {path.name: path.read_bytes() for path in (old_conversation / "events").iterdir()}
    for style in ("tagged", "store"):
        layers = ("--layers", "summary", "--keep-recent", "2", "--threshold", "0", "--style", style)
        assert (
            cortex("compact", "old", "--window", "4k", *layers, "-o", style, "--tokenizer", "heuristic").exit_code == 0
        )
        made = {path.name: json.loads(path.read_bytes()) for path in (Path(style) / "events").iterdir()}
        assert {name: one["id"] for name, one in made.items()} == {name: int(name[:-5]) for name in made}
        assert sorted(path.name for path in Path(style).iterdir()) == ["events", "metadata.json"]
        same = [name for name in made if (Path(style) / "events" / name).read_bytes() == before.get(name)]
        assert 0 < len(same) < len(made) < len(before)
        written = load(folders.read_source(style).data).messages
        assert [one.synthetic for one in written if one.synthetic][:1] == ["summary"]
        assert cortex("check", style).exit_code == 0
        again = load(folders.read_source(style).data)
        assert dump(again.with_messages(list(again.messages))) == folders.read_source(style).data


def test_a_folder_of_the_older_server_in_place(old_conversation: Path) -> None:
    """Everything that was there is kept beside what is there."""
    before = {path.name: path.read_bytes() for path in (old_conversation / "events").iterdir()}
    assert cortex("compact", "old", "--in-place", *SMALL).exit_code == 0
    assert {path.name: path.read_bytes() for path in (old_conversation / "events.bak").iterdir()} == before
    assert {path.name for path in (old_conversation / "events").iterdir()} > set(before)
    assert not (old_conversation / "event_cache").exists()
    assert (old_conversation / "event_cache.bak" / "0-10.json").is_file()


def test_numbers_alone_are_no_conversation(old_conversation: Path) -> None:
    """Many things are called `1.json`; an event under another's number is not read."""
    loose = old_conversation.parent / "loose"
    loose.mkdir()
    (loose / "1.json").write_bytes((old_conversation / "events" / "2.json").read_bytes())
    (loose / "2.json").write_text('{"messages": [{"role": "user", "content": "go"}]}')
    assert not folders.is_session(loose)
    assert not folders.is_member(loose / "2.json")
    wrong = old_conversation / "events" / "3.json"
    wrong.write_bytes((old_conversation / "events" / "2.json").read_bytes())
    with pytest.raises(InputError, match=r"3.json: not the event of that number"):
        event_folders.read("old")
