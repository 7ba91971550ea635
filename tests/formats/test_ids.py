"""Ids of what we write."""

import uuid

from cortex_cli.formats.ids import NewIds, new_uuid


def test_the_same_seed_gives_the_same_id() -> None:
    """The same input gives the same bytes; texts may hold what UTF-8 cannot."""
    assert new_uuid("s", "a\ud83d") == new_uuid("s", "a\ud83d")
    assert new_uuid("s", "a") != new_uuid("s", "b")
    assert NewIds([]).make("s") == new_uuid("s")


def test_no_id_is_given_twice() -> None:
    """A record of an earlier one's id would take its place."""
    ids = NewIds([new_uuid("s"), None, 5])
    made = [ids.make("s") for _ in range(3)]
    assert len({new_uuid("s"), *made}) == 4
    short = NewIds([], "msg_", 2)
    assert {len(short.make(str(number))) for number in range(50)} == {6}


def test_an_id_is_one_of_version_5() -> None:
    """Ids of files that were written before stay what they were."""
    ours = uuid.UUID("86ba20a4-6150-5948-bd2d-a087def8ff17")
    assert new_uuid("s", "ä", "") == str(uuid.uuid5(ours, "s\nä\n")) == "bd040b14-e941-5759-9cc2-a2ccad5fc530"
